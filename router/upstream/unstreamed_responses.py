"""A whole response where a stream was asked for, as the events it should have come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from router.core.answer import Piece
from router.upstream.sse import named

_Fields = dict[str, Any]
_decode = msgspec.json.Decoder(_Fields).decode

_TEXTS: Final[Mapping[object, tuple[str, str]]] = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}
"""The kind of a part -> what its events begin with, and the field that holds its text."""


def as_stream(piece: Piece, *, hide_usage: bool) -> Piece:
    """Return the piece of a whole response with its bytes turned into a stream's."""
    del hide_usage
    numbered = ({**e, "sequence_number": n} for n, e in enumerate(_events(_decode(piece.data))))
    return piece._replace(data=b"".join(map(named, numbered)))


def _events(response: _Fields) -> Iterator[_Fields]:
    """Yield the events; they hold the response at both ends."""
    begun = {**response, "status": "in_progress", "output": []}
    begun |= {"usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        for event in _item_events(item):
            yield {**event, "output_index": index}
    cut = response.get("status") == "incomplete"
    yield {"type": "response.incomplete" if cut else "response.completed", "response": response}


def _item_events(item: _Fields) -> Iterator[_Fields]:
    begun = {**item, "status": "in_progress"} if "status" in item else item
    place = {"item_id": item.get("id")}
    match item:
        case {"type": "message", "content": list(parts)}:
            yield _added({**begun, "content": []})
            for index, part in enumerate(parts):
                yield from _part_events("content", {**place, "content_index": index}, part)
        case {"type": "reasoning", "summary": list(parts)}:
            yield _added({**begun, "summary": []})
            for index, part in enumerate(parts):
                yield from _part_events(
                    "reasoning_summary", {**place, "summary_index": index}, part
                )
        case {"type": "function_call", "arguments": str(arguments)}:
            yield _added({**begun, "arguments": ""})
            told = {"name": item.get("name"), "arguments": arguments}
            kind = "response.function_call_arguments"
            yield {"type": f"{kind}.delta", **place, "delta": arguments}
            yield {"type": f"{kind}.done", **place, **told}
        case _:
            yield _added(begun)
    yield {"type": "response.output_item.done", "item": item}


def _added(item: _Fields) -> _Fields:
    return {"type": "response.output_item.added", "item": item}


def _part_events(frame: str, place: _Fields, part: _Fields) -> Iterator[_Fields]:
    """Yield a part of a message or of a summary, its text as one delta."""
    kind, field = _TEXTS.get(part.get("type"), ("", ""))
    text = part.get(field)
    spoken = isinstance(text, str)
    empty = {**part, field: ""} if spoken else part
    yield {"type": f"response.{frame}_part.added", **place, "part": empty}
    if spoken:
        more = {"logprobs": part.get("logprobs") or []} if kind == "response.output_text" else {}
        yield {"type": f"{kind}.delta", **place, "delta": text, **more}
        yield {"type": f"{kind}.done", **place, field: text, **more}
    yield {"type": f"response.{frame}_part.done", **place, "part": part}
