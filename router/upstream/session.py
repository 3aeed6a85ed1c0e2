"""The one HTTP session to all endpoints: connections are kept, nothing else is.

No limits of its own on connections or time (the dispatcher's limits run on content, not on bytes),
no cookies, no headers nobody asked for. Compressed answers are decoded, although we ask for none.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

KEEPALIVE_S = 60.0
DNS_CACHE_S = 300
READ_BUFFER_BYTES = 1 << 20
"""How far upstream may run ahead of a slow client before its socket is paused."""

MAX_HEADER_BYTES = 64 << 10


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


def open_session(
    *, ca_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> ClientSession:
    """Open the session; needs a running loop. Who opens it closes it."""
    return ClientSession(
        connector=TCPConnector(
            limit=0,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=DNS_CACHE_S,
            ssl=trust(ca_file, environ or {}),
        ),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=None),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        trust_env=False,
    )
