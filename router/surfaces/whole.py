"""A whole answer: collected, then given to the client in one piece with what was measured."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from router.core.ask import Ask
from router.core.decision import Explained
from router.core.faults import Fault
from router.core.measure import Outcome
from router.ports import Head
from router.surfaces.errors import JSON
from router.surfaces.explain import answer_json
from router.surfaces.headers import answer_headers

_SPACE: Final = b" \t\r\n"


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

    def response(self) -> web.Response:
        """Return the answer. Raises the ``Fault`` that ended it."""
        if self._fault is not None:
            raise self._fault
        if self._head is None:
            raise RuntimeError("finished without being begun")
        headers = answer_headers(self._head)
        headers["Content-Type"] = JSON
        return web.Response(body=b"".join(self._pieces), headers=headers)


def with_key(body: bytes, key: bytes, value: bytes) -> bytes:
    """Put a key before the closing brace of a JSON object, the rest byte for byte as it was."""
    inside = body.rstrip(_SPACE)
    if not inside.endswith(b"}"):
        return body
    inside = inside[:-1].rstrip(_SPACE)
    comma = b"" if inside.endswith(b"{") else b","
    return inside + comma + b'"' + key + b'":' + value + b"}"
