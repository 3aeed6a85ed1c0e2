"""One HTTP exchange on a connection of aiohttp's: a request out in one write, an answer in.

aiohttp's connector keeps connections, finds addresses, speaks TLS and goes through proxies, and its
parser reads what comes. What stands between them in ``ClientSession``, cookies, redirects,
credentials, tracing, a task and a timer for each request, is nothing an endpoint needs, and cost
more than the connector and the parser together.

A POST that met a connection the provider was just closing is not sent again here: whether another
try is due, and where, is the dispatcher's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Self

from aiohttp import (
    BaseConnector,
    ClientRequest,
    ClientTimeout,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    StreamReader,
    hdrs,
)
from aiohttp.connector import Connection
from yarl import URL

from router.upstream.proxies import Proxy

READ_BUFFER_BYTES: Final = 1 << 20
"""How far upstream may run ahead of a slow client before its socket is paused."""

MAX_HEADER_BYTES: Final = 64 << 10
_JOINED_BYTES: Final = 64 << 10
"""Up to here one copy is cheaper than a second write."""


class Way:
    """How one URL is reached, through a proxy if there is one. Needs a running loop."""

    __slots__ = ("_connector", "_request", "_timeout", "target")

    def __init__(
        self, connector: BaseConnector, url: URL, proxy: Proxy | None, connect_s: float
    ) -> None:
        through = proxy is not None and url.scheme == "http"
        self._connector = connector
        self._timeout = ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        # All that the connector wants to know; it is never sent.
        self._request = ClientRequest(
            "POST",
            url,
            loop=asyncio.get_running_loop(),
            proxy=proxy.url if proxy is not None else None,
            proxy_headers=_for_proxy(proxy, url) if proxy is not None else None,
        )
        self.target: str = str(url) if through else url.raw_path_qs
        """What the request line names: all of the URL where a proxy reads it."""

    async def open(self) -> Wire:
        """Return a connection, kept or new. Raises ``trouble.FOREIGN``."""
        try:
            return Wire(await self._connector.connect(self._request, [], self._timeout))
        except TimeoutError as exc:
            raise ConnectionTimeoutError("no connection in time") from exc


class Wire:
    """One exchange. ``content`` is the body as it comes, ``headers`` take names in any case."""

    __slots__ = ("_connection", "content", "headers", "status")

    content: StreamReader
    headers: Mapping[str, str]
    status: int

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ask(self, head: bytes, body: bytes) -> Self:
        """Send, and read until the head of the answer is there; hang up if it never comes.

        Raises ``trouble.FOREIGN``.
        """
        protocol, transport = self._connection.protocol, self._connection.transport
        if protocol is None or transport is None:
            self._connection.close()
            raise ServerDisconnectedError
        try:
            protocol.set_response_params(
                read_until_eof=True,
                read_bufsize=READ_BUFFER_BYTES,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
            if len(body) <= _JOINED_BYTES:
                transport.write(head + body)
            else:
                transport.write(head)
                transport.write(body)
            while True:
                message, content = await protocol.read()
                if message.code >= 200 or message.code == 101:  # noqa: PLR2004 - others are interim
                    break
        except BaseException:
            self._connection.close()
            raise
        self.status = message.code
        self.headers = message.headers
        self.content = content
        content.on_eof(self._ended)
        return self

    @property
    def media(self) -> str:
        """The media type of the body, lower-case and without parameters; empty if none is said."""
        return self.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()

    def close(self) -> None:
        """Hang up, unless the answer was read to its end and the connection went back."""
        self._connection.close()

    def _ended(self) -> None:
        """Give the connection back; one that still sends, or no longer speaks HTTP, is closed."""
        protocol, transport = self._connection.protocol, self._connection.transport
        if protocol is None or protocol.upgraded:
            return
        if transport is not None and transport.get_write_buffer_size():
            self._connection.close()
        else:
            self._connection.release()


def _for_proxy(proxy: Proxy, url: URL) -> dict[str, str]:
    """Return the headers for a proxy. The connector adds ``Host`` to what it is given, and pools
    by these headers: with it in place from the start they never change.
    """
    return {**proxy.headers, "Host": url.host_port_subcomponent or ""}
