"""How streams of each dialect end: by themselves, with what was asked to be explained, or badly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from router.core.ask import Ask
from router.core.faults import Fault
from router.core.measure import Outcome
from router.core.surface import Surface
from router.surfaces.errors import Envelope, error_json
from router.surfaces.jsonkey import with_key

Told = bytes
"""The decision and its verdict, as JSON."""

DONE: Final = b"data: [DONE]\n\n"
_SEQUENCE: Final = re.compile(rb'"sequence_number": ?(\d+)')


class Ending(NamedTuple):
    """``mark`` is in the last event of a stream, near its end; ``last`` finds that event.

    ``explain`` makes of it one that also says ``meritorder``; ``fail`` ends a stream that holds
    ``written`` last. ``missing`` is sent where no last event came.
    """

    mark: bytes
    last: re.Pattern[bytes]
    explain: Callable[[bytes, Told, Ask, Outcome], bytes]
    fail: Callable[[Fault, str, bytes], bytes]
    missing: bytes = b""


def _with_chunk(last: bytes, told: Told, ask: Ask, outcome: Outcome) -> bytes:
    del last
    final = outcome.final
    chunk: dict[str, Any] = {
        "id": ask.id,
        "object": _CHUNKS[ask.surface],
        "created": int(final.started_wall) if final is not None else 0,
        "model": ask.model,
        "choices": [],
        "meritorder": msgspec.Raw(told),
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n" + DONE


_CHUNKS: Final = {
    Surface.CHAT: "chat.completion.chunk",
    Surface.COMPLETIONS: "text_completion",
}


def _within(last: bytes, told: Told, ask: Ask, outcome: Outcome) -> bytes:
    del ask, outcome
    return with_key(last, b"meritorder", told) + b"\n\n" if last else b""


def _chunk_failed(fault: Fault, request_id: str, written: bytes) -> bytes:
    """The OpenAI SDKs raise ``APIError`` at a chunk with ``error``; a client that only waits for
    ``[DONE]`` gets it (vLLM ends its failed streams the same way).
    """
    del written
    error = msgspec.json.encode(error_json(fault, request_id, Envelope.OPENAI))
    return b"data: " + error + b"\n\n" + DONE


def _response_failed(fault: Fault, request_id: str, written: bytes) -> bytes:
    """The event is OpenAI's; the object ``error`` in it is what its SDKs raise at."""
    told = error_json(fault, request_id, Envelope.OPENAI)["error"]
    numbers = _SEQUENCE.findall(written)
    event = {
        "type": "error",
        "code": told["code"],
        "message": told["message"],
        "param": told["param"],
        "sequence_number": int(numbers[-1]) + 1 if numbers else 0,
        "error": told,
    }
    return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"


def _message_failed(fault: Fault, request_id: str, written: bytes) -> bytes:
    del written
    error = msgspec.json.encode(error_json(fault, request_id, Envelope.ANTHROPIC))
    return b"event: error\ndata: " + error + b"\n\n"


_CHUNKED: Final = Ending(
    b"[DONE]", re.compile(rb"data: ?\[DONE\]\s*\Z"), _with_chunk, _chunk_failed, DONE
)
ENDINGS: Final[Mapping[Surface, Ending]] = MappingProxyType(
    {
        Surface.CHAT: _CHUNKED,
        Surface.COMPLETIONS: _CHUNKED,
        Surface.RESPONSES: Ending(
            b"event: response.",
            re.compile(rb"(?m)^event: ?response\.(?:completed|incomplete)\r?\n(?s:.*)\Z"),
            _within,
            _response_failed,
        ),
        Surface.MESSAGES: Ending(
            b"message_stop",
            re.compile(rb"(?m)^event: ?message_stop\r?\n(?s:.*)\Z"),
            _within,
            _message_failed,
        ),
    }
)
