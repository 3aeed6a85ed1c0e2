from __future__ import annotations

import aiohttp

from router.core.catalogue import ModelName
from router.surfaces.health import ready_answer
from router.surfaces.models import Served, no_model
from tests.surfaces.house import body, running


async def test_models_are_listed_in_the_dialect_that_asks() -> None:
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        async with client.get("/v1/models") as answer:
            openai = await answer.json()
        async with client.get("/v1/models", headers={"anthropic-version": "2023-06-01"}) as answer:
            anthropic = await answer.json()
        async with client.get("/v1/models/deepseek-r1") as answer:
            one = await answer.json()
    assert openai["object"] == "list"
    assert [m["id"] for m in openai["data"]] == ["deepseek-r1", "reasoning"]
    assert one == openai["data"][0]
    assert one["endpoints"] == ["deepseek-r1@deepseek", "deepseek-r1@parasail"]
    assert one["context_length"] == 164_000
    assert [m["type"] for m in anthropic["data"]] == ["model", "model"]
    assert (anthropic["first_id"], anthropic["has_more"]) == ("deepseek-r1", False)


def test_a_name_unlike_any_is_answered_with_the_list_alone() -> None:
    served: Served = {ModelName(name): () for name in ("o3", "claude-sonnet-4")}
    assert "; served are: o3, claude-sonnet-4." in no_model("nope", served).message
    assert "did you mean 'claude-sonnet-4'?" in no_model("claud", served).message


async def test_a_route_is_explained_without_sending_anything() -> None:
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post(
            "/v1/route/explain", json=body(stream=True), headers={"X-SLA-TTFT-Ms": "1000"}
        ) as answer,
    ):
        told = await answer.json()
    assert house.dispatcher.seen == []
    assert told["decision_id"] == answer.headers["X-Request-Id"] == "req-1"
    assert (told["status"], told["mode"], told["bounds"]) == (
        "ok",
        "best-effort",
        {"ttft_ms": 1000},
    )
    assert told["chosen"]["forecast"]["ttft_ms"] == 430.4
    assert [e["endpoint"] for e in told["endpoints"]] == [
        "deepseek-r1@deepseek",
        "deepseek-r1@parasail",
    ]
    assert [e["reason"] for e in told["endpoints"]] == ["bound", "chosen"]
    assert told["endpoints"][0]["failed"][0]["bound"] == "ttft_ms"
    assert told["shadows"] == [
        {
            "bound": "ttft_ms",
            "limit": 1000,
            "relaxed": 1250,
            "endpoint": "deepseek-r1@deepseek",
            "saves_usd": 0.002,
        }
    ]


async def test_the_probe_and_the_home_page_answer() -> None:
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        async with client.head("/") as answer:
            assert answer.status == 200
            assert answer.headers["X-Request-Id"] == "req-1"
        async with client.get("/") as answer:
            assert (await answer.text()).count("\n") == 3


async def test_health_tells_of_the_parts() -> None:
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        async with client.get("/health/ready") as answer:
            assert await answer.json() == {"status": "ready", "redis": "ok", "endpoints": 2}
        async with client.get("/health/live") as answer:
            assert await answer.json() == {"status": "live"}


def test_a_process_that_drains_or_cannot_serve_is_not_ready() -> None:
    assert ready_answer({"ready": True}, draining=True) == (503, {"status": "draining"})
    assert ready_answer({"ready": False, "endpoints": 0}, draining=False) == (
        503,
        {"status": "unready", "endpoints": 0},
    )
