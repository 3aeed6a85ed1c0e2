from __future__ import annotations

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from router.surfaces.http import make_app
from tests.surfaces.house import CHUNK, WHOLE, FakeDispatcher, body, running, service


async def test_a_whole_answer_passes_byte_for_byte_with_what_was_expected_and_measured() -> None:
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post("/v1/chat/completions", json=body()) as answer,
    ):
        assert answer.status == 200
        assert await answer.read() == WHOLE
        assert answer.content_type == "application/json"
        told = {k: v for k, v in answer.headers.items() if k.startswith("X-SLA")}
    assert told == {
        "X-SLA-Endpoint": "deepseek-r1@parasail",
        "X-SLA-Provider": "parasail",
        "X-SLA-Model": "parasail/deepseek-r1",
        "X-SLA-Decision-Id": "req-1",
        "X-SLA-Predicted-TTFT-Ms": "430",
        "X-SLA-Predicted-E2E-Ms": "20000",
        "X-SLA-Predicted-Cost-USD": "0.004",
        "X-SLA-Status": "ok",
        "X-SLA-Attempts": "1",
        "X-SLA-Overhead-Ms": "0.31",
        "X-SLA-E2E-Ms": "2000",
        "X-SLA-Cost-USD": "0.00036",
        "X-SLA-Verdict": "none",
    }


async def test_a_stream_passes_byte_for_byte_as_events() -> None:
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post("/v1/chat/completions", json=body(stream=True)) as answer,
    ):
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert answer.headers["X-SLA-Endpoint"] == "deepseek-r1@parasail"
        assert answer.headers["X-Request-Id"] == "req-1"
        assert "X-SLA-Verdict" not in answer.headers
        assert await answer.read() == CHUNK + CHUNK + b"data: [DONE]\n\n"


async def test_a_route_added_later_is_reached_and_named() -> None:
    async def later(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = make_app(service(FakeDispatcher()))
    app.router.add_get("/metrics", later)
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/metrics")).text() == "here"
        assert (await client.post("/metrics")).headers["Allow"] == "GET, HEAD"
        assert "/metrics" in await (await client.get("/nowhere")).text()
