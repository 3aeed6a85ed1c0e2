"""The surfaces on aiohttp: which path is served by whom, and how the server must be run.

``make_app`` is all that the server needs; its routes are few, the last of them catches every
path nobody serves, so that a 404 and a 405 wear our envelope too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from router.core.ask import NO_PREFERENCES, Ask
from router.core.catalogue import ModelName
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call
from router.surfaces.asking import read_ask
from router.surfaces.body import read_body
from router.surfaces.decisions import decision_page
from router.surfaces.endpoints import endpoints_page
from router.surfaces.errors import envelope_of, render, with_headers
from router.surfaces.explain import decision_json
from router.surfaces.guard import INTERNAL, OWNER, guarded, json_answer, log, web_answer
from router.surfaces.headers import sift
from router.surfaces.health import ready_answer
from router.surfaces.models import list_json, model_json, no_model, page_json
from router.surfaces.names import known_names
from router.surfaces.service import Service
from router.surfaces.stream import StreamAnswer
from router.surfaces.whole import WholeAnswer

RUNNER: Final[Mapping[str, Any]] = {
    # A client that leaves before the first token is noticed at once, and upstream cancelled.
    "handler_cancellation": True,
    "access_log": None,
    # Above our own limit of 8 KB a header, so that most oversized ones are refused by us, named.
    "max_field_size": 64 * 1024,
    "max_line_size": 64 * 1024,
    "keepalive_timeout": 75.0,
    "shutdown_timeout": 60.0,
}
"""Keyword arguments for ``web.AppRunner``."""

_BASE: Final = "/v1"
_ANYWHERE: Final = "/{path:.*}"
_HOME: Final = (
    "meritorder: sends each request to the cheapest endpoint expected to keep its budget.\n"
    "POST /v1/chat/completions or /v1/responses as you would to OpenAI, /v1/messages as you\n"
    "would to Anthropic; GET /v1/models lists what is served.\n"
)


def make_app(service: Service) -> web.Application:
    """Return the application. Later routes may be added before it runs."""
    app = web.Application(client_max_size=service.max_body)
    add = partial(app.router.add_route, expect_handler=_expected)
    for surface in Surface:
        add("POST", _BASE + surface.path, guarded(partial(_answer, surface), service))
    add("POST", "/v1/route/explain", guarded(_explain, service))
    app.router.add_get("/v1/route/endpoints", guarded(endpoints_page, service))
    app.router.add_get("/v1/route/decisions/{id}", guarded(decision_page, service))
    app.router.add_get("/v1/models", guarded(_models, service))
    app.router.add_get("/v1/models/{id:.+}", guarded(_model, service))
    add("GET", "/", guarded(_home, service))
    add("HEAD", "/", guarded(_home, service, key_needed=False))
    add("HEAD", "/api/hello", guarded(_home, service, key_needed=False))
    app.router.add_get("/health/live", guarded(_live, service, key_needed=False))
    app.router.add_get("/health/ready", guarded(_ready, service, key_needed=False))
    add("*", _ANYWHERE, guarded(_elsewhere, service))
    return app


async def _expected(request: web.Request) -> None:
    """Let a client send its body that waits to be told so; another expectation is not ours."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _read(
    surface: Surface, request: web.Request, service: Service, request_id: str
) -> tuple[Ask, Call, float]:
    """Read a request; the stopwatch starts at the last byte of its body."""
    sifted = sift(request.headers.items())
    body = await read_body(request, service.max_body)
    received = service.clock.mono()
    ask = read_ask(
        body,
        sifted.declaring,
        request_id=request_id,
        slas=service.slas,
        surface=surface,
        translated=service.translated[surface],
        headers=sifted.forward,
        served=service.served,
        owner=request[OWNER],
    )
    if ask.model not in service.served:
        raise no_model(ask.model, service.served)
    if ask.preferences is not NO_PREFERENCES:
        ask = ask._replace(preferences=known_names(ask.preferences, service.served))
    call = Call(body, sifted.forward, ask.stream, ask.wants_usage, request_id, surface=surface)
    return ask, call, received


async def _answer(
    surface: Surface, request: web.Request, service: Service, request_id: str
) -> web.StreamResponse:
    if service.draining():
        raise Fault(Kind.DRAINING, "The proxy is shutting down; try again.", retry_after_s=1.0)
    ask, call, received = await _read(surface, request, service, request_id)
    if _is_counted_here(surface, ask, service):
        return json_answer({"input_tokens": service.count(ask)}, request_id, anthropic=True)
    context = service.trace(request.headers)
    run = service.dispatcher.run
    if not ask.stream:
        whole = WholeAnswer(ask)
        await run(ask, call, whole, context, received)
        return whole.response()
    stream = StreamAnswer(request, ask)
    try:
        await run(ask, call, stream, context, received)
    except Exception as error:
        if stream.response is None:
            raise
        # A second answer would be garbage behind the first: the begun stream tells it.
        if not isinstance(error, Fault):
            log.exception("request %s failed unforeseen after its stream began", request_id)
            error = Fault(Kind.INTERNAL, INTERNAL)
        await stream.fail(error)
    finally:
        stream.stop()
    if stream.response is None:
        raise RuntimeError("the dispatcher neither answered nor raised")
    return stream.response


def _is_counted_here(surface: Surface, ask: Ask, service: Service) -> bool:
    """Whether nobody behind counts: what was learned of a model's tokens is the best there is."""
    return surface is Surface.COUNT_TOKENS and not any(
        surface in endpoint.speaks for endpoint in service.served[ask.model]
    )


async def _explain(request: web.Request, service: Service, request_id: str) -> web.Response:
    surface = _surface_of(request)
    ask, _, _ = await _read(surface, request, service, request_id)
    told = decision_json(service.dispatcher.explain(ask), ask)
    if _is_counted_here(surface, ask, service):
        told["estimate"] = {"input_tokens": service.count(ask)}
    return json_answer(told, request_id)


def _surface_of(request: web.Request) -> Surface:
    """Return the surface whose body is to be explained: ``?surface=messages``, else chat."""
    name = request.query.get("surface", Surface.CHAT.value)
    try:
        return Surface(name)
    except ValueError:
        raise Fault(
            Kind.BAD_BODY,
            f"surface: {name[:64]!r} is not known; it takes one of {', '.join(Surface)}.",
            param="surface",
        ) from None


async def _models(request: web.Request, service: Service, request_id: str) -> web.Response:
    anthropic = "anthropic-version" in request.headers
    told = page_json(service.served, request.query) if anthropic else list_json(service.served)
    return json_answer(told, request_id, anthropic=anthropic)


async def _model(request: web.Request, service: Service, request_id: str) -> web.Response:
    name = ModelName(request.match_info["id"])
    if name not in service.served:
        raise no_model(name, service.served)
    anthropic = "anthropic-version" in request.headers
    told = model_json(name, service.served, anthropic=anthropic)
    return json_answer(told, request_id, anthropic=anthropic)


async def _home(_request: web.Request, _service: Service, request_id: str) -> web.Response:
    return web.Response(text=_HOME, headers={"X-Request-Id": request_id})


async def _live(_request: web.Request, _service: Service, request_id: str) -> web.Response:
    return json_answer({"status": "live"}, request_id)


async def _ready(_request: web.Request, service: Service, request_id: str) -> web.Response:
    status, told = ready_answer(service.health(), draining=service.draining())
    return json_answer(told, request_id, status)


async def _elsewhere(request: web.Request, _service: Service, request_id: str) -> web.Response:
    """Tell a wrong method by the methods that path has, and a wrong path by the paths there are."""
    resources = [r for r in request.app.router.resources() if r.canonical != "/{path}"]
    methods: set[str] = set()
    for resource in resources:
        _, allowed = await resource.resolve(request)
        methods |= allowed
    if methods:
        allow = ", ".join(sorted(methods))
        fault = Fault(Kind.BAD_METHOD, f"{request.method} is not served here; served: {allow}.")
        answer = render(fault, request_id, envelope_of(request.path, request.headers))
        return web_answer(with_headers(answer, {hdrs.ALLOW: allow}))
    paths = ", ".join(sorted({r.canonical for r in resources}))
    ends = request.path.rstrip("/")
    likely = next((_BASE + s.path for s in Surface if ends.endswith(s.path)), None)
    hint = f"did you mean {likely}? Served" if likely else "served"
    raise Fault(Kind.NO_ROUTE, f"There is nothing at {request.path[:200]!r}; {hint}: {paths}.")
