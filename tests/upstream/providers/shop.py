"""A server that sells as one provider does: its path, its header, its usage and its refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.upstream.providers import eventstream
from tests.upstream.providers.sellers import Refusal, Seller, Voice

SAID = ("The sky", " is blue.")
SSE = "text/event-stream"
JSON = "application/json"


@dataclass
class Shop:
    """``mood`` is how every well-formed request is refused, if it is. ``seen`` are the requests."""

    seller: Seller
    key: str
    model: str
    mood: Refusal | None = None
    port: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                request, *lines = head.rstrip().split("\r\n")
                headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.targets.append(request.split(" ")[1])
                self.heads.append(headers)
                self.seen.append(body)
                writer.write(self._answer(self.targets[-1], headers, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, target: str, headers: dict[str, str], body: dict[str, Any]) -> bytes:
        seller = self.seller
        if target not in (seller.target, seller.stream_target or seller.target):
            return _http(404, JSON, b'{"error":{"message":"Not Found"}}')
        presented = headers.get(seller.header)
        if presented != (seller.scheme + self.key if self.key else None):
            assert seller.bad_key is not None
            return _refused(seller.bad_key, str(presented).removeprefix(seller.scheme))
        for name in seller.refused_fields:
            if name in body:
                assert seller.bad_field is not None
                return _refused(seller.bad_field, name)
        if self.mood is not None:
            return _refused(self.mood, self.key)
        streams = body.get("stream") or target == seller.stream_target
        if seller.voice is Voice.CONVERSE:
            if streams:
                return _http(200, eventstream.MEDIA, b"".join(_converse_events(seller)))
            return _http(200, JSON, _encoded(_converse(seller)))
        if not streams:
            return _http(200, JSON, _encoded(self._whole()))
        events = _message_events(seller) if seller.voice is Voice.MESSAGES else self._chunks(body)
        return _http(200, SSE, b"".join(events))

    def _whole(self) -> dict[str, Any]:
        counted = self.seller.counted
        match self.seller.voice:
            case Voice.EMBEDDINGS:
                data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
                return {"object": "list", "data": data, "model": self.model, **counted}
            case Voice.MESSAGES:
                return {**_message(self.model), "content": [_TEXT], **counted}
            case _:
                message = {"role": "assistant", "content": "".join(SAID)}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                return {"id": "c-1", "object": "chat.completion", "choices": [choice], **counted}

    def _chunks(self, body: dict[str, Any]) -> Iterator[bytes]:
        """Stream an answer; the usage stands where this provider puts it."""
        seller = self.seller
        asked = (body.get("stream_options") or {}).get("include_usage") is True
        yield from (b": " + seller.comment + b"\n\n",) if seller.comment else ()
        steps: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant"}, None)]
        steps += [({"content": part}, None) for part in SAID]
        for delta, finish in [*steps, ({}, "stop")]:
            chunk: dict[str, Any] = {
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
            if seller.usage_on == "every chunk" or (seller.usage_on == "the last" and finish):
                chunk |= seller.counted
            yield _data(chunk)
        if seller.usage_on == "one of its own" and asked:
            yield _data({"object": "chat.completion.chunk", "choices": [], **seller.counted})
        if seller.says_done:
            yield b"data: [DONE]\n\n"


_TEXT = {"type": "text", "text": "".join(SAID)}


def _message(model: str) -> dict[str, Any]:
    told = {"id": "m-1", "type": "message", "role": "assistant", "model": model}
    return {**told, "content": [], "stop_reason": "end_turn", "stop_sequence": None}


def _message_events(seller: Seller) -> Iterator[bytes]:
    usage = seller.counted["usage"]
    start = {**_message("m"), "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield _event({"type": "message_start", "message": start})
    block: dict[str, Any] = {"index": 0, "content_block": {"type": "text", "text": ""}}
    yield _event({"type": "content_block_start", **block})
    yield _event({"type": "ping"})
    for part in SAID:
        delta = {"type": "text_delta", "text": part}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield _event({"type": "content_block_stop", "index": 0})
    end = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    yield _event({"type": "message_delta", **end, "usage": usage})
    yield _event({"type": "message_stop"})


def _converse(seller: Seller) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": "".join(SAID)}]}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": seller.counted}


def _converse_events(seller: Seller) -> Iterator[bytes]:
    yield eventstream.message("messageStart", {"role": "assistant"})
    for part in SAID:
        delta = {"contentBlockIndex": 0, "delta": {"text": part}}
        yield eventstream.message("contentBlockDelta", delta)
    yield eventstream.message("contentBlockStop", {"contentBlockIndex": 0})
    yield eventstream.message("messageStop", {"stopReason": "end_turn"})
    metadata = {"usage": seller.counted, "metrics": {"latencyMs": 9}}
    yield eventstream.message("metadata", metadata)


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def _data(chunk: object) -> bytes:
    return b"data: " + _encoded(chunk) + b"\n\n"


def _event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _data(event)


def _refused(refusal: Refusal, word: str) -> bytes:
    return _http(refusal.status, JSON, refusal.body.replace("{}", word).encode(), refusal.headers)


def _http(status: int, media: str, body: bytes, headers: tuple[str, ...] = ()) -> bytes:
    lines = (f"HTTP/1.1 {status} -", f"Content-Type: {media}", f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@asynccontextmanager
async def open_shop(seller: Seller, *, key: str, model: str) -> AsyncIterator[Shop]:
    """Sell ``model`` on a free port to whoever brings ``key``."""
    shop = Shop(seller, key, model)
    server = await asyncio.start_server(shop._serve, "127.0.0.1", 0)
    shop.port = server.sockets[0].getsockname()[1]
    async with server:
        yield shop
