"""Two real proxies on one real Redis: whoever is asked tells how a request was decided."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from router.store.private import PrivateRedis
from tests.acceptance.proxy import Proxy, proxy

KEYS = {"ONE_KEY": "the-first-key", "TWO_KEY": "the-second-key"}
ONE = {"Authorization": "Bearer the-first-key"}
TWO = {"Authorization": "Bearer the-second-key"}


async def decision(house: Proxy, name: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    path = f"{house.url}/v1/route/decisions/{name}"
    async with house.session.get(path, headers=headers) as answer:
        return answer.status, await answer.json()


async def until_told(
    house: Proxy, name: str, headers: dict[str, str], limit_s: float = 5.0
) -> dict[str, Any]:
    async with asyncio.timeout(limit_s):
        while True:
            status, told = await decision(house, name, headers)
            if status == 200:
                return told
            assert status == 404
            await asyncio.sleep(0.05)


def two_keys() -> dict[str, Any]:
    return {"environ": KEYS, "server": {"api_keys": list(KEYS)}, "adapters": False}


async def test_any_replica_tells_the_key_that_asked_and_no_other() -> None:
    async with (
        PrivateRedis.start() as redis,
        proxy(redis={"url": redis.url}, **two_keys()) as here,
        proxy(redis={"url": redis.url}, **two_keys()) as there,
    ):
        asked = await here.ask(headers=ONE, sla={"TTFT-Ms": 3000}, stream=True)
        name = asked.headers["X-SLA-Decision-Id"]
        status, told = await decision(here, name, ONE)
        assert status == 200
        assert told["decision"]["chosen"]["endpoint"] == asked.endpoint
        outcome = (await here.record(name)).outcome
        assert told["verdict"] == outcome.verdict()
        assert told["measured"]["ttft_ms"] > 0
        assert told["cost_usd"] == outcome.cost_nano_usd / 1e9
        assert asked.text not in str(told)
        assert await until_told(there, name, ONE) == told
        for house in (here, there):
            assert (await decision(house, name, TWO))[0] == 404
            assert (await decision(house, "mo-nobody", ONE))[0] == 404


async def test_it_is_the_same_object_that_stands_in_an_explained_answer() -> None:
    async with proxy(adapters=False) as house:
        wish = {"order": ["parasial"]}
        asked = await house.ask(sla={"TTFT-Ms": 3000, "Explain": "1"}, provider=wish)
        _, told = await decision(house, asked.id, {})
        assert told == asked.json["meritorder"]
        assert told["decision"]["unknown_names"] == ["provider.order: parasial"]


async def test_a_refused_request_is_told_under_its_request_id() -> None:
    async with proxy(adapters=False) as house:
        refused = await house.ask(sla={"Min-Context": 900_000_000})
        assert refused.status == 422
        _, told = await decision(house, refused.id, {})
        assert (told["fault"], told["decision"]["plan"]) == ("sla_infeasible", [])


async def test_without_redis_this_process_tells_its_own_and_cannot_tell_of_others(
    tmp_path: Path,
) -> None:
    async with proxy(redis={"url": f"unix://{tmp_path}/nobody"}, adapters=False) as house:
        asked = await house.ask()
        assert (await decision(house, asked.id, {}))[0] == 200
        status, told = await decision(house, "mo-somebody", {})
        assert (status, told["error"]["code"]) == (503, "temporarily_unavailable")
