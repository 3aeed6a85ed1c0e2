"""A provider of our own on loopback, for the first calls through litellm.

litellm imports most of itself at its first call: a second, most of it with the event loop stopped,
which would be booked as the first endpoint's wait. So it answers itself once, in the thread that
loads it. Nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from router.core.catalogue import Dialect, Endpoint, EndpointId
from router.ports import Call

MODEL = "anthropic/claude-sonnet-4-20250514"
_TOOL = {"type": "function", "function": {"name": "tell", "parameters": {"type": "object"}}}
_USAGE = b'"usage":{"input_tokens":1,"output_tokens":1}'
_MESSAGE = (
    b'{"id":"m","type":"message","role":"assistant","model":"m","content":[%s],"stop_reason":%s,'
    b'"stop_sequence":null,' + _USAGE + b"}"
)
_WHOLE = _MESSAGE % (b'{"type":"text","text":"warm"}', b'"end_turn"')
_EVENTS = (
    b'"message_start","message":' + _MESSAGE % (b"", b"null"),
    b'"content_block_start","index":0,"content_block":{"type":"text","text":""}',
    b'"content_block_delta","index":0,"delta":{"type":"text_delta","text":"warm"}',
    b'"content_block_stop","index":0',
    b'"message_delta","delta":{"stop_reason":"end_turn"},' + _USAGE,
    b'"message_stop"',
)
_STREAM = b"".join(
    b"event: " + event.split(b'"')[1] + b'\ndata: {"type":' + event + b"}\n\n" for event in _EVENTS
)


def calls() -> list[Call]:
    """Return one request of each kind: whole and streamed, with tools and without."""
    found = []
    for tools in ([], [_TOOL]):
        body: dict[str, object] = {"messages": [{"role": "user", "content": "warm"}]}
        if tools:
            body["tools"] = tools
        encoded = msgspec.json.encode(body)
        for stream in (False, True):
            call = Call(
                body=encoded, headers={}, stream=stream, wants_usage=False, attempt_id="warm"
            )
            found.append(call)
    return found


def can_be_reached() -> bool:
    """Whether litellm, which heeds the environment's proxies, would reach loopback directly."""
    proxies = urllib.request.getproxies()
    proxied = any(proxies.get(name) for name in ("http", "all"))
    return not proxied or bool(urllib.request.proxy_bypass("127.0.0.1"))


@asynccontextmanager
async def loopback() -> AsyncIterator[Endpoint]:
    """Serve Anthropic's dialect on a free port, and name it as an endpoint."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Endpoint(
            id=EndpointId("warm@loopback"),
            provider="loopback",
            model=MODEL,
            upstream_model=MODEL.partition("/")[2],
            family="warm",
            serves=(),
            base_url=f"http://127.0.0.1:{port}",
            context=0,
            price=None,
            api_key_env="WARM",
            dialect=Dialect.LITELLM,
        )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        streamed = b'"stream":true' in (await reader.readexactly(length)).replace(b" ", b"")
        kind, body = (b"text/event-stream", _STREAM) if streamed else (b"application/json", _WHOLE)
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: " + kind
        writer.write(b"%s\r\ncontent-length: %d\r\n\r\n%s" % (head, len(body), body))
        await writer.drain()
    writer.close()
