from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import pytest

from router.core.catalogue import ModelName
from router.core.faults import Fault, Kind
from router.surfaces.health import ready_answer
from router.surfaces.models import Served, no_model, page_json
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
    assert anthropic["data"][0]["max_input_tokens"] == 164_000
    assert anthropic["data"][0]["lifecycle"] == "active"


NAMES: Served = {ModelName(f"m{number}"): () for number in range(1, 26)}


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        ({}, range(1, 21), True),
        ({"limit": "1000"}, range(1, 26), False),
        ({"limit": "2"}, (1, 2), True),
        ({"limit": "2", "after_id": "m2"}, (3, 4), True),
        ({"limit": "2", "after_id": "m23"}, (24, 25), False),
        ({"after_id": "m25"}, (), False),
        ({"limit": "2", "before_id": "m4"}, (2, 3), True),
        ({"limit": "2", "before_id": "m3"}, (1, 2), False),
        ({"before_id": "m1"}, (), False),
    ],
)
def test_anthropics_clients_leaf_through_the_models_in_both_directions(
    query: dict[str, str], ids: Sequence[int], has_more: bool
) -> None:
    page, names = page_json(NAMES, query), [f"m{number}" for number in ids]
    assert [model["id"] for model in page["data"]] == names
    assert page["has_more"] is has_more
    assert (page["first_id"], page["last_id"]) == ((names[0], names[-1]) if names else (None, None))


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"after_id": "nope"}, "after_id"),
        ({"before_id": "nope"}, "before_id"),
        ({"after_id": "m1", "before_id": "m3"}, "after_id"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_the_name_of_the_parameter(
    query: dict[str, str], param: str
) -> None:
    with pytest.raises(Fault) as raised:
        page_json(NAMES, query)
    assert (raised.value.kind, raised.value.param) == (Kind.BAD_BODY, param)


async def test_a_page_over_http_is_refused_in_anthropics_words() -> None:
    headers = {"anthropic-version": "2023-06-01"}
    async with running() as house, aiohttp.ClientSession(house.url, headers=headers) as client:
        async with client.get("/v1/models?limit=1") as answer:
            page = await answer.json()
        async with client.get(f"/v1/models?limit=1&after_id={page['last_id']}") as answer:
            rest = await answer.json()
        async with client.get("/v1/models?limit=many") as answer:
            assert answer.status == 400
            refused = await answer.json()
    assert (page["last_id"], page["has_more"]) == ("deepseek-r1", True)
    assert (rest["last_id"], rest["has_more"]) == ("reasoning", False)
    assert (refused["type"], refused["error"]["param"]) == ("error", "limit")


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


async def test_what_nobody_counts_is_explained_by_the_estimate_that_is_given_instead() -> None:
    asked = {"model": "deepseek-r1", "messages": [{"role": "user", "content": "hi"}]}
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        async with client.post("/v1/messages/count_tokens", json=asked) as answer:
            counted = await answer.json()
        where = "/v1/route/explain?surface=count_tokens"
        async with client.post(where, json=asked) as answer:
            told = await answer.json()
        async with client.post("/v1/route/explain", json=asked) as answer:
            other = await answer.json()
    assert told["estimate"] == counted == {"input_tokens": 42}
    assert "estimate" not in other


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
