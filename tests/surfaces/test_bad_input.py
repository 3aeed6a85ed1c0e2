from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from router.core.faults import Fault, Kind
from router.surfaces.door import Door
from tests.surfaces.house import body, fails, running

CHAT = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


class Case(NamedTuple):
    """One row of bad input, and what it must come to."""

    name: str
    status: int
    code: str
    param: str | None
    says: str
    data: bytes = json.dumps(body()).encode()
    headers: dict[str, str] = JSON
    method: str = "POST"
    path: str = CHAT


def said(**more: Any) -> bytes:
    return json.dumps(body(**more)).encode()


CASES = [
    Case("broken json", 400, "invalid_json", None, "byte 2", b"{ model"),
    Case("no body", 400, "invalid_json", None, "body is empty", b""),
    Case("no object", 400, "invalid_body", None, "object", b"[]"),
    Case("not utf-8", 400, "invalid_json", None, "UTF-8", b'{"model": "\xff"}'),
    Case("no model", 400, "invalid_body", "model", "missing", b'{"messages": [{}]}'),
    Case("no messages", 400, "invalid_body", "messages", "missing", said(messages=[])),
    Case("wrong type", 400, "invalid_body", "stream", "true or false", said(stream="yes")),
    Case(
        "unknown model", 404, "model_not_found", "model", "deepseek-r1, reasoning", said(model="r1")
    ),
    Case(
        "misspelt model", 404, "model_not_found", "model", "did you mean 'deepseek-r1'?",
        said(model="deepseek-r2"),
    ),
    Case(
        "no /v1", 404, "not_found", None, "did you mean /v1/chat/completions?",
        path="/chat/completions",
    ),
    Case(
        "unit in a header",
        400,
        "invalid_sla",
        "X-SLA-TTFT-Ms",
        "without a unit, such as 800",
        headers={**JSON, "X-SLA-TTFT-Ms": "1s"},
    ),
    Case(
        "empty header", 400, "invalid_sla", "X-SLA-E2E-Ms", "such as",
        headers={**JSON, "X-SLA-E2E-Ms": ""},
    ),
    Case(
        "unknown sla header", 400, "invalid_sla", "X-SLA-Latency", "nearest",
        headers={**JSON, "X-SLA-Latency": "5"},
    ),
    Case(
        "two names, two values", 400, "invalid_sla", "x-slo-ttft-ms", "X-SLA-TTFT-Ms and x-slo",
        headers={**JSON, "X-SLA-TTFT-Ms": "5", "x-slo-ttft-ms": "6"},
    ),
    Case("unknown sla key", 400, "invalid_sla", "sla.ttft", "sla.ttft_ms", said(sla={"ttft": 1})),
    Case("sla key of a wrong type", 400, "invalid_sla", "sla.e2e_ms", "'1'",
         said(sla={"e2e_ms": "1"})),
    Case(
        "unknown policy", 400, "unknown_policy", "X-SLA-Policy", "default, interactive, strict",
        headers={**JSON, "X-SLA-Policy": "fast"},
    ),
    Case(
        "unhonoured wish", 400, "invalid_body", "provider.enforce_distillable_text", "not honoured",
        said(provider={"enforce_distillable_text": True}),
    ),
    Case(
        "form", 415, "unsupported_content_type", "Content-Type", "application/json",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Case(
        "other charset", 415, "unsupported_content_type", "Content-Type", "UTF-8",
        headers={"Content-Type": "application/json; charset=utf-16"},
    ),
    Case("declared too large", 413, "body_too_large", None, "50000", bytes(50_001)),
    Case(
        "header of 10 KB", 431, "header_too_large", "X-Big", "8192",
        headers={**JSON, "X-Big": "x" * 10_240},
    ),
    Case("unknown path", 404, "not_found", None, CHAT, path="/v1/chat"),
    Case("wrong method", 405, "method_not_allowed", None, "POST", method="DELETE"),
    Case("wrong method of a list", 405, "method_not_allowed", None, "GET", path="/v1/models"),
    Case("unknown model of a list", 404, "model_not_found", "model", "reasoning", method="GET",
         path="/v1/models/azure/gpt-9"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_bad_input_is_told_by_status_code_and_field(case: Case) -> None:
    async with (
        running(max_body=50_000) as house,
        aiohttp.ClientSession(house.url) as client,
        client.request(case.method, case.path, data=case.data, headers=case.headers) as answer,
    ):
        told = (await answer.json())["error"]
        assert (answer.status, told["code"], told["param"]) == (case.status, case.code, case.param)
        assert case.says in told["message"]
        assert answer.headers["X-Request-Id"] == "req-1"
        assert answer.headers["X-Should-Retry"] == "false"
        assert house.dispatcher.seen == []


async def test_a_wrong_method_is_told_which_are_right() -> None:
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        async with client.get(CHAT) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with client.put("/health/live") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_body_that_declares_no_length_is_measured_while_it_is_read() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(10_000)
            await asyncio.sleep(0)

    async with (
        running(max_body=50_000) as house,
        aiohttp.ClientSession(house.url) as client,
    ):
        try:
            async with client.post(CHAT, data=endless(), headers=JSON) as answer:
                assert answer.status == 413
                assert (await answer.json())["error"]["code"] == "body_too_large"
        except aiohttp.ClientConnectionError:
            pytest.fail("the answer must come before the connection is closed")


async def test_a_small_body_that_unpacks_to_a_large_one_is_too_large() -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    async with running(max_body=50_000) as house, aiohttp.ClientSession(house.url) as client:
        packed = gzip.compress(bytes(1_000_000))
        async with client.post(CHAT, data=packed, headers=headers) as answer:
            assert (await answer.json())["error"]["code"] == "body_too_large"
        async with client.post(CHAT, data=gzip.compress(said()), headers=headers) as answer:
            assert answer.status == 200
    assert "content-encoding" not in house.dispatcher.seen[0][1].headers


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        running(fails(KeyError("secret"))) as house,
        aiohttp.ClientSession(house.url) as client,
    ):
        with caplog.at_level(logging.ERROR):
            async with client.post(CHAT, json=body()) as answer:
                told = await answer.text()
    assert answer.status == 500
    assert json.loads(told)["error"]["code"] == "internal_error"
    assert "secret" not in told
    assert "req-1" in caplog.text


async def test_a_proxy_that_shuts_down_sends_new_requests_elsewhere() -> None:
    async with (
        running(draining=lambda: True) as house,
        aiohttp.ClientSession(house.url) as client,
        client.post(CHAT, json=body()) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert (await answer.json())["error"]["code"] == "shutting_down"


async def test_the_messages_surface_refuses_in_its_own_dialect() -> None:
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post("/v1/messages?beta=true", json=body()) as answer,
    ):
        told = await answer.json()
        assert answer.status == 400
        assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
        assert "max_tokens is missing" in told["error"]["message"]


async def test_without_its_key_nobody_reaches_anything_but_health_and_the_probe() -> None:
    paths = [("POST", CHAT), ("POST", "/v1/route/explain"), ("GET", "/v1/models"), ("GET", "/")]
    paths += [("GET", "/v1/models/deepseek-r1"), ("GET", "/nowhere"), ("POST", "/v1/messages")]
    paths += [("GET", CHAT)]
    async with running(door=Door(["sk-1"])) as house, aiohttp.ClientSession(house.url) as client:
        for method, path in paths:
            async with client.request(method, path, json=body()) as answer:
                assert answer.status == 401, path
        for method, path in [("HEAD", "/"), ("GET", "/health/live"), ("GET", "/health/ready")]:
            async with client.request(method, path) as answer:
                assert answer.status == 200, path
        key = {"Authorization": "Bearer sk-1"}
        async with client.post(CHAT, json=body(), headers=key) as answer:
            assert answer.status == 200
    assert "authorization" not in house.dispatcher.seen[0][1].headers


@pytest.mark.parametrize("kind", [Kind.INFEASIBLE, Kind.UNAVAILABLE, Kind.CREDENTIALS])
async def test_what_the_dispatcher_refuses_reaches_the_client_streamed_or_not(kind: Kind) -> None:
    fault = Fault(kind, "No.", retry_after_s=3)
    async with running(fails(fault)) as house, aiohttp.ClientSession(house.url) as client:
        for stream in (False, True):
            async with client.post(CHAT, json=body(stream=stream)) as answer:
                assert answer.status == fault.spec.status
                assert (await answer.json())["error"]["code"] == kind.value
