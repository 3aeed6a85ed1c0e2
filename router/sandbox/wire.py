"""One HTTP response on its way to the client, with the ways a wire can go wrong.

Line ends and the size of writes are the wire's business; what is said on it is the voice's.
"""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from router.sandbox.faults import Faults, Kind

_SPLIT_CHUNKS = 20
_SPLIT_BYTES = 3
STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"


class Wire:
    """A response that is opened when first needed, ended properly, or cut."""

    def __init__(
        self, request: web.Request, faults: Faults, headers: Mapping[str, str], content_type: str
    ) -> None:
        self._request = request
        self._crlf = faults.has(Kind.CRLF)
        self._splits = _SPLIT_CHUNKS if faults.has(Kind.SPLIT) else 0
        self.response = web.StreamResponse(headers={**headers, "content-type": content_type})

    async def open(self, *, status: int = 200, content_type: str | None = None) -> None:
        """Send status and headers."""
        self.response.set_status(status)
        if content_type:
            self.response.headers["content-type"] = content_type
        if self.response.content_type == "text/event-stream":
            self.response.headers["cache-control"] = "no-cache"
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        """Send these bytes, headers first where they are still owed."""
        if not self.response.prepared:
            await self.open()
        if self._crlf:
            data = data.replace(b"\n", b"\r\n")
        if self._splits:
            self._splits -= 1
            for start in range(0, len(data), _SPLIT_BYTES):
                await self.response.write(data[start : start + _SPLIT_BYTES])
                await asyncio.sleep(0)
        elif data:
            await self.response.write(data)

    async def end(self) -> None:
        """End the response as HTTP wants it."""
        if not self.response.prepared:
            await self.open()
        await self.response.write_eof()

    def cut(self) -> None:
        """Close the connection under the client; what was sent still arrives."""
        if self._request.transport:
            self._request.transport.close()
