"""Bad input: who sent it, what is wrong and where, each told by its own status, never a hang."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance.echo import ENVIRON, echoing
from tests.acceptance.proxy import CHAT, HELLO, Proxy, proxy, read

LIFE = pytest.mark.asyncio(loop_scope="module")
LIMIT_S = 5.0
MIB = 1 << 20
GOOD = {"model": "deepseek-r1", "messages": HELLO, "max_tokens": 5}
PATHS = ["/v1/models", "/v1/nothing", "/", CHAT, "/v1/route/explain", "/v1/messages", "/dashboard"]


@dataclass(frozen=True)
class Case:
    """What is sent, and what must come back; ``says`` are words of the message."""

    name: str
    status: int
    code: str
    param: str | None = None
    body: bytes | dict[str, Any] = field(default_factory=lambda: GOOD)
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = CHAT
    method: str = "POST"
    says: tuple[str, ...] = ()


def sla(name: str, value: str, *says: str, param: str = "", **more: str) -> Case:
    header = f"X-SLA-{name}"
    return Case(
        f"{header}: {value}",
        400,
        "invalid_sla",
        param or header,
        headers={header: value, **{k.replace("_", "-"): v for k, v in more.items()}},
        says=says,
    )


def body_sla(key: str, value: object, *says: str) -> Case:
    return Case(
        f"sla.{key} = {value!r}",
        400,
        "invalid_sla",
        f"sla.{key}",
        body={**GOOD, "sla": {key: value}},
        says=says,
    )


CASES = [
    Case("broken JSON", 400, "invalid_json", body=b'{"model": "deepseek-r1", "mess'),
    Case("no JSON", 400, "invalid_json", body=b"hello"),
    Case("an empty body", 400, "invalid_json", body=b""),
    Case("a list", 400, "invalid_body", body=b"[]"),
    Case("bytes that are no UTF-8", 400, "invalid_json", body=b'{"model": "\xff\xfe"}'),
    Case("no model", 400, "invalid_body", "model", body={"messages": HELLO}),
    Case("a model that is no text", 400, "invalid_body", "model", body={**GOOD, "model": 5}),
    Case(
        "an unknown model",
        404,
        "model_not_found",
        "model",
        body={**GOOD, "model": "deepseek-r2"},
        says=("deepseek-r2", "deepseek-r1", "reasoning", "claude-sonnet-4", "o3"),
    ),
    Case("no messages", 400, "invalid_body", "messages", body={"model": "deepseek-r1"}),
    Case("messages of text", 400, "invalid_body", "messages", body={**GOOD, "messages": "hello"}),
    Case("stream of text", 400, "invalid_body", "stream", body={**GOOD, "stream": "yes"}),
    Case("no tokens", 400, "invalid_body", "max_tokens", body={**GOOD, "max_tokens": 0}),
    sla("TTFT-Ms", "soon", "milliseconds", "800"),
    sla("TTFT-Ms", "1s", "milliseconds"),
    sla("TTFT-Ms", "1000ms", "without a unit"),
    sla("TTFT-Ms", "-5"),
    sla("TTFT-Ms", "nan"),
    sla("TTFT-Ms", ""),
    sla("E2E-Ms", "0"),
    sla("Max-Cost-USD", "$0.01", "USD"),
    sla("Min-Context", "128K", "tokens"),
    sla("Min-TPS", "fast"),
    sla("Max-Answer-Tokens", "7.5"),
    sla("Percentile", "p100", "p95"),
    sla("Mode", "hard", "strict", "best-effort", "wait"),
    sla("Explain", "perhaps"),
    sla("TTFT", "1000", "X-SLA-TTFT", "x-sla-ttft-ms"),
    sla("Latency", "1000", "nearest"),
    sla("TTFT-Ms", "800", "X-SLA-TTFT-Ms", param="x-slo-ttft-ms", x_slo_ttft_ms="900"),
    body_sla("ttft_ms", "800", "milliseconds"),
    body_sla("ttft_ms", True),
    body_sla("ttft", 800, "sla.ttft_ms"),
    Case("sla of text", 400, "invalid_sla", "sla", body={**GOOD, "sla": "fast"}),
    Case(
        "an unknown policy",
        400,
        "unknown_policy",
        "X-SLA-Policy",
        headers={"X-SLA-Policy": "quick"},
        says=("quick", "interactive", "batch"),
    ),
    Case(
        "an unknown policy in the body",
        400,
        "unknown_policy",
        "sla.policy",
        body={**GOOD, "sla": {"policy": "quick"}},
    ),
    Case("plain text", 415, "unsupported_content_type", "Content-Type",
         headers={"Content-Type": "text/plain"}),
    Case("a form", 415, "unsupported_content_type", "Content-Type",
         headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Case("latin", 415, "unsupported_content_type", "Content-Type",
         headers={"Content-Type": "application/json; charset=latin-1"}),
    Case("a header of 10 KB", 431, "header_too_large", "X-Long",
         headers={"X-Long": "x" * 10_240}, says=("X-Long", "8192")),
    Case("a wrong method", 405, "method_not_allowed", method="GET", says=("POST",)),
    Case("another wrong method", 405, "method_not_allowed", path="/v1/models", says=("GET",)),
    Case("an unknown path", 404, "not_found", path="/v1/chat/completion", says=(CHAT,)),
    Case("out of the house", 404, "not_found", path="/v1/../../etc/passwd"),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Proxy]:
    async with proxy(speed=50, adapters=False) as running:
        yield running


async def sent(house: Proxy, case: Case) -> Any:
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    headers = {"Content-Type": "application/json", **case.headers}
    async with (
        asyncio.timeout(LIMIT_S),
        house.session.request(
            case.method, house.url + case.path, data=body, headers=headers
        ) as response,
    ):
        return await read(response)


@LIFE
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
async def test_what_is_wrong_is_told_by_status_code_and_field(house: Proxy, case: Case) -> None:
    reply = await sent(house, case)
    assert (reply.status, reply.error["code"]) == (case.status, case.code), reply.raw
    assert reply.error["param"] == case.param
    assert set(reply.error) == {"message", "type", "param", "code"}
    for words in case.says:
        assert words.lower() in reply.error["message"].lower()
    assert reply.headers["X-Should-Retry"] == "false"
    assert reply.headers["X-Request-Id"]
    if case.status == 405:
        assert set(case.says) <= set(reply.headers["Allow"].split(", "))


@LIFE
async def test_bad_input_never_reaches_a_provider(house: Proxy) -> None:
    before = await house.market.ledger()
    for case in CASES:
        await sent(house, case)
    assert await house.market.ledger() == before


@LIFE
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
async def test_a_body_over_the_limit_is_refused(house: Proxy, chunked: bool) -> None:
    def body(size: int) -> bytes:
        start, end = b'{"model":"gemini-2.5-pro","max_tokens":5,"messages":', b"}"
        filling = json.dumps([{"role": "user", "content": "x" * (size - len(start) - 46)}]).encode()
        return start + filling + end

    async def pieces(data: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(data), MIB):
            yield data[at : at + MIB]

    for size, expected in ((32 * MIB + 100, 413), (31 * MIB, 422)):
        data = body(size)
        async with (
            asyncio.timeout(20),
            house.session.post(
                house.url + CHAT,
                data=pieces(data) if chunked else io.BytesIO(data),
                headers={"Content-Type": "application/json"},
            ) as response,
        ):
            reply = await read(response)
        assert reply.status == expected, reply.raw[:500]
        if expected == 413:
            assert reply.error["code"] == "body_too_large"
            assert str(32 * MIB) in reply.error["message"]


@LIFE
async def test_a_configured_limit_holds() -> None:
    async with proxy(speed=50, adapters=False, server={"body_limit_mb": 0.001}) as small:
        reply = await small.ask(messages=[{"role": "user", "content": "x" * 2000}])
        assert (reply.status, reply.error["code"]) == (413, "body_too_large")
        assert (await small.ask(max_tokens=2, sla={"TTFT-Ms": 3000})).status == 200


@LIFE
async def test_the_anthropic_path_answers_in_its_own_envelope(house: Proxy) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        unserved = {**GOOD, "model": "nobody-serves-this"}
        reply = await sent(house, Case("", 404, "", path=path, body=unserved))
        assert reply.status == 404
        assert reply.json["type"] == "error"
        assert reply.json["error"]["type"] == "not_found_error"


@LIFE
async def test_without_the_key_no_path_says_anything() -> None:
    async with proxy(
        speed=50, adapters=False, environ={"APP_KEY": "right"}, server={"api_keys": ["APP_KEY"]}
    ) as locked:
        for path in PATHS:
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"}):
                for method in ("GET", "POST"):
                    case = Case("", 401, "", path=path, headers=wrong, method=method)
                    reply = await sent(locked, case)
                    assert reply.status == 401, (path, method)
                    known = "not known" if wrong else "missing"
                    assert known in reply.error["message"]
                    assert b"right" not in reply.raw
                    if path == "/v1/messages":
                        assert reply.json["type"] == "error"
                        assert reply.json["error"]["type"] == "authentication_error"
                    else:
                        assert reply.error["code"] == "invalid_api_key"
        for right in ({"Authorization": "Bearer right"}, {"x-api-key": "right"}):
            reply = await sent(
                locked, Case("", 200, "", headers={**right, "X-SLA-TTFT-Ms": "3000"})
            )
            assert reply.status == 200
        # Whether it lives is no secret.
        for path in ("/health/live", "/health/ready"):
            assert (await sent(locked, Case("", 200, "", path=path, method="GET"))).status == 200


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_no_log_line_holds_words_of_a_prompt_or_an_answer(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    level: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    asked, said, key = "canaryprompt", "canaryanswer", "canarykey"
    async with echoing() as echo:
        echo.says = said
        async with proxy(
            config=echo.written(tmp_path),
            environ={**ENVIRON, "APP_KEY": key},
            sandbox={},
            server={"api_keys": ["APP_KEY"]},
            telemetry={"log_level": level},
        ) as house:
            auth = {"Authorization": f"Bearer {key}"}
            words: dict[str, Any] = {"messages": [{"role": "user", "content": asked}]}
            for stream in (False, True):
                reply = await house.ask("echo", stream=stream, headers=auth, **words)
                assert said in reply.text
            assert (await house.ask("nobody", headers=auth, **words)).status == 404
            assert (await house.ask("echo", headers={**auth, "X-SLA-Mode": asked})).status == 400
            await house.post(CHAT, b'{"model": "' + asked.encode(), auth)
            assert asked in str(echo.bodies)
    out, err = capfd.readouterr()
    assert '"operation":"chat"' in err
    for canary in (asked, said, key, ENVIRON["ECHO_KEY"]):
        assert canary not in out + err + caplog.text
