"""Reading Anthropic's messages as they pass by: streams and whole answers, into pieces.

Bytes go to the client as they came, with these exceptions: an ``error`` event is not passed (the
surface ends the stream in its own dialect), nothing after ``message_stop`` is, and a stream that
told its ``stop_reason`` and then ended without ``message_stop`` gets one.

Usage is split: what was read and written stands at the start, what was generated at the end, in
counts that grow. Some providers know their input only at the end and say 0 at the start, others
the other way round; the later count holds unless it counts no input at all. Alibaba tells at the
start a prompt that it finds in its cache at the end, and does not take it back
(https://github.com/jeremychone/rust-genai/pull/258).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.core.tuples import new
from router.upstream.chunk import NOTHING, Seen, is_given
from router.upstream.reading import Reading, decoded, error_fault, garbage
from router.upstream.unreadable import UNREADABLE
from router.upstream.usage import read_usage

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_ANSWER = Content.ANSWER
_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens")
_INPUT = ("input_tokens", *_CACHED)


class _Part(msgspec.Struct, gc=False):
    """A content block, or what is new of it; of ``message_delta``, why the answer ended."""

    type: Any = None
    text: Any = None
    thinking: Any = None
    partial_json: Any = None
    name: Any = None
    input: Any = None
    stop_reason: Any = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Part] | None = None
    stop_reason: Any = None
    usage: Raw = Raw()
    error: Raw = Raw()


class _Event(msgspec.Struct, gc=False):
    type: Any = None
    delta: _Part | None = None
    content_block: _Part | None = None
    message: _Message | None = None
    usage: Raw = Raw()
    error: Raw = Raw()


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_message = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


class Stream(Reading):
    """One stream under way. Usage is never hidden here: every client gets it."""

    __slots__ = ("_begun_usage", "_stopped")

    def __init__(self, endpoint: Endpoint, *, hide_usage: bool = False) -> None:
        del hide_usage
        super().__init__(endpoint)
        self._begun_usage = Raw()
        self._stopped = False

    def _owed(self) -> bytes | None:
        return STOP if self._stopped else None

    def _piece(self, raw: bytes, data: bytes) -> Piece:
        if not data:
            return Piece(raw)
        try:
            event = _decode_event(data)
        except UNREADABLE as exc:
            return self._unread(raw, data, exc)
        kind = event.type
        if kind == "content_block_delta" and event.delta is not None:
            seen = _look_at_delta(event.delta)
        elif kind == "content_block_start" and event.content_block is not None:
            seen = _look_at_block(event.content_block)
        else:
            return self._around(raw, data, event)
        content, chars, reasoning_chars = seen
        if content:
            self._content = True
        return new(Piece, (raw, content, chars, reasoning_chars, None, None, None, False))

    def _around(self, raw: bytes, data: bytes, event: _Event) -> Piece:
        """Take what comes before, between and after the content."""
        usage = finish = None
        match event.type:
            case "message_start" if event.message is not None:
                self._begun_usage = event.message.usage
            case "message_delta":
                usage = _merged(self._begun_usage, event.usage)
                if event.delta is not None and isinstance(event.delta.stop_reason, str):
                    finish = event.delta.stop_reason
                    self._stopped = True
            case "message_stop":
                self.ended = True
            case _ if is_given(event.error):
                return self._failed(data)
            case _:
                pass
        return Piece(raw, usage=usage, finish=finish, ended=self.ended)

    def _done(self, raw: bytes) -> Piece:
        """Take the end mark of another dialect, which some gateways add."""
        del raw
        if not self._stopped:
            return Piece(b"")
        self.ended = True
        return Piece(STOP, ended=True)


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read a whole answer: one piece, ended. Raises ``Fault``, also for an error sent as 200."""
    message = decoded(_decode_message, body, endpoint, "message")
    if is_given(message.error):
        raise error_fault(endpoint, body)
    if message.content is None:
        raise garbage(endpoint, "JSON that is no message")
    seen = [_look_at_block(block) for block in message.content]
    content = max((found for found, _, _ in seen), default=Content.NOTHING)
    finish = message.stop_reason if isinstance(message.stop_reason, str) else None
    usage = read_usage(message.usage) if is_given(message.usage) else None
    chars, thought = sum(more for _, more, _ in seen), sum(more for _, _, more in seen)
    return Piece(body, content, chars, thought, usage, finish, ended=True)


def _look_at_delta(delta: _Part) -> Seen:
    """Count what a delta shows. A signature and a citation show nothing that was generated."""
    text = delta.text or delta.partial_json
    if text.__class__ is str:
        return (_ANSWER, len(text), 0) if text else NOTHING
    thinking = delta.thinking
    if isinstance(thinking, str) and thinking:
        return Content.REASONING, len(thinking), len(thinking)
    return NOTHING


def _look_at_block(block: _Part) -> Seen:
    """Count what a block shows, begun or whole.

    A call's name and arguments count, the model generated them; redacted thinking and what a
    server's tool found do not.
    """
    seen = _look_at_delta(block)
    if isinstance(block.name, str) and block.name:
        arguments = _encode(block.input).decode() if block.input else ""
        return _ANSWER, len(block.name) + len(arguments), 0
    return seen


def _merged(begun: Raw, ended: Raw) -> Usage | None:
    """Return the counts of both ends of a stream, or ``None`` where the later one is missing."""
    earlier, later = _fields(begun), _fields(ended)
    if not later:
        return None
    if not any(later.get(name) for name in _INPUT):
        later = {name: value for name, value in later.items() if name not in _INPUT}
    elif "input_tokens" not in later and not any(earlier.get(name) for name in _CACHED):
        later["input_tokens"] = 0
    return read_usage(Raw(_encode({**earlier, **later})))


def _fields(raw: Raw) -> dict[str, Any]:
    """Return what is there of a usage object."""
    try:
        found = msgspec.json.decode(raw) if raw else None
    except UNREADABLE:
        return {}
    return {k: v for k, v in found.items() if v is not None} if isinstance(found, dict) else {}
