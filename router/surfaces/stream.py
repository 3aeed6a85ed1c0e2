"""A streamed answer on its way to the client: server-sent events, passed as they come.

Where the request asked for the decision inside the answer, ``[DONE]`` is held back until it is
written, since clients stop reading there. A stream whose provider forgot ``[DONE]`` gets one.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from aiohttp import web

from router.core.ask import Ask
from router.core.decision import Explained
from router.core.faults import Fault, Kind
from router.core.measure import Outcome
from router.ports import Head
from router.surfaces.errors import stream_error
from router.surfaces.explain import answer_json
from router.surfaces.headers import answer_headers

DONE: Final = b"data: [DONE]\n\n"
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n")
_DONE_MARK: Final = b"[DONE]"
_DONE_BYTES: Final = 32
_LAST_EVENT: Final = re.compile(rb"data: ?\[DONE\]\s*\Z")

_STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class StreamAnswer:
    """The ``Downstream`` of one streamed request, in the OpenAI dialect."""

    def __init__(self, request: web.Request, ask: Ask) -> None:
        self._request = request
        self._ask = ask
        self._response: web.StreamResponse | None = None
        self._done = False
        self._whole_event = True

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

    async def write(self, data: bytes) -> None:
        if _DONE_MARK in data[-_DONE_BYTES:]:
            found = _LAST_EVENT.search(data)
            if found is not None:
                self._done = True
                if self._ask.explain:
                    data = data[: found.start()]
        if data:
            self._whole_event = data.endswith(_EVENT_ENDS)
            await self._send(data)

    async def fail(self, fault: Fault) -> None:
        apart = b"" if self._whole_event else b"\n\n"
        await self._close(apart + stream_error(fault, self._ask.id))

    async def finish(self, outcome: Outcome, explained: Explained | None) -> None:
        last = b"" if self._whole_event else b"\n\n"
        if explained is not None and self._ask.explain:
            last += _explaining_chunk(explained, outcome, self._ask)
        if self._ask.explain or not self._done:
            last += DONE
        await self._close(last)

    async def _send(self, data: bytes) -> None:
        if self._response is None:
            raise RuntimeError("written before it was begun")
        try:
            await self._response.write(data)
        except ConnectionError as error:
            raise _gone() from error

    async def _close(self, last: bytes) -> None:
        """Send the last bytes; a client that left meanwhile misses nothing it waits for."""
        if self._response is None:
            raise RuntimeError("ended before it was begun")
        try:
            await self._response.write_eof(last)
        except ConnectionError:
            return


def _gone() -> Fault:
    return Fault(Kind.CANCELLED, "The client closed the connection.")


def _explaining_chunk(explained: Explained, outcome: Outcome, ask: Ask) -> bytes:
    final = outcome.final
    chunk: dict[str, Any] = {
        "id": ask.id,
        "object": "chat.completion.chunk",
        "created": int(final.started_wall) if final is not None else 0,
        "model": ask.model,
        "choices": [],
        "meritorder": answer_json(explained, outcome, ask),
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
