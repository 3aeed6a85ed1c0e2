"""Reading OpenAI's dialect as it passes by: streams and whole answers, into pieces.

Bytes go to the client as they came, with these exceptions:

* a chunk that holds nothing but the usage, which we asked for, is kept from a client that did not;
* a stream that ended properly (every answer begun has its ``finish_reason``) without ``[DONE]``
  gets one, because clients wait for it;
* an error object inside a stream is not passed: the surface ends the stream in its own dialect;
* nothing after ``[DONE]`` is passed.

A stream that stops before that is ``BROKEN``. What no JSON parser reads is ``GARBAGE``; JSON of a
foreign shape passes and counts as nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.upstream.chunk import NOTHING, Choice, Chunk, Seen, decode_chunk, is_given, look
from router.upstream.refrain import learn
from router.upstream.refusal import refusal, status_in
from router.upstream.sse import Splitter

DONE = b"data: [DONE]\n\n"

_LESSONS = 8
_FRAME = len(b"data: \n\n")
_NO_CONTENT = Content.NOTHING
_new = tuple.__new__  # a third of what a named tuple's own costs; one is made for every chunk
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)


class Stream:
    """One stream under way. ``ended`` turns true with the piece that completes the answer.

    ``fault`` is what to raise after the piece at hand: an error that came after content.
    """

    __slots__ = (
        "_begun",
        "_content",
        "_endpoint",
        "_finished",
        "_hide",
        "_known",
        "_lessons",
        "_splitter",
        "ended",
        "fault",
    )

    def __init__(self, endpoint: Endpoint, *, hide_usage: bool) -> None:
        self._endpoint = endpoint
        self._hide = hide_usage
        self._splitter = Splitter(endpoint.id)
        self._known: Callable[[bytes], Piece | None] = _unknown
        self._lessons = _LESSONS
        self._content = False
        self._begun = 0
        self._finished: set[object] = set()
        self.ended = False
        self.fault: Fault | None = None

    def feed(self, read: bytes) -> Piece:
        """Take what was read and say what it brought. Raises ``Fault``."""
        splitter = self._splitter
        if splitter.aligned:
            known = self._known(read)
            if known is not None:
                return known
        events = splitter.feed(read)
        if len(events) == 1:
            return self._piece(*events[0])
        pieces = []
        for raw, data in events:
            pieces.append(self._known(raw) or self._piece(raw, data))
            if self.ended or self.fault is not None:
                break
        return _joined(pieces)

    def close(self) -> Piece:
        """Take the end of the connection. Raises ``Fault(BROKEN)`` for an answer cut short."""
        piece = Piece(b"")
        if (rest := self._splitter.rest()) is not None and not self.broken(rest[1]):
            raw, data = rest
            piece = self._piece(raw if raw.endswith((b"\n", b"\r")) else raw + b"\n", data)
            if piece.data:
                piece = piece._replace(data=piece.data + b"\n")
        if self.ended or self.fault is not None:
            return piece
        if self.whole:
            self.ended = True
            return piece._replace(data=piece.data + DONE, ended=True)
        raise Fault(Kind.BROKEN, f"{self._endpoint.id}: the stream ended before the answer did")

    @property
    def whole(self) -> bool:
        """Whether every answer that was begun has been finished."""
        return len(self._finished) > self._begun

    @staticmethod
    def broken(data: bytes) -> bool:
        """Whether the data of a last event was cut off."""
        if data.startswith(b"[DONE]"):
            return False
        try:
            msgspec.json.decode(data, type=msgspec.Raw)
        except _UNREADABLE:
            return True
        return False

    def _piece(self, raw: bytes, data: bytes) -> Piece:
        if not data:
            return Piece(raw)
        try:
            chunk = decode_chunk(data)
        except _UNREADABLE as exc:
            return self._no_chunk(raw, data, exc)
        usage = chunk.counted if chunk.usage or chunk.timings or chunk.x_groq is not None else None
        if chunk.error and is_given(chunk.error):
            return self._failed(chunk, usage)
        choices = chunk.choices
        if not choices:
            return Piece(b"" if self._hide and is_given(chunk.usage) else raw, usage=usage)
        if len(choices) == 1:
            choice = choices[0]
            message = choice.delta
            seen = NOTHING if message is None else look(message)
            finish = choice.finish_reason
            if finish is not None or choice.index:
                finish = self._note(choice)
        else:
            seen, finish = look_at_all(choices)
            for choice in choices:
                self._note(choice)
        content, chars, reasoning_chars = seen
        if content is not _NO_CONTENT:
            self._content = True
            if self._lessons and finish is None and usage is None:
                self._learn(raw, data, choices)
        return _new(Piece, (raw, content, chars, reasoning_chars, usage, finish, None, False))

    def _learn(self, raw: bytes, data: bytes, choices: list[Choice]) -> None:
        """Look for a refrain, a few times: after the thinking comes another one."""
        message = choices[0].delta
        if message is None or len(choices) > 1 or choices[0].index:
            return
        if len(raw) == len(data) + _FRAME and raw.startswith(b"data: "):
            self._lessons -= 1
            refrain = learn(raw, message)
            if refrain is not None:
                self._known = refrain.piece

    def _no_chunk(self, raw: bytes, data: bytes, why: Exception) -> Piece:
        if data.startswith(b"[DONE]"):
            self.ended = True
            return Piece(raw, ended=True)
        if isinstance(why, msgspec.ValidationError):
            return Piece(raw)
        raise _garbage(self._endpoint, "an event that is not JSON") from why

    def _note(self, choice: Choice) -> str | None:
        index = choice.index if isinstance(choice.index, int) else 0
        self._begun = max(self._begun, index)
        if not isinstance(choice.finish_reason, str):
            return None
        self._finished.add(index)
        return choice.finish_reason

    def _failed(self, chunk: Chunk, usage: Usage | None) -> Piece:
        fault = error_fault(self._endpoint, chunk)
        if not self._content:
            raise fault
        self.fault = fault
        return Piece(b"", usage=usage, error=fault.message)


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read a whole answer: one piece, ended. Raises ``Fault``, also for an error sent as 200."""
    try:
        chunk = decode_chunk(body)
    except _UNREADABLE as exc:
        if "truncated" in str(exc):
            raise Fault(Kind.BROKEN, f"{endpoint.id}: the answer was cut off") from exc
        raise _garbage(endpoint, "something that is no chat completion") from exc
    if is_given(chunk.error):
        raise error_fault(endpoint, chunk)
    if chunk.choices is None:
        raise _garbage(endpoint, "JSON that is no chat completion")
    seen, finish = look_at_all(chunk.choices)
    return _new(Piece, (body, *seen, chunk.counted, finish, None, True))


def look_at_all(choices: list[Choice]) -> tuple[Seen, str | None]:
    """Add up several choices: the best content, all characters, the first finish reason."""
    if len(choices) == 1 and (message := choices[0].message) is not None:
        reason = choices[0].finish_reason
        return look(message), reason if isinstance(reason, str) else None
    seen = [look(m) for c in choices if (m := c.delta or c.message) is not None]
    reasons = (c.finish_reason for c in choices if isinstance(c.finish_reason, str))
    best = max((content for content, _, _ in seen), default=Content.NOTHING)
    total = best, sum(chars for _, chars, _ in seen), sum(thought for _, _, thought in seen)
    return total, next(reasons, None)


def error_fault(endpoint: Endpoint, chunk: Chunk) -> Fault:
    """Return the fault of an error object that came with status 200."""
    body = b'{"error":' + bytes(chunk.error) + b"}"
    return refusal(endpoint, status_in(body), body, "application/json", {}, wall=0.0)


def _unknown(raw: bytes) -> None:
    del raw


def _joined(pieces: list[Piece]) -> Piece:
    content, chars, reasoning_chars = NOTHING
    usage = finish = error = None
    ended = False
    for piece in pieces:
        _, found, more, thought, counted, reason, error, ended = piece
        if found:
            content = max(content, found)
            chars += more
            reasoning_chars += thought
        if counted is not None:
            usage = counted
        if reason is not None:
            finish = reason
    data = b"".join([piece[0] for piece in pieces])
    return Piece(data, content, chars, reasoning_chars, usage, finish, error, ended)


def _garbage(endpoint: Endpoint, what: str) -> Fault:
    return Fault(Kind.GARBAGE, f"{endpoint.id}: answered with {what}")
