"""``GET /v1/route/endpoints`` over real HTTP."""

from __future__ import annotations

from dataclasses import replace

import aiohttp

from router.core.ask import Ask, Bound, BoundKind, PromptSize, Sla
from router.core.candidate import Standing
from router.core.catalogue import ModelName
from router.core.decision import Reason
from router.core.portrait import Survey, class_portrait, portrait
from router.core.stakes import Stakes
from router.surfaces.door import Door
from tests.core.market import a_candidate
from tests.surfaces.house import CHEAP, QUICK, running

NOW = 1_800_000_000.0
SECRET = "s3cr3t"
ASK = Ask("req-1", ModelName("deepseek-r1"), Sla((Bound(BoundKind.TTFT, 1000.0),)), PromptSize(400))


def survey() -> Survey:
    hidden = replace(
        CHEAP, api_key_env=f"KEY_{SECRET}", base_url=f"https://me:{SECRET}@api.example/v1"
    )
    standing = Standing(Reason.RATE_LIMITED, NOW + 5, "rate limited for another 5 s")
    kept_out = a_candidate(hidden)._replace(standing=standing)
    quick = a_candidate(QUICK)
    return Survey(
        NOW,
        (
            portrait(kept_out, [], wall=NOW),
            portrait(quick, [(ASK.kind, quick.lengths)], wall=NOW),
        ),
        (class_portrait(ASK, Stakes(12.5, 0.002, 4.0)),),
    )


async def test_the_state_is_told_in_the_operators_order_and_without_secrets() -> None:
    async with (
        running(survey=survey) as house,
        aiohttp.ClientSession(house.url) as client,
        client.get("/v1/route/endpoints") as answer,
    ):
        text, told = await answer.text(), await answer.json()
    assert answer.status == 200
    assert SECRET not in text
    first, second = told["endpoints"]
    assert (first["id"], first["model"]) == ("deepseek-r1@deepseek", "deepseek-r1")
    assert first["standing"] == {
        "reason": "rate_limited",
        "until": "2027-01-15T08:00:05.000+00:00",
        "for_s": 5.0,
        "detail": "rate limited for another 5 s",
    }
    assert first["answers"][0]["class"] is None
    assert second["standing"] is None
    assert second["price"]["input_usd"] == 2.0
    assert second["believed"]["ttft_ms_p50"] < second["believed"]["ttft_ms_p95"]
    assert second["answers"][0]["class"] == told["classes"][0]["class"] == ASK.kind
    assert told["classes"][0]["bounds"] == {"ttft_ms": 1000}
    assert told["classes"][0]["miss_price_answers"] == 12.5


async def test_it_stands_behind_the_door() -> None:
    async with (
        running(survey=survey, door=Door(["right"])) as house,
        aiohttp.ClientSession(house.url) as client,
    ):
        for key, status in (("", 401), ("wrong", 401), ("right", 200)):
            async with client.get("/v1/route/endpoints", headers={"x-api-key": key}) as answer:
                assert answer.status == status
