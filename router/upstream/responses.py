"""Reading OpenAI's Responses as they pass by: streams and whole answers, into pieces.

Bytes go to the client as they came, but for an ``error`` or ``response.failed`` event (the surface
ends the stream in its own dialect) and what comes after the end. A stream ends with its
``response.completed`` or ``response.incomplete``, which holds the whole answer again; one that
stops before was cut short. Many events repeat what deltas have told: only the deltas count, unless
there were none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint, Tier
from router.core.tuples import new
from router.upstream.chunk import NOTHING, Seen, is_given
from router.upstream.reading import Reading, decoded, error_fault, garbage
from router.upstream.unreadable import UNREADABLE
from router.upstream.usage import read_usage

_ANSWER = Content.ANSWER
_SHOWN: Final[Mapping[object, Content]] = {
    "response.output_text.delta": _ANSWER,
    "response.refusal.delta": _ANSWER,
    "response.function_call_arguments.delta": _ANSWER,
    "response.custom_tool_call_input.delta": _ANSWER,
    "response.mcp_call_arguments.delta": _ANSWER,
    "response.code_interpreter_call_code.delta": _ANSWER,
    "response.audio.transcript.delta": _ANSWER,
    "response.reasoning_text.delta": Content.REASONING,
    "response.reasoning_summary_text.delta": Content.REASONING,
}
_SEEN_WITHOUT_TEXT = ("response.image_generation_call.partial_image", "response.audio.delta")
_ENDS = ("response.completed", "response.incomplete")
_FAILURES = ("response.failed", "error")


class _Text(msgspec.Struct, gc=False):
    """A part of a message, a thought or a summary."""

    text: Any = None
    refusal: Any = None


class _Item(msgspec.Struct, gc=False):
    """One item of the output."""

    type: Any = None
    name: Any = None
    arguments: Any = None
    input: Any = None
    code: Any = None
    result: Any = None
    action: Any = None
    content: list[_Text] | None = None
    summary: list[_Text] | None = None


def _is_search(item: _Item) -> bool:
    """Whether an item is a search of the web, which is paid; to open a page it found is not."""
    action = item.action.get("type") if isinstance(item.action, dict) else None
    return item.type == "web_search_call" and action in (None, "search")


class _Why(msgspec.Struct, gc=False):
    reason: Any = None


class _Response(msgspec.Struct, gc=False):
    """A whole response; an empty ``Raw`` is a field that is not there."""

    status: Any = None
    output: list[_Item] | None = None
    usage: Raw = Raw()
    error: Raw = Raw()
    incomplete_details: _Why | None = None
    service_tier: Any = None

    @property
    def counted(self) -> Usage | None:
        usage = read_usage(self.usage) if is_given(self.usage) else None
        if usage is None:
            return None
        if usage.tier is None and self.service_tier is not None:
            usage = usage._replace(tier=Tier.named(self.service_tier))
        searches = sum(map(_is_search, self.output or ()))
        return usage._replace(searches=searches) if searches else usage

    @property
    def finish(self) -> str | None:
        """Why it ended, or else its status."""
        reason = self.incomplete_details and self.incomplete_details.reason
        told = reason or self.status
        return told if isinstance(told, str) else None


class _Event(msgspec.Struct, gc=False):
    """Of what may be long only the bytes are taken."""

    type: Any = None
    delta: Any = None
    item: Raw = Raw()
    response: Raw = Raw()
    error: Raw = Raw()


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_response = msgspec.json.Decoder(_Response).decode


class Stream(Reading):
    """One stream under way. Usage is never hidden here: every client gets it."""

    __slots__ = ()

    def __init__(self, endpoint: Endpoint, *, hide_usage: bool = False) -> None:
        del hide_usage
        super().__init__(endpoint)

    def _owed(self) -> None:
        """Only the end says how it ended."""

    def _piece(self, raw: bytes, data: bytes) -> Piece:
        if not data:
            return Piece(raw)
        try:
            event = _decode_event(data)
        except UNREADABLE as exc:
            return self._unread(raw, data, exc)
        kind, delta = event.type, event.delta
        content = _SHOWN.get(kind) if kind.__class__ is str else None
        if content is None:
            return self._around(raw, data, event)
        if delta.__class__ is not str or not delta:
            return Piece(raw)
        self._content = True
        chars = len(delta)
        thought = 0 if content is _ANSWER else chars
        return new(Piece, (raw, content, chars, thought, None, None, None, False))

    def _around(self, raw: bytes, data: bytes, event: _Event) -> Piece:
        """Take what comes before, between and after the content."""
        kind = event.type
        if kind in _ENDS:
            return self._end(raw, event)
        if kind in _FAILURES or is_given(event.error):
            return self._fail(data, event)
        content, chars, thought = NOTHING
        if kind == "response.output_item.added":
            content, chars, thought = _named(event.item)
        elif kind in _SEEN_WITHOUT_TEXT:
            content = _ANSWER
        if content:
            self._content = True
        return Piece(raw, content, chars, thought)

    def _end(self, raw: bytes, event: _Event) -> Piece:
        self.ended = True
        try:
            response = _decode_response(event.response)
        except UNREADABLE:
            return Piece(raw, ended=True)
        seen = NOTHING if self._content else _look(response.output or ())
        return Piece(raw, *seen, response.counted, response.finish, ended=True)

    def _fail(self, data: bytes, event: _Event) -> Piece:
        """Raise or keep what went wrong; a response that failed may have used tokens."""
        if is_given(event.error):
            return self._failed(_wrapped(event.error))
        try:
            response = _decode_response(event.response)
        except UNREADABLE:
            response = _Response()
        if is_given(response.error):
            return self._failed(_wrapped(response.error), response.counted)
        return self._failed(_wrapped(data))

    def _done(self, raw: bytes) -> Piece:
        """Take the end mark of another dialect, which some gateways add: it ends nothing."""
        return Piece(raw)


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read a whole answer: one piece, ended. Raises ``Fault``, also for one that failed."""
    response = decoded(_decode_response, body, endpoint, "response")
    if is_given(response.error):
        raise error_fault(endpoint, _wrapped(response.error))
    if response.output is None:
        raise garbage(endpoint, "JSON that is no response")
    seen = _look(response.output)
    return Piece(body, *seen, response.counted, response.finish, ended=True)


def _wrapped(error: Raw | bytes) -> bytes:
    """Return an error as OpenAI would have sent it with a status of its own."""
    return b'{"error":' + bytes(error) + b"}"


def _named(raw: Raw) -> Seen:
    """Count what an item that was just begun shows: the name of what is called."""
    try:
        name = _decode_item(raw).name
    except UNREADABLE:
        return NOTHING
    return (_ANSWER, len(name), 0) if isinstance(name, str) and name else NOTHING


def _look(output: list[_Item] | tuple[()]) -> Seen:
    """Count what a person sees of whole items, calls with their names and arguments included."""
    answer = thought = 0
    found = False
    for item in output:
        if item.type == "reasoning":
            thought += _texts(item.summary) + _texts(item.content)
            continue
        found = found or bool(item.result)
        answer += _texts(item.content)
        answer += sum(map(_length, (item.name, item.arguments, item.input, item.code)))
    if answer or found:
        return _ANSWER, answer + thought, thought
    return (Content.REASONING, thought, thought) if thought else NOTHING


def _texts(parts: list[_Text] | None) -> int:
    return sum(_length(part.text) + _length(part.refusal) for part in parts or ())


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 0
