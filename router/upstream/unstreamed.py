"""A whole completion where a stream was asked for, as the stream it should have been.

Some providers ignore ``stream`` for some models and answer with JSON. The client waits for events,
so it gets one chunk (each ``message`` as a ``delta``) and ``[DONE]``; the answer is as good, only
its first token comes late. The older completions' chunk is what they answer whole.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.core.answer import Piece
from router.upstream.openai import DONE

_Fields = dict[str, Raw]
_decoder = msgspec.json.Decoder(_Fields)
_NULL = Raw(b"null")
_list_decoder = msgspec.json.Decoder(list[_Fields])


def as_stream(piece: Piece, *, hide_usage: bool) -> Piece:
    """Return the piece of a whole answer with its bytes turned into a stream's."""
    chunk = _decoder.decode(piece.data)
    choices = _list_decoder.decode(chunk["choices"])
    if any("message" in choice for choice in choices):
        chunk["object"] = Raw(b'"chat.completion.chunk"')
        chunk["choices"] = Raw(msgspec.json.encode([_as_delta(choice) for choice in choices]))
    if hide_usage:
        chunk.pop("usage", None)
    return piece._replace(data=b"data: " + msgspec.json.encode(chunk) + b"\n\n" + DONE)


def _as_delta(choice: _Fields) -> _Fields:
    """Rename the message; tool calls in a delta are numbered."""
    message = choice.pop("message", _NULL)
    delta = {} if bytes(message) == b"null" else _decoder.decode(message)
    if (calls := delta.get("tool_calls")) is not None and bytes(calls) != b"null":
        numbered = [
            {"index": Raw(str(n).encode()), **call}
            for n, call in enumerate(_list_decoder.decode(calls))
        ]
        delta["tool_calls"] = Raw(msgspec.json.encode(numbered))
    return {**choice, "delta": Raw(msgspec.json.encode(delta))}
