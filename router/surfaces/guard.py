"""Around every handler, once, at registration: request id, door, faults told, nothing leaked.

A middleware would do the same at the price of one more coroutine per request and middleware.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from router.core.faults import Fault, Kind
from router.surfaces.errors import JSON, Answer, envelope_of, render
from router.surfaces.headers import named
from router.surfaces.service import Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Inner = Callable[[web.Request, Service, str], Awaitable[web.StreamResponse]]

log: Final = logging.getLogger("meritorder.surfaces")
OWNER: Final = web.RequestKey("owner", str)
"""Whose request it is, as the door names keys."""
INTERNAL: Final = "Something went wrong in the proxy; its log has more under this request id."


def guarded(inner: Inner, service: Service, *, key_needed: bool = True) -> Handler:
    """Wrap a handler: it may raise ``Fault``, and anything else becomes a 500 without internals."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = service.new_id()
        try:
            if key_needed:
                request[OWNER] = service.door.admit(request.headers)
            return await inner(request, service, request_id)
        except Fault as fault:
            return _told(request, fault, request_id)
        except Exception:
            log.exception("request %s failed unforeseen", request_id)
            return _told(request, Fault(Kind.INTERNAL, INTERNAL), request_id)

    return handle


def _told(request: web.Request, fault: Fault, request_id: str) -> web.Response:
    return web_answer(render(fault, request_id, envelope_of(request.path, request.headers)))


def web_answer(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def json_answer(
    told: Mapping[str, Any], request_id: str, status: int = 200, *, anthropic: bool = False
) -> web.Response:
    """Return JSON of ours with its request id."""
    headers = {"Content-Type": JSON, **named(request_id, anthropic=anthropic)}
    return web_answer(Answer(status, headers, msgspec.json.encode(told)))
