"""The simplest honest relay on aiohttp: what any proxy in Python pays, and nothing on top.

``python bare.py UPSTREAM_URL`` prints its port. No routing, no key check, no parsing, no telemetry;
connections are kept, whole answers pass whole and streams chunk by chunk. Its settings are those of
the proxy (``router.surfaces.http.RUNNER``, ``router.upstream.session``), written out again so that
it stays what it is when they change.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL


async def _main(upstream: str) -> None:
    url = URL(upstream)
    session = ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=60, ttl_dns_cache=300),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=None, sock_connect=5),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        read_bufsize=1 << 20,
        trust_env=False,
    )

    async def relay(request: web.Request) -> web.StreamResponse:
        headers = {
            "Content-Type": "application/json",
            "Authorization": request.headers["Authorization"],
        }
        body = await request.read()
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as reply:
            kind = reply.headers["Content-Type"]
            if not kind.startswith("text/event-stream"):
                answer = await reply.read()
                return web.Response(
                    status=reply.status, body=answer, headers={"Content-Type": kind}
                )
            stream = web.StreamResponse(status=reply.status, headers={"Content-Type": kind})
            await stream.prepare(request)
            async for chunk in reply.content.iter_any():
                await stream.write(chunk)
            await stream.write_eof()
            return stream

    app = web.Application(client_max_size=32 << 20)
    app.router.add_post("/v1/chat/completions", relay)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, keepalive_timeout=75)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
