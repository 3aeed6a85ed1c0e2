"""Server-sent events, cut out of whatever pieces the network delivers.

Every event keeps its raw bytes, so that it can be passed on as it came. Lines end in LF, CRLF or
CR; an event ends at a blank line; a CRLF may be cut between its bytes. Almost every stream knows
only LF, and almost every read is one event of one line, or of two where events are named: that way
is kept short.
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from router.core.faults import Fault, Kind

MAX_EVENT_BYTES = 8 << 20

Event = tuple[bytes, bytes]
"""The raw bytes with the blank line, and the ``data`` in them (empty for comments and the like)."""

_BOM = b"\xef\xbb\xbf"
_EOL = re.compile(rb"\r\n|\n|\r")
# Atomic: the two bytes of a CRLF must not count as two line ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_HALF_A_CRLF = (b"\r\n\r", b"\n\r")
"""A blank line whose LF is still on its way, at the end of what was read."""

_FIELDS = frozenset((b"data", b"event", b"id", b"retry", b""))


def named(event: Mapping[str, Any]) -> bytes:
    """Return an event under the name of its ``type``, as Anthropic and the Responses have them."""
    name: str = event["type"]
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(event))


class Splitter:
    """Cuts one stream. ``source`` names it in messages.

    ``aligned`` says that the next read begins an event, in a stream that ends lines with LF alone:
    what is seen to be whole events of it need not be fed.
    """

    __slots__ = ("_fresh", "_has_cr", "_pending", "_source", "aligned")

    def __init__(self, source: str) -> None:
        self._source = source
        self._pending = bytearray()
        self._fresh = True
        self._has_cr = False
        self.aligned = False

    def feed(self, read: bytes) -> list[Event]:
        """Take what was read and return the events it completes.

        Raises ``Fault(GARBAGE)`` for text that is no event stream, or an event over the limit.
        """
        if self._has_cr or b"\r" in read:
            self._has_cr = True
            events = self._any_line_ends(read)
        else:
            events = self._line_feeds(read)
        if len(self._pending) > MAX_EVENT_BYTES:
            raise Fault(Kind.GARBAGE, f"{self._source}: an event over {MAX_EVENT_BYTES} bytes")
        self.aligned = not (self._pending or self._fresh or self._has_cr)
        return events

    def rest(self) -> Event | None:
        """Return what the end of the stream left without its blank line, if anything."""
        raw = bytes(self._pending)
        self._pending.clear()
        return (raw, self._data(raw)) if raw else None

    def _line_feeds(self, read: bytes) -> list[Event]:
        pending = self._pending
        end = read.rfind(b"\n\n") + 2
        if end == 1:
            # No blank line in it, unless its first byte completes one.
            end = int(read[:1] == b"\n" == pending[-1:])
        if not end:
            pending += read
            return []
        whole = read[:end]
        if pending:
            whole = bytes(pending) + whole
            pending.clear()
        pending += read[end:]
        return [(block + b"\n\n", self._data(block)) for block in whole[:-2].split(b"\n\n")]

    def _any_line_ends(self, read: bytes) -> list[Event]:
        events: list[Event] = []
        pending = self._pending
        scan = max(0, len(pending) - 3)
        pending += read
        start = 0
        while end := _BLANK_LINE.search(pending, scan):
            if end.end() == len(pending) and end[0] in _HALF_A_CRLF:
                break
            raw = bytes(pending[start : end.end()])
            start = scan = end.end()
            events.append((raw, self._data(raw)))
        if start:
            del pending[:start]
        return events

    def _data(self, block: bytes) -> bytes:
        if self._fresh:
            self._fresh = False
            block = block.removeprefix(_BOM)
        block = block.rstrip(b"\r\n")
        if block[:6] == b"data: " and b"\n" not in block and b"\r" not in block:
            return block[6:]
        if block[:7] == b"event: " and block.count(b"\n") == 1 and b"\r" not in block:
            _, found, data = block.partition(b"\ndata: ")
            if found:
                return data
        lines = [line for line in _EOL.split(block) if line]
        fields = [line.partition(b":") for line in lines]
        if lines and not any(name in _FIELDS for name, _, _ in fields):
            raise Fault(Kind.GARBAGE, f"{self._source}: answered with text that is no event stream")
        return b"\n".join(value.removeprefix(b" ") for name, _, value in fields if name == b"data")
