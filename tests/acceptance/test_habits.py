"""What people send to other routers, sent to the real proxy over the real market."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.proxy import Proxy, proxy

TURN = {"messages": [{"role": "user", "content": "hi"}]}
CLASSES = {"classes": {"auxiliary": "batch", "main": "interactive"}}


@pytest_asyncio.fixture
async def house() -> AsyncIterator[Proxy]:
    async with proxy(speed=50, adapters=False, routing=CLASSES) as running:
        yield running


async def test_bounds_in_the_name_of_the_model_are_the_ones_of_headers(house: Proxy) -> None:
    named = await house.ask("deepseek-r1@ttft<3000,p90", stream=True)
    record = await house.record(named.id)
    declared = await house.ask(sla={"TTFT-Ms": 3000, "Percentile": "p90"}, stream=True)
    assert named.status == declared.status == 200
    assert record.ask.model == "deepseek-r1"
    assert record.ask.kind == (await house.record(declared.id)).ask.kind


async def test_an_order_is_tried_in_that_order(house: Proxy) -> None:
    wish = {"order": ["friendli", "parasail"], "allow_fallbacks": False}
    reply = await house.ask(provider=wish, fault="deepseek-r1@friendli=http_503", stream=True)
    told = await house.explain(provider=wish)
    assert told["plan"] == ["deepseek-r1@friendli", "deepseek-r1@parasail"]
    assert reply.status == 200
    assert reply.endpoint == "deepseek-r1@parasail"
    record = await house.record(reply.id)
    assert [a.endpoint for a in record.outcome.attempts] == told["plan"]


async def test_a_soft_wish_moves_the_slow_to_the_end_with_its_figures(house: Proxy) -> None:
    plain = await house.explain()
    told = await house.explain(provider={"preferred_max_latency": {"p50": 2}})
    assert sorted(told["plan"]) == sorted(plain["plan"])
    assert told["plan"] != plain["plan"]
    slow = next(e for e in told["endpoints"] if e["endpoint"] == plain["plan"][0])
    assert slow["reason"] == "deprioritized"
    assert slow["failed"][0]["limit"] == 2000
    assert slow["failed"][0]["predicted"] > 2000


async def test_nitro_goes_to_the_fastest(house: Proxy) -> None:
    told = await house.explain("deepseek-r1:nitro")
    speeds = {e["endpoint"]: (e["forecast"] or {}).get("tps", 0) for e in told["endpoints"]}
    assert told["model"] == "deepseek-r1"
    assert told["chosen"]["endpoint"] == max(speeds, key=lambda name: speeds[name])


async def test_the_first_model_of_a_list_that_is_served_answers(house: Proxy) -> None:
    reply = await house.ask("meta/unheard-of", models=["deepseek-r1", "reasoning"], stream=True)
    assert reply.status == 200
    assert (await house.record(reply.id)).ask.model == "deepseek-r1"
    unheard = await house.ask("meta/unheard-of", models=["unknown"])
    assert (unheard.status, unheard.error["code"]) == (404, "model_not_found")


async def test_a_class_of_requests_gets_its_policy(house: Proxy) -> None:
    for said, policy in (("auxiliary", "batch"), ("main", "interactive"), ("workflow", "default")):
        told = await house.explain(headers={"X-Claude-Code-Request-Class": said})
        assert told["policy"] == policy


@pytest.mark.parametrize("key", ["session_id", "prompt_cache_key"])
@pytest.mark.parametrize(
    ("path", "model", "more"),
    [
        ("/v1/chat/completions", "claude-sonnet-4", {"max_tokens": 20, **TURN}),
        ("/v1/messages", "deepseek-r1", {"max_tokens": 20, **TURN}),
        ("/v1/messages", "claude-sonnet-4", {"max_tokens": 20, **TURN}),
        ("/v1/responses", "claude-sonnet-4", {"max_output_tokens": 20, "input": "hi"}),
    ],
)
async def test_a_conversation_may_be_named_in_the_body_of_every_dialect(
    house: Proxy, key: str, path: str, model: str, more: dict[str, object]
) -> None:
    body = {"model": model, **more, key: "chat 1"}
    reply = await house.post(path, json.dumps(body).encode(), {})
    assert reply.status == 200
    assert (await house.record(reply.id)).ask.session
