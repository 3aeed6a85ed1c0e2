"""The load: keep-alive connections that ask again as soon as they were answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from benchmarks.fleet import KEY, MODEL

_CHUNKED: Final = b"transfer-encoding: chunked"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_LIMIT_S: Final = 120.0

_PROMPT: Final = "Explain in plain words how a merit order works in a power market. " * 4


@dataclass(frozen=True, slots=True)
class Load:
    """A kind of request, and how many of them are under way at once.

    ``spread_s`` is the time over which connections begin, so that paced streams do not tick as one.
    """

    name: str
    title: str
    body: str
    connections: int
    spread_s: float = 0.0

    def request(self, port: int) -> bytes:
        """One request, as a client that declares an SLA sends it."""
        body = self.body.encode()
        lines = (
            "POST /v1/chat/completions HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "User-Agent: OpenAI/Python 2.9.0",
            "Accept: application/json",
            "Accept-Encoding: gzip, deflate",
            "Content-Type: application/json",
            f"Authorization: Bearer {KEY}",
            "X-SLA-TTFT-Ms: 1500",
            "X-SLA-E2E-Ms: 20000",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join([*lines, "", ""]).encode() + body


def _body(more: str) -> str:
    message = f'{{"role":"user","content":"{_PROMPT}"}}'
    return f'{{"model":"{MODEL}","messages":[{message}],"temperature":0.7{more}}}'


WHOLE: Final = Load("whole", "1 KB JSON answer", _body(""), connections=8)
PACED: Final = Load(
    "paced",
    "200 chunks, one every 10 ms",
    _body(',"stream":true,"user":"paced"'),
    connections=40,
    spread_s=0.4,
)
BURST: Final = Load(
    "burst", "200 chunks at once", _body(',"stream":true,"user":"burst"'), connections=8
)


class _Client(asyncio.Protocol):
    """One connection: sends its share of requests, one after the other, and looks at each end."""

    def __init__(self, request: bytes, share: int) -> None:
        self._request = request
        self._left = share
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._need = 0
        self._tail = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError(f"hung up after {self._tail!r}"))

    def data_received(self, data: bytes) -> None:
        if not self._need and not self._open(data):
            return
        if self._need > 0:
            self._need -= len(data)
            if self._need <= 0:
                self._answered()
            return
        self._tail = (self._tail + data)[-64:]
        if self._tail.endswith(_LAST_CHUNK):
            if b"data: [DONE]" not in self._tail:
                self._fail(self._tail)
            else:
                self._answered()

    def _open(self, data: bytes) -> bool:
        """Read the head: afterwards ``_need`` is what is to come with it, or -1 for chunks."""
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._head[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            self._fail(self._head)
            return False
        if _CHUNKED in head:
            self._need = -1
        else:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            self._need = end + 4 + length - len(self._head) + len(data)
        return True

    def _answered(self) -> None:
        self._head, self._tail, self._need = b"", b"", 0
        self._left -= 1
        assert self._transport is not None
        if self._left > 0:
            self._transport.write(self._request)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def _fail(self, seen: bytes) -> None:
        if not self.done.done():
            self.done.set_exception(AssertionError(f"no proper answer: {seen[:2000]!r}"))


async def drive(load: Load, port: int, requests: int) -> int:
    """Send ``requests`` (rounded down to whole shares) and return how many were answered."""
    share = max(1, requests // load.connections)
    loop = asyncio.get_running_loop()
    clients: list[_Client] = []
    async with asyncio.timeout(_LIMIT_S):
        for _ in range(load.connections):
            make = partial(_Client, load.request(port), share)
            clients.append((await loop.create_connection(make, "127.0.0.1", port))[1])
            if load.spread_s:
                await asyncio.sleep(load.spread_s / load.connections)
        await asyncio.gather(*(client.done for client in clients))
    return share * load.connections
