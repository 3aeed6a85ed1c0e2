"""What the upstream's tests ask, of whom, and how they read the answer."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from itertools import count
from typing import Any

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Dialect, Endpoint, EndpointId, ModelName
from router.core.surface import Surface
from router.ports import Call, Upstream
from router.sandbox.ledger import Entry
from router.sandbox.process import Market

_IDS = count(1)
HELLO = [{"role": "user", "content": "Why is the sky blue? Think first."}]


def an_endpoint(base_url: str = "http://127.0.0.1:9/v1", **fields: Any) -> Endpoint:
    chosen: dict[str, Any] = {
        "id": EndpointId("r1@here"),
        "provider": "here",
        "model": "deepseek/deepseek-reasoner",
        "upstream_model": "deepseek-reasoner",
        "family": "deepseek-r1",
        "serves": (ModelName("deepseek-r1"),),
        "base_url": base_url,
        "context": 65536,
        "price": None,
        "api_key_env": "THE_KEY",
        "dialect": Dialect.OPENAI,
    }
    return Endpoint(**{**chosen, **fields})


def a_call(
    *,
    stream: bool = True,
    wants_usage: bool = False,
    fault: str = "",
    surface: Surface = Surface.CHAT,
    **fields: object,
) -> Call:
    body: dict[str, object] = {"model": "r1", "messages": HELLO, "max_tokens": 4000, **fields}
    if stream:
        body["stream"] = True
    if wants_usage:
        body["stream_options"] = {"include_usage": True}
    return Call(
        body=json.dumps(body).encode(),
        headers={"x-sandbox-fault": fault} if fault else {},
        stream=stream,
        wants_usage=wants_usage,
        attempt_id=f"attempt-{next(_IDS)}",
        surface=surface,
    )


async def answer(upstream: Upstream, endpoint: Endpoint, call: Call) -> list[Piece]:
    pieces: list[Piece] = []
    await read_into(pieces, upstream, endpoint, call)
    return pieces


async def read_into(
    pieces: list[Piece], upstream: Upstream, endpoint: Endpoint, call: Call
) -> None:
    """Read the answer; what came before a fault is in ``pieces``."""
    async with upstream.call(endpoint, call) as reply:
        if not call.stream:
            pieces.append(await reply.whole())
            return
        async with aclosing(reply.pieces()) as incoming:
            async for piece in incoming:
                pieces.append(piece)  # noqa: PERF401 - kept when a fault cuts it short


def client_bytes(pieces: Sequence[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


def usage_of(pieces: Sequence[Piece]) -> Usage | None:
    return next((p.usage for p in reversed(pieces) if p.usage is not None), None)


def best_content(pieces: Sequence[Piece]) -> Content:
    return max((p.content for p in pieces), default=Content.NOTHING)


def events_of(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    """The JSON of the events a client would read, ``[DONE]`` checked and left out."""
    data = [line[6:] for line in client_bytes(pieces).splitlines() if line.startswith(b"data: ")]
    assert data[-1] == b"[DONE]"
    return [json.loads(text) for text in data[:-1]]


async def entry_of(market: Market, call: Call, *, patience_s: float = 5.0) -> Entry:
    """The ledger's entry for this attempt, as soon as it is in the books."""
    async with asyncio.timeout(patience_s):
        while True:
            found = [entry for entry in await market.ledger() if entry.id == call.attempt_id]
            if found:
                assert len(found) == 1
                return found[0]
            await asyncio.sleep(0.01)
