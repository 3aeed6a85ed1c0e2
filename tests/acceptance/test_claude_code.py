"""Claude Code's contract with a gateway, line by line, over the real proxy.

The lines are those of Anthropic's gateway compatibility guide for Claude Code
(https://code.claude.com/docs/en/llm-gateway-protocol); its session and its hints are held to in
``test_sessions`` and ``test_habits``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web

from router.core.catalogue import Limits
from tests.acceptance.proxy import Proxy, Reply, proxy
from tests.upstream.recorded_messages import PING, STOP, block, start, stop, text

ROW = """
[[endpoints]]
id = "claude@native"
provider = "anthropic"
model = "anthropic/claude-sonnet-4-20250514"
serves = ["claude-sonnet-4"]
base_url = "{url}/v1"
context = 200000
price = {{ input = 3.0, output = 15.0 }}
api_key_env = "CLAUDE_KEY"

[[endpoints]]
id = "r1@chat"
provider = "here"
model = "openai/r1"
serves = ["claude-r1"]
base_url = "{url}/v1"
context = 100000
price = {{ input = 1.0, output = 2.0 }}
api_key_env = "CLAUDE_KEY"

[sandbox]
enabled = "never"
"""
PATH = "/v1/messages?beta=true"
COMMENT = b": still here\n\n"
HELLO = block(0, *text("Hel"), type="text", text="")
NATIVE = start() + PING + HELLO + COMMENT + PING + stop() + STOP
ASKED = {
    "model": "claude-sonnet-4",
    "max_tokens": 100,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2"},
        {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi é"}]}],
    "context_management": {"edits": []},
    "anthropic_field_of_tomorrow": {"a": [1, 2.50]},
    "stream": True,
}


@dataclass
class Provider:
    """``status``, ``says`` and ``headers`` are its answer; ``seen`` what it was sent last."""

    url: str = ""
    status: int = 200
    says: list[bytes] = field(default_factory=lambda: [NATIVE])
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    heard: Mapping[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.body = await request.read()
        self.heard = {k.lower(): v for k, v in request.headers.items()}
        if self.status != 200:
            told = {**self.headers, "Content-Type": "application/json"}
            return web.Response(status=self.status, headers=told, body=self.says[0])
        response = web.StreamResponse(headers={**self.headers, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in self.says:
            await response.write(piece)
        return response


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture
async def behind() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest_asyncio.fixture
async def house(behind: Provider, tmp_path: Path) -> AsyncIterator[Proxy]:
    config = tmp_path / "config.toml"
    config.write_text(ROW.format(url=behind.url))
    environ = {"CLAUDE_KEY": "sk-0123456789"}
    async with proxy(config=config, environ=environ, adapters=False) as running:
        yield running


def written(body: Mapping[str, Any]) -> bytes:
    """As a client in JavaScript writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


async def say(house: Proxy, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    return await house.post(
        PATH, written({**ASKED, **more}), {"anthropic-version": "2023-06-01", **(headers or {})}
    )


async def test_headers_of_anthropics_known_or_not_reach_the_provider(
    house: Proxy, behind: Provider
) -> None:
    betas = "claude-code-20250219,interleaved-thinking-2025-05-14,tomorrow-2027-01-01"
    told = {
        "anthropic-version": "2024-01-01",
        "anthropic-beta": betas,
        "anthropic-workspace-id": "wrkspc_1",
        "anthropic-tomorrow": "yes",
        "anthropic-dangerous-direct-browser-access": "true",
    }
    reply = await say(house, {**told, "x-api-key": "sk-mine", "X-SLA-TTFT-Ms": "5000"})
    assert reply.status == 200
    assert {name: behind.heard[name] for name in told} == told
    assert behind.heard["x-api-key"] == "sk-0123456789"
    assert not [name for name in behind.heard if name.startswith("x-sla")]


async def test_the_body_reaches_the_provider_byte_for_byte_but_for_the_models_name(
    house: Proxy, behind: Provider
) -> None:
    await say(house)
    assert behind.body == written(ASKED).replace(
        b'"claude-sonnet-4"', b'"claude-sonnet-4-20250514"'
    )


async def test_pings_and_comments_are_relayed_where_they_stood(
    house: Proxy, behind: Provider
) -> None:
    reply = await say(house)
    assert reply.raw == NATIVE


async def test_no_stream_is_silent_for_as_long_as_claude_code_waits() -> None:
    assert Limits().gap_s < 300


async def test_limits_of_the_subscription_reach_the_client_but_not_whose_it_is(
    house: Proxy, behind: Provider
) -> None:
    behind.headers = {
        "anthropic-ratelimit-unified-status": "allowed_warning",
        "anthropic-organization-id": "org-of-the-operator",
    }
    reply = await say(house)
    assert reply.headers["anthropic-ratelimit-unified-status"] == "allowed_warning"
    assert "anthropic-organization-id" not in reply.headers


async def test_a_refusal_passes_with_its_words_its_limits_and_its_advice(
    house: Proxy, behind: Provider
) -> None:
    behind.status = 429
    behind.headers = {
        "retry-after": "7",
        "x-should-retry": "true",
        "anthropic-ratelimit-unified-reset": "1800000000",
    }
    behind.says = [b'{"type":"error", "error":{"type":"rate_limit_error","message":"Slow down."}}']
    reply = await say(house)
    assert (reply.status, reply.raw) == (429, behind.says[0])
    assert {name: reply.headers[name] for name in behind.headers} == behind.headers


async def test_words_by_which_thinking_is_recovered_pass_as_they_came(
    house: Proxy, behind: Provider
) -> None:
    behind.status = 400
    words = b"messages.1.content.0: Invalid `signature` in `thinking` block"
    behind.says = [
        b'{"type":"error","error":{"type":"invalid_request_error","message":"%s"}}' % words
    ]
    reply = await say(house)
    assert (reply.status, reply.raw) == (400, behind.says[0])


async def test_a_refusal_of_ours_says_whole_seconds_or_not_again(
    house: Proxy, behind: Provider
) -> None:
    never = await say(house, {"X-SLA-Max-Cost-USD": "0"})
    assert (never.status, never.headers["x-should-retry"]) == (422, "false")
    behind.status, behind.headers, behind.says = 429, {"retry-after": "7"}, [b"{}"]
    await say(house)
    cooling = await say(house)
    assert cooling.status == 503
    assert cooling.json["type"] == "error"
    assert 1 <= int(cooling.headers["Retry-After"]) <= 7


async def test_the_models_are_found_with_what_is_shown_of_them(house: Proxy) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    url = f"{house.url}/v1/models?limit=1000"
    async with house.session.get(url, headers=headers, allow_redirects=False) as response:
        told = await response.json()
    assert response.status == 200
    assert [(m["id"], m["display_name"]) for m in told["data"]] == [
        ("claude-sonnet-4", "claude-sonnet-4"),
        ("claude-r1", "claude-r1"),
    ]
    assert all(m["description"] for m in told["data"])
    async with house.session.get(url) as response:
        assert [m["id"] for m in (await response.json())["data"]] == [
            "claude-sonnet-4",
            "claude-r1",
        ]


async def test_probes_find_somebody(house: Proxy) -> None:
    for path in ("/", "/api/hello"):
        async with house.session.head(house.url + path, allow_redirects=False) as response:
            assert response.status == 200


def chunk(**delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    about = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "r1"}
    return b"data: " + json.dumps({**about, "choices": [choice]}).encode() + b"\n\n"


async def test_a_translated_stream_has_a_ping_and_the_providers_signs_of_life(
    house: Proxy, behind: Provider
) -> None:
    ended = chunk(content="!").replace(b'"finish_reason": null', b'"finish_reason": "stop"')
    behind.says = [COMMENT, chunk(content="Hi"), COMMENT, COMMENT, ended, b"data: [DONE]\n\n"]
    asked = {k: v for k, v in ASKED.items() if k != "anthropic_field_of_tomorrow"}
    reply = await house.post(PATH, written({**asked, "model": "claude-r1"}), {})
    told = [event["type"] for event in reply.events]
    assert told[:2] == ["message_start", "ping"]
    assert told[-1] == "message_stop"
    assert reply.raw.count(COMMENT) == 3


async def test_what_the_system_says_in_mid_conversation_reaches_an_endpoint_that_speaks_chat(
    house: Proxy, behind: Provider
) -> None:
    behind.says = [chunk(content="Hi"), b"data: [DONE]\n\n"]
    said = [("user", "Hi"), ("assistant", "Yes?"), ("system", "Be brief."), ("user", "So?")]
    messages = [{"role": role, "content": content} for role, content in said]
    asked = {"model": "claude-r1", "max_tokens": 9, "stream": True, "messages": messages}
    reply = await house.post(PATH, written(asked), {})
    assert reply.status == 200, reply.raw
    assert json.loads(behind.body)["messages"] == messages


async def test_a_field_that_an_endpoint_cannot_be_told_is_refused_by_its_name(
    house: Proxy, behind: Provider
) -> None:
    reply = await say(house, model="claude-r1")
    assert (reply.status, behind.body) == (422, b"")
    assert "speaks chat, which has no anthropic_field_of_tomorrow" in reply.error["message"]
