"""An HTTP server that sends exactly the bytes it is told to, in exactly the pieces it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SSE = "text/event-stream"
JSON = "application/json"


def response(
    *parts: bytes,
    status: str = "200 OK",
    content_type: str = SSE,
    headers: Sequence[str] = (),
    ends: bool = True,
) -> list[bytes]:
    """A chunked response: its head, one HTTP chunk per part, and its end if it has one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Transfer-Encoding: chunked"]
    head = "\r\n".join([*lines, *headers, "", ""]).encode()
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part]
    return [head, *chunks, *([b"0\r\n\r\n"] if ends else [])]


@dataclass
class Scripted:
    """``script`` is what every request gets; ``hang_up`` closes the connection after it."""

    port: int = 0
    script: list[bytes] = field(default_factory=list)
    hang_up: bool = False
    stalls: bool = False
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def body(self, number: int = -1) -> bytes:
        return self.requests[number].partition(b"\r\n\r\n")[2]

    def headers(self, number: int = -1) -> dict[str, str]:
        lines = self.requests[number].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head + await reader.readexactly(int(length or 0)))
                for part in self.script:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.hang_up:
                    break
                if self.stalls:
                    await reader.read(1)
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def scripted(*parts: bytes, hang_up: bool = False) -> AsyncIterator[Scripted]:
    """A server that answers every request with these parts, written one at a time."""
    server = Scripted(script=list(parts), hang_up=hang_up)
    listening = await asyncio.start_server(server._serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
