"""A streamed answer on its way to the client: server-sent events, passed as they come.

Where the request asked for the decision inside the answer, the event that ends the stream is held
back until it is written, since clients stop reading there. A chat stream whose provider forgot
``[DONE]`` gets one. Anthropic's API pings in a silence, and its clients hang up on one without
(Claude Code after 300 s): where another dialect is behind, we ping.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import web

from router.core.ask import Ask
from router.core.decision import Explained
from router.core.faults import Fault, Kind
from router.core.measure import Outcome
from router.core.surface import Surface
from router.ports import Head
from router.surfaces.ending import ENDINGS
from router.surfaces.explain import answer_json
from router.surfaces.headers import answer_headers

_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_TAIL_BYTES: Final = 64
"""How far from the end of its event the mark of a short last event is at most."""

PING_S = 15.0
"""A silence that gets a ping. Anthropic does not say how often it pings; proxies on the way often
hang up after 60 s."""
PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'

_STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class StreamAnswer:
    """The ``Downstream`` of one streamed request."""

    def __init__(self, request: web.Request, ask: Ask) -> None:
        self._request = request
        self._ask = ask
        self._ending = ENDINGS[ask.surface]
        self._mark = self._ending.mark
        self._response: web.StreamResponse | None = None
        self._last = b""
        self._written = b""
        self._done = False
        self._pinging: asyncio.Task[None] | None = None

    @property
    def response(self) -> web.StreamResponse | None:
        """What the handler returns; ``None`` while nothing was begun."""
        return self._response

    async def begin(self, head: Head) -> None:
        response = web.StreamResponse(headers={**answer_headers(head), **_STREAM_HEADERS})
        self._response = response
        try:
            await response.prepare(self._request)
        except ConnectionError as error:
            raise _gone() from error
        if self._ask.surface is Surface.MESSAGES and Surface.MESSAGES not in head.endpoint.speaks:
            self._pinging = asyncio.create_task(self._ping(response), name="ping")

    async def _ping(self, response: web.StreamResponse) -> None:
        """Ping whenever nothing was written for a while; what is written are whole events."""
        before = b""
        try:
            while True:
                await asyncio.sleep(PING_S)
                if self._written is before:
                    await response.write(PING)
                before = self._written
        except ConnectionError:
            return  # whoever writes next says so

    async def write(self, data: bytes) -> None:
        if self._mark in (data if self._ask.explain else data[-_TAIL_BYTES:]):
            found = self._ending.last.search(data)
            if found is not None:
                self._done = True
                if self._ask.explain:
                    self._last = found[0]
                    data = data[: found.start()]
        if not data:
            return
        if self._response is None:
            raise RuntimeError("written before it was begun")
        self._written = data
        try:
            await self._response.write(data)
        except ConnectionError as error:
            raise _gone() from error

    async def fail(self, fault: Fault) -> None:
        await self._close(self._apart + self._ending.fail(fault, self._ask.id, self._written))

    async def finish(self, outcome: Outcome, explained: Explained | None) -> None:
        last = self._last
        if explained is not None and self._ask.explain:
            told = msgspec.json.encode(answer_json(explained, outcome, self._ask))
            last = self._ending.explain(last, told, self._ask, outcome)
        elif not self._done:
            last = self._ending.missing
        await self._close(self._apart + last)

    def stop(self) -> None:
        """Ping no more: the answer has ended, or nobody reads it."""
        if self._pinging is not None:
            self._pinging.cancel()

    @property
    def _apart(self) -> bytes:
        """What ends the event that was written last, if nothing did."""
        whole = not self._written or self._written.endswith(_EVENT_ENDS)
        return b"" if whole else b"\n\n"

    async def _close(self, last: bytes) -> None:
        """Send the last bytes; a client that left meanwhile misses nothing it waits for."""
        if self._response is None:
            raise RuntimeError("ended before it was begun")
        self.stop()
        try:
            await self._response.write_eof(last)
        except ConnectionError:
            return


def _gone() -> Fault:
    return Fault(Kind.CANCELLED, "The client closed the connection.")
