"""A whole answer: collected, then given to the client in one piece with what was measured."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from router.core.ask import Ask
from router.core.decision import Explained
from router.core.faults import Fault
from router.core.measure import Outcome
from router.ports import Head
from router.surfaces.errors import JSON
from router.surfaces.explain import answer_json
from router.surfaces.headers import answer_headers
from router.surfaces.jsonkey import with_key


class WholeAnswer:
    """The ``Downstream`` of one request that waits for its answer."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._fault: Fault | None = None

    async def begin(self, head: Head) -> None:
        self._head = head

    async def write(self, data: bytes) -> None:
        self._pieces.append(data)

    async def fail(self, fault: Fault) -> None:
        self._fault = fault

    async def finish(self, outcome: Outcome, explained: Explained | None) -> None:
        if explained is not None and self._ask.explain:
            told = msgspec.json.encode(answer_json(explained, outcome, self._ask))
            self._pieces = [with_key(b"".join(self._pieces), b"meritorder", told)]

    def response(self) -> web.StreamResponse:
        """Return the answer. Raises the ``Fault`` that ended it."""
        if self._fault is not None:
            raise self._fault
        if self._head is None:
            raise RuntimeError("finished without being begun")
        headers = answer_headers(self._head)
        headers["Content-Type"] = JSON
        return _Complete(headers, b"".join(self._pieces))


class _Complete(web.StreamResponse):
    """A response that is known to the last byte, written as it is.

    ``web.Response`` works out from two dictionaries what is the same every time; that is a third
    of what a request costs here. ``headers`` say everything but length, date and connection.
    """

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self._said: Any = headers
        self._whole = body
        self._stays = False

    @property
    def keep_alive(self) -> bool | None:
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        version = request.version
        self._stays = request.keep_alive
        self._writer = request.writer
        said = self._said
        said["Content-Length"] = str(len(self._whole))
        said["Date"] = rfc822_formatted_time()
        if not self._stays:
            said["Connection"] = "close"
        elif version.minor == 0:
            said["Connection"] = "keep-alive"
        # The writer asks for nothing but ``items``, and refuses line breaks in them.
        await self._writer.write_headers(f"HTTP/{version.major}.{version.minor} 200 OK", said)
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - its signature
        await self._writer.write_eof(self._whole)
