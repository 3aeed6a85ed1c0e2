"""Reading a stream of events as it passes by: what is the same on every surface.

Bytes are cut into events, each event becomes a piece, the pieces of one read become one. What an
event says is the surface's business (``openai``, ``messages``, ``responses``), and
so is when an answer has ended. A stream that stops before that is ``BROKEN``. What no JSON parser
reads is ``GARBAGE``; JSON of a foreign shape passes and counts as nothing. An error inside the
stream is not passed: before content it is raised, after it ``fault`` is left to be raised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.upstream.refusal import refusal, status_in
from router.upstream.sse import Splitter
from router.upstream.unreadable import UNREADABLE

T = TypeVar("T")
DONE_MARK: Final = b"[DONE]"


class Reading(ABC):
    """One stream under way. ``ended`` turns true with the piece that completes the answer.

    ``fault`` is what to raise after the piece at hand: an error that came after content.
    """

    __slots__ = ("_content", "_endpoint", "_known", "_splitter", "ended", "fault")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._splitter = Splitter(endpoint.id)
        self._known: Callable[[bytes], Piece | None] = _unknown
        self._content = False
        self.ended = False
        self.fault: Fault | None = None

    @abstractmethod
    def _piece(self, raw: bytes, data: bytes) -> Piece:
        """Say what one event brought; ``data`` is empty for comments. Raises ``Fault``."""

    @abstractmethod
    def _owed(self) -> bytes | None:
        """Return the end mark of a stream that ended properly without it; ``None`` for one cut
        short.
        """

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
        if (rest := self._splitter.rest()) is not None and not _is_cut(rest[1]):
            raw, data = rest
            piece = self._piece(raw if raw.endswith((b"\n", b"\r")) else raw + b"\n", data)
            if piece.data:
                piece = piece._replace(data=piece.data + b"\n")
        if self.ended or self.fault is not None:
            return piece
        owed = self._owed()
        if owed is None:
            raise Fault(Kind.BROKEN, f"{self._endpoint.id}: the stream ended before the answer did")
        self.ended = True
        return piece._replace(data=piece.data + owed, ended=True)

    def _unread(self, raw: bytes, data: bytes, why: Exception) -> Piece:
        """Take an event that cannot be decoded: the end mark, foreign JSON, or no JSON at all."""
        if data.startswith(DONE_MARK):
            return self._done(raw)
        if isinstance(why, msgspec.ValidationError):
            return Piece(raw)
        raise garbage(self._endpoint, "an event that is not JSON") from why

    def _done(self, raw: bytes) -> Piece:
        """Take OpenAI's end mark."""
        self.ended = True
        return Piece(raw, ended=True)

    def _failed(self, error: bytes, usage: Usage | None = None) -> Piece:
        fault = error_fault(self._endpoint, error)
        if not self._content:
            raise fault
        self.fault = fault
        return Piece(b"", usage=usage, error=fault.message)


def error_fault(endpoint: Endpoint, error: bytes) -> Fault:
    """Return the fault of an error that came with status 200, in the provider's own words."""
    return refusal(endpoint, status_in(error), error, "application/json", {}, wall=0.0)


def garbage(endpoint: Endpoint, what: str) -> Fault:
    """Return the fault of an answer that cannot be read."""
    return Fault(Kind.GARBAGE, f"{endpoint.id}: answered with {what}")


def decoded(decode: Callable[[bytes], T], body: bytes, endpoint: Endpoint, what: str) -> T:
    """Decode a whole answer, which should be ``what``. Raises ``Fault``."""
    try:
        return decode(body)
    except UNREADABLE as exc:
        if "truncated" in str(exc):
            raise Fault(Kind.BROKEN, f"{endpoint.id}: the answer was cut off") from exc
        raise garbage(endpoint, f"something that is no {what}") from exc


def _is_cut(data: bytes) -> bool:
    """Whether the data of a last event was cut off."""
    if data.startswith(DONE_MARK):
        return False
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except UNREADABLE:
        return True
    return False


def _unknown(raw: bytes) -> None:
    del raw


def _joined(pieces: list[Piece]) -> Piece:
    content = Content.NOTHING
    chars = reasoning_chars = 0
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
