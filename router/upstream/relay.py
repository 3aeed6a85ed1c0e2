"""The relay to endpoints that speak for themselves: bytes through, only what routing needs read.

``async with relay.call(endpoint, call) as reply`` is one exchange. Leaving it before the answer has
ended closes the connection at once, which is how a provider learns that nobody listens any more;
after the end the connection goes back for the next request. Limits on the first token, gaps and the
whole are the dispatcher's, which leaves the context; ours is the one on connecting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Self

from aiohttp import BaseConnector, hdrs

from router.core.answer import Piece
from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call
from router.upstream.body import edit
from router.upstream.line import Line
from router.upstream.readers import STREAMED, WHOLE
from router.upstream.reading import Reading, garbage
from router.upstream.refusal import MAX_BODY_BYTES, refusal
from router.upstream.trouble import FOREIGN, as_fault
from router.upstream.unreadable import UNREADABLE
from router.upstream.wire import Wire

MAX_WHOLE_BYTES = 64 << 20
LINGER_S = 0.25
"""How long the end of the HTTP body may take after the end of the answer: then we hang up. The
client has its answer by then."""

REFUSAL_S = 5.0
"""How long the body of a refusal may take; its status says most of it."""

_PASSED = ("x-ratelimit-", "openai-", "anthropic-")
_OPERATORS = frozenset({"openai-organization", "openai-project", "anthropic-organization-id"})
"""Whose account it is, which is nothing to the client."""
_IDS = ("x-request-id", "x-generation-id", "request-id", "apim-request-id", "cf-ray")


class Relay:
    """``ports.Upstream`` for ``Dialect.OPENAI`` and ``Dialect.ANTHROPIC``.

    A call's surface must be one that its endpoint speaks. ``environ`` holds keys and proxies and is
    read here, once; ``wall`` gives unix seconds. The connector stays the caller's to close. Needs a
    running loop; raises ``ValueError`` for an unusable proxy.
    """

    ready = True

    def __init__(
        self,
        connector: BaseConnector,
        endpoints: Iterable[Endpoint],
        *,
        environ: Mapping[str, str],
        wall: Callable[[], float],
    ) -> None:
        self._connector = connector
        self._environ = environ
        self._wall = wall
        self._lines: dict[tuple[EndpointId, Surface], Line] = {
            (e.id, s): Line.to(e, environ, connector, s) for e in endpoints for s in e.speaks
        }

    def call(self, endpoint: Endpoint, call: Call) -> Exchange:
        """Prepare one exchange; entering it sends the request (``ports.Upstream``)."""
        to = endpoint.id, call.surface
        line = self._lines.get(to)
        if line is None or line.endpoint is not endpoint:
            line = Line.to(endpoint, self._environ, self._connector, call.surface)
            self._lines[to] = line
        return Exchange(line, call, self._wall)


class Exchange:
    """One request and its reply (``ports.Exchange``, ``ports.Reply``)."""

    __slots__ = ("_call", "_ended", "_line", "_untrue", "_wall", "_wire", "sent")

    _wire: Wire

    def __init__(self, line: Line, call: Call, wall: Callable[[], float]) -> None:
        self._line = line
        self._call = call
        self._wall = wall
        self._ended = False
        self._untrue = False
        self.sent = False

    async def __aenter__(self) -> Self:
        line, call = self._line, self._call
        body = edit(
            call.body,
            line.endpoint,
            stream=call.stream,
            wants_usage=call.wants_usage,
            surface=call.surface,
        )
        try:
            head = line.head(call, len(body))
            wire = await line.way.open()
            self.sent = True
            self._wire = await wire.ask(head, body)
        except FOREIGN as exc:
            raise as_fault(exc, line.endpoint) from exc
        if self._wire.status // 100 != 2:  # noqa: PLR2004 - the class of success
            try:
                raise await self._refusal()
            finally:
                self._wire.close()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wire = self._wire
        try:
            if self._ended and not wire.content.is_eof():
                # The framing may end in a packet of its own. The connection is given back there;
                # without waiting for it every stream would cost a new one.
                with suppress(*FOREIGN):
                    async with asyncio.timeout(LINGER_S):
                        await wire.content.wait_eof()
        finally:
            wire.close()  # nothing is left to close where the answer was read to its end

    @property
    def status(self) -> int:
        return self._wire.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {n: value for name, value in self._wire.headers.items() if (n := _passed(name))}

    @property
    def upstream_id(self) -> str:
        headers = self._wire.headers
        for name in _IDS:
            if name in headers:
                return headers[name]
        return ""

    @property
    def length(self) -> int | None:
        headers = self._wire.headers
        if self._untrue or hdrs.CONTENT_ENCODING in headers:
            return None
        said = headers.get(hdrs.CONTENT_LENGTH, "")
        return int(said) if said.isdecimal() else None

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield what arrives (``ports.Reply``)."""
        try:
            if "json" in self._wire.media:
                yield self._as_stream(await self._whole())
            else:
                stream = self._open_stream()
                readany = self._wire.content.readany
                while not stream.ended:
                    read = await readany()
                    piece = stream.feed(read) if read else stream.close()
                    self._ended = piece.ended
                    yield piece
                    if stream.fault is not None:
                        raise stream.fault
        except FOREIGN as exc:
            raise as_fault(exc, self._line.endpoint) from exc

    async def whole(self) -> Piece:
        """Return the answer (``ports.Reply``)."""
        try:
            return await self._whole()
        except FOREIGN as exc:
            raise as_fault(exc, self._line.endpoint) from exc

    def _as_stream(self, whole: Piece) -> Piece:
        try:
            told = STREAMED[self._call.surface].told
            return told(whole, hide_usage=not self._call.wants_usage)
        except UNREADABLE as exc:  # what routing needs of it could be read, the rest cannot
            raise garbage(self._line.endpoint, "something that is no JSON") from exc

    def _open_stream(self) -> Reading:
        if self._wire.media == "text/html":
            raise Fault(Kind.GARBAGE, f"{self._line.endpoint.id}: answered with a page of HTML")
        opened = STREAMED[self._call.surface].open
        return opened(self._line.endpoint, hide_usage=not self._call.wants_usage)

    async def _whole(self) -> Piece:
        body = await self._read(MAX_WHOLE_BYTES + 1)
        if len(body) > MAX_WHOLE_BYTES:
            raise Fault(Kind.GARBAGE, f"{self._line.endpoint.id}: over {MAX_WHOLE_BYTES} bytes")
        if not body.isascii():
            try:
                body.decode()
            except UnicodeDecodeError:
                name = self._line.endpoint.id
                raise Fault(Kind.GARBAGE, f"{name}: answered with no UTF-8") from None
        self._untrue = True
        piece = WHOLE[self._call.surface](body, self._line.endpoint)
        self._untrue = False
        self._ended = True
        return piece

    async def _read(self, most: int) -> bytes:
        """Read the body, up to about ``most`` bytes."""
        content = self._wire.content
        read = await content.readany()
        if not read or content.at_eof():
            return read
        body = bytearray(read)
        while len(body) < most and (read := await content.readany()):
            body += read
        return bytes(body)

    async def _refusal(self) -> Fault:
        wire = self._wire
        body = b""
        with suppress(*FOREIGN):
            async with asyncio.timeout(REFUSAL_S):
                body = await self._read(MAX_BODY_BYTES)
        return refusal(
            self._line.endpoint,
            wire.status,
            body[:MAX_BODY_BYTES],
            wire.media,
            _lower(wire),
            wall=self._wall(),
        )


def _lower(wire: Wire) -> dict[str, str]:
    return {name.lower(): value for name, value in wire.headers.items()}


@lru_cache(maxsize=1024)
def _passed(name: str) -> str:
    """Return the lower-case name of a header that goes on to the client, else nothing."""
    lower = name.lower()
    return lower if lower.startswith(_PASSED) and lower not in _OPERATORS else ""
