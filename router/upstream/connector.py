"""The one connector to all endpoints: connections and addresses are kept, nothing else is.

It has no limits of its own, on connections or on time: the dispatcher's run on content.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import TCPConnector, ThreadedResolver
from aiohttp.abc import ResolveResult

KEEPALIVE_S = 60.0
DNS_CACHE_S = 300
LOOK_UP_S = 5.0
"""How long finding a name may take: the limit on connecting begins after it."""


def trust(ca_file: Path | None, environ: Mapping[str, str]) -> ssl.SSLContext | bool:
    """Return what to trust: the system's authorities, and those of ``ca_file`` besides.

    ``SSL_CERT_FILE`` counts like ``ca_file``. Raises ``OSError`` (``ssl.SSLError`` is one) for a
    file that cannot be read.
    """
    files = [str(ca_file)] if ca_file else []
    if named := environ.get("SSL_CERT_FILE"):
        files.append(named)
    if not files:
        return True
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    for name in files:
        context.load_verify_locations(name)
    return context


class PatientResolver(ThreadedResolver):
    """Looks names up as the system does, but not for ever."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises ``OSError``, ``TimeoutError`` among them."""
        async with asyncio.timeout(LOOK_UP_S):
            return await super().resolve(host, port, family)


@asynccontextmanager
async def open_connector(
    *, ca_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[TCPConnector]:
    """Open the connector, and close all its connections in the end."""
    connector = TCPConnector(
        limit=0,
        keepalive_timeout=KEEPALIVE_S,
        ttl_dns_cache=DNS_CACHE_S,
        resolver=PatientResolver(),
        ssl=trust(ca_file, environ or {}),
    )
    try:
        yield connector
    finally:
        await connector.close()
