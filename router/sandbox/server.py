"""The market's HTTP surface: the providers under their ids, and the sandbox's own paths."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from router.sandbox import anthropic, completions, embeddings, openai, responses
from router.sandbox.ask import Refusal
from router.sandbox.attempt import Attempt
from router.sandbox.fleet import Dialect, EndpointId, Row
from router.sandbox.floor import FLOOR, Floor
from router.sandbox.ledger import Tab
from router.sandbox.script import Order, schedule
from router.sandbox.voice import Manner
from router.sandbox.wire import JSON

_BODY_BYTES = 64 * 1024 * 1024


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type=JSON)


def _row(request: web.Request) -> Row:
    """The row the path names. Raises 404."""
    row = request.app[FLOOR].fleet.get(EndpointId(request.match_info["endpoint"]))
    if row is None:
        raise web.HTTPNotFound
    return row


def _answers(dialect: Dialect, manner: Manner) -> Handler:
    """The handler of a path where rows of `dialect` speak in this manner; others are not found."""

    async def answer(request: web.Request) -> web.StreamResponse:
        floor, row = request.app[FLOOR], _row(request)
        if row.dialect is not dialect:
            raise web.HTTPNotFound
        tab = Tab(id=request.headers.get("x-request-id", ""), at=floor.clock.now())
        return await Attempt(floor, request, row, manner, next(floor.numbers), tab).serve()

    return answer


async def _count_tokens(request: web.Request) -> web.Response:
    try:
        return web.Response(body=anthropic.count(await request.read()), content_type=JSON)
    except Refusal as why:
        body = anthropic.refusal(why, 0)
        return web.Response(status=why.status, body=body, content_type=JSON)


async def _models(request: web.Request) -> web.Response:
    row = _row(request)
    if row.dialect is Dialect.ANTHROPIC:
        made = "2025-05-14T00:00:00Z"
        model = {"id": row.model, "type": "model", "display_name": row.model, "created_at": made}
        return _json({"data": [model], "has_more": False, "first_id": row.model})
    model = {"id": row.model, "object": "model", "owned_by": row.provider}
    return _json({"object": "list", "data": [{**model, "created": 0}]})


async def _fleet(request: web.Request) -> web.Response:
    floor = request.app[FLOOR]
    rows = list(floor.fleet.values())
    return _json({"speed": floor.clock.speed, "now": floor.clock.now(), "rows": rows})


async def _ledger(request: web.Request) -> web.Response:
    since = request.query.get("since", "0")
    if not since.isdecimal():
        return _json({"error": f"since is the seq of an entry, not {since!r}"}, status=400)
    return _json(request.app[FLOOR].ledger.since(int(since)))


async def _script(request: web.Request) -> web.Response:
    floor = request.app[FLOOR]
    try:
        orders = msgspec.json.decode(await request.read(), type=list[Order])
        if unknown := {order.endpoint for order in orders} - set(floor.fleet):
            return _json({"error": f"unknown endpoints: {', '.join(sorted(unknown))}"}, status=400)
        events = schedule(orders, now=floor.clock.now())
    except ValueError as error:
        return _json({"error": str(error)}, status=400)
    floor.events = (*floor.events, *events)
    return _json({"events": len(floor.events)})


async def _clear(request: web.Request) -> web.Response:
    request.app[FLOOR].events = ()
    return _json({"events": 0})


@web.middleware
async def _not_found(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown paths and methods, in the shape OpenAI gives them."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        why = Refusal(error.status, f"Invalid URL ({request.method} {request.path})")
        body = openai.refusal(why, 0)
        return web.Response(status=error.status, body=body, content_type=JSON)


def build(floor: Floor) -> web.Application:
    """The application that serves this market."""
    app = web.Application(client_max_size=_BODY_BYTES, middlewares=[_not_found])
    app[FLOOR] = floor
    app.add_routes(
        [
            web.get("/sandbox/ledger", _ledger),
            web.get("/sandbox/fleet", _fleet),
            web.post("/sandbox/script", _script),
            web.delete("/sandbox/script", _clear),
            web.post("/{endpoint}/v1/chat/completions", _answers(Dialect.OPENAI, openai)),
            web.post("/{endpoint}/v1/responses", _answers(Dialect.OPENAI, responses)),
            web.post("/{endpoint}/v1/completions", _answers(Dialect.OPENAI, completions)),
            web.post("/{endpoint}/v1/embeddings", _answers(Dialect.OPENAI, embeddings)),
            web.post("/{endpoint}/v1/messages", _answers(Dialect.ANTHROPIC, anthropic)),
            web.post("/{endpoint}/v1/messages/count_tokens", _count_tokens),
            web.get("/{endpoint}/v1/models", _models),
        ]
    )
    return app
