"""A provider and an OTLP receiver that cost next to nothing: one asyncio protocol, no framework.

``python stub.py`` prints its port. What it answers is chosen by the request: ``/v1/traces`` is
taken and counted, ``"stream":true`` gets 200 chunks of content (10 ms apart where ``"user"`` is
``"paced"``, else at once), everything else a JSON answer of 1 KB. Usage is sent in a chunk of its
own where it was asked for, as OpenAI does. ``GET /count`` tells how many bodies of traces came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, cast

import uvloop

CHUNKS: Final = 200
GAP_S: Final = 0.01
WHOLE_BYTES: Final = 1024
_USAGE: Final = {"prompt_tokens": 60, "completion_tokens": CHUNKS, "total_tokens": 60 + CHUNKS}


def _chunk(choices: list[object], **more: object) -> bytes:
    """One event, framed for a chunked body, as long as OpenAI's are."""
    told = {
        "id": "chatcmpl-Bq7ZkX1pYw2vR4uT6sN8mL0aJcHd",
        "object": "chat.completion.chunk",
        "created": 1752000000,
        "model": "bench-model",
        "system_fingerprint": "fp_0123456789",
        "choices": choices,
        **more,
    }
    return _framed(b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _choice(delta: dict[str, str], finish: str | None = None) -> list[object]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


_ROLE: Final = _chunk(_choice({"role": "assistant", "content": ""}))
_WORDS: Final = [_chunk(_choice({"content": f" word{i:03}"})) for i in range(CHUNKS)]
_FINISH: Final = _chunk(_choice({}, "stop"))
_COUNTED: Final = _chunk([], usage=_USAGE)
_END: Final = _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"x-request-id: req_0123456789\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _whole() -> bytes:
    def body(text: str) -> bytes:
        message = {"role": "assistant", "content": text}
        told = {
            "id": "chatcmpl-Bq7ZkX1pYw2vR4uT6sN8mL0aJcHd",
            "object": "chat.completion",
            "created": 1752000000,
            "model": "bench-model",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
        return json.dumps(told, separators=(",", ":")).encode()

    return _answer(body("word " * ((WHOLE_BYTES - len(body(""))) // 5)))


def _answer(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        f"x-request-id: req_0123456789\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_WHOLE: Final = _whole()
_TRACES_TAKEN: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
)
_traces = 0


class Stub(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        read = self._read
        read += data
        end = read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(read[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(read) < end + 4 + length:
            return
        body = bytes(read[end + 4 : end + 4 + length])
        del read[: end + 4 + length]
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        global _traces  # noqa: PLW0603 - a counter of this small process
        if head.startswith(b"post /v1/traces"):
            _traces += 1
            self._write(_TRACES_TAKEN)
        elif head.startswith(b"get /count"):
            self._write(_answer(str(_traces).encode()))
        elif b'"stream":true' not in body:
            self._write(_WHOLE)
        else:
            last = _FINISH + (_COUNTED if b'"include_usage":true' in body else b"") + _END
            if b'"user":"paced"' in body:
                self._write(_STREAM_HEAD + _ROLE)
                self._tick(0, self._loop.time(), last)
            else:
                self._write(_STREAM_HEAD + _ROLE + b"".join(_WORDS) + last)

    def _tick(self, index: int, begun: float, last: bytes) -> None:
        if index < CHUNKS:
            self._write(_WORDS[index])
            at = begun + GAP_S * (index + 1)
            self._loop.call_at(at, self._tick, index + 1, begun, last)
        else:
            self._write(last)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
