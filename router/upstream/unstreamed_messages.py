"""A whole message where a stream was asked for, as the events it should have come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from router.core.answer import Piece
from router.upstream.sse import named

_Fields = dict[str, Any]
_decode = msgspec.json.Decoder(_Fields).decode
_REASONS = ("stop_reason", "stop_sequence")


def as_stream(piece: Piece, *, hide_usage: bool) -> Piece:
    """Return the piece of a whole message with its bytes turned into a stream's."""
    del hide_usage
    return piece._replace(data=b"".join(map(named, _events(_decode(piece.data)))))


def _events(message: _Fields) -> Iterator[_Fields]:
    begun = {**message, "content": [], **dict.fromkeys(_REASONS)}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        empty, deltas = _taken_apart(block)
        place = {"index": index}
        yield {"type": "content_block_start", **place, "content_block": {**block, **empty}}
        for delta in deltas:
            yield {"type": "content_block_delta", **place, "delta": delta}
        yield {"type": "content_block_stop", **place}
    why = {name: message.get(name) for name in _REASONS}
    counts = {"usage": message["usage"]} if "usage" in message else {}
    yield {"type": "message_delta", "delta": why, **counts}
    yield {"type": "message_stop"}


def _taken_apart(block: _Fields) -> tuple[_Fields, list[_Fields]]:
    """Return what is empty at a block's start, and the deltas that fill it; other blocks come
    whole.
    """
    match block:
        case {"type": "text", "text": str(text)}:
            cited = block.get("citations") or []
            deltas = [{"type": "citations_delta", "citation": one} for one in cited]
            deltas.insert(0, {"type": "text_delta", "text": text})
            return {"text": "", **({"citations": []} if cited else {})}, deltas
        case {"type": "thinking", "thinking": str(thinking)}:
            deltas = [{"type": "thinking_delta", "thinking": thinking}]
            if signature := block.get("signature"):
                deltas.append({"type": "signature_delta", "signature": signature})
            return {"thinking": "", "signature": ""}, deltas
        case {"type": "tool_use" | "server_tool_use", "input": given}:
            spelled = msgspec.json.encode(given).decode()
            return {"input": {}}, [{"type": "input_json_delta", "partial_json": spelled}]
        case _:
            return {}, []
