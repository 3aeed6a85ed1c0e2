"""The market's HTTP surface: the providers under their ids, and the sandbox's own four paths.

Every attempt gets a tab when it arrives and is entered into the ledger when it ends, in one
`finally`: completed, refused, struck by a fault or abandoned by its client.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from router.sandbox import anthropic, openai
from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.clock import Clock
from router.sandbox.draw import Take, Wish, draw
from router.sandbox.faults import Fault, Faults, Kind, Stage, parse_faults
from router.sandbox.fleet import Dialect, EndpointId, Fleet, Row
from router.sandbox.ledger import CANCELLED, Ledger, Tab, Usage
from router.sandbox.script import Event, Order, Weather, schedule, weather
from router.sandbox.speech import Prose, Recital
from router.sandbox.stage import Scene, stay_silent, stream, whole
from router.sandbox.voice import Manner
from router.sandbox.wire import JSON, STREAM, Wire

_BODY_BYTES = 64 * 1024 * 1024
_BIG_TOKENS = 66_700
_WEIRD_BYTES = 400
_HTML = b"<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"
MANNERS: dict[Dialect, Manner] = {Dialect.OPENAI: openai, Dialect.ANTHROPIC: anthropic}


@dataclass(slots=True)
class Market:
    """The state of the process: books, calendar, and how many attempts each row has seen."""

    fleet: Fleet
    clock: Clock
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    events: tuple[Event, ...] = ()
    seen: Counter[EndpointId] = field(default_factory=Counter)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def chance(self, row: Row) -> Random:
        """The dice of this row's next attempt: the same for the same seed and turn."""
        self.seen[row.endpoint] += 1
        return Random(f"{self.seed}/{row.id}/{self.seen[row.endpoint]}")  # noqa: S311


MARKET = web.AppKey("market", Market)


def _number(request: web.Request, name: str) -> float | None:
    """A header as a number >= 0, None where absent. Raises Refusal 400."""
    text = request.headers.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise Refusal(400, f"{name} takes a number >= 0, not {text!r}", param=name)
    return number


def _faults(request: web.Request, row: Row, known: Fleet) -> Faults:
    """The faults ordered by header. Raises Refusal 400."""
    header = ",".join(request.headers.getall("x-sandbox-fault", []))
    try:
        return parse_faults(header, row.endpoint, known)
    except ValueError as error:
        raise Refusal(400, str(error), code="unknown_fault", param="x-sandbox-fault") from None


def _wish(request: web.Request, ask: Ask, faults: Faults, sky: Weather) -> Wish:
    """What the draw must respect."""
    tokens = _number(request, "x-sandbox-answer-tokens")
    return Wish(
        prompt_tokens=ask.prompt_tokens,
        max_tokens=ask.max_tokens,
        answer_tokens=None if tokens is None else int(tokens),
        said_tokens=None if ask.said is None else Recital(ask.said).tokens,
        ttft_s=_number(request, "x-sandbox-ttft-s"),
        ttft_factor=sky.ttft_factor * faults.argument(Kind.SLOW_TTFT, 1.0),
        speed_factor=sky.speed_factor / max(faults.argument(Kind.SLOW_SPEED, 1.0), 1e-6),
    )


def _distorted(take: Take, faults: Faults) -> Take:
    """The take as faults of manner change it."""
    if faults.has(Kind.EMPTY):
        return replace(take, hidden=0, reasoning=0, text=0, cut=False)
    if faults.has(Kind.BIG_LINE):
        return replace(take, hidden=0, reasoning=0, text=_BIG_TOKENS, tokens_per_s=1e9, cut=False)
    return take


def _check_window(row: Row, ask: Ask) -> None:
    """Raises Refusal 400 when the prompt does not fit."""
    needed = ask.prompt_tokens + (ask.max_tokens or 0)
    if needed > row.context:
        raise Refusal(
            400,
            f"This model's maximum context length is {row.context} tokens. However, you requested "
            f"{needed} tokens ({ask.prompt_tokens} in the messages, {ask.max_tokens or 0} in the "
            "completion). Please reduce the length of the messages or completion.",
            code="context_length_exceeded",
            param="messages",
        )


def _refuse(fault: Fault) -> None:
    """Raises the Refusal this fault orders."""
    status = fault.spec.status
    wait = fault.argument
    raise Refusal(status, f"The sandbox was asked for a {status}.", retry_after_s=wait)


async def _unworked(kind: Kind, wire: Wire, chance: Random) -> None:
    """Answers that no model had a part in: a gateway's page, noise, a closed connection."""
    if kind is Kind.RESET:
        wire.cut()
        return
    if kind is Kind.GARBAGE:
        await wire.send(chance.randbytes(_WEIRD_BYTES))
    else:
        title = b"502 Bad Gateway" if kind is Kind.HTML_502 else b"Welcome"
        wire.response.headers["content-type"] = "text/html; charset=utf-8"
        await wire.open(status=Fault(kind).spec.status)
        await wire.send(_HTML % (title, title))
    await wire.end()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request at one provider, from its arrival to its last byte."""

    market: Market
    request: web.Request
    row: Row
    manner: Manner
    number: int
    tab: Tab

    async def serve(self) -> web.StreamResponse:
        """Answer, refuse or fail as ordered. Raises Refusal."""
        if not self.manner.admits(self.request.headers):
            raise Refusal(401, "You didn't provide an API key.")
        chance = self.market.chance(self.row)
        sky = weather(
            self.market.events, self.row.endpoint, now=self.market.clock.now(), chance=chance
        )
        ordered = _faults(self.request, self.row, self.market.fleet)
        faults = Faults(ordered.chosen + sky.faults.chosen)
        ask = self.manner.parse(await self.request.read())
        self.tab.stream = ask.stream
        if refused := faults.striking(Stage.REFUSED):
            _refuse(refused)
        headers = self.manner.headers(self.number)
        wire = Wire(self.request, faults, headers, STREAM if ask.stream else JSON)
        if spoiled := faults.striking(Stage.UNWORKED):
            self.tab.end = f"fault:{spoiled.kind}"
            await _unworked(spoiled.kind, wire, chance)
            return wire.response
        _check_window(self.row, ask)
        wish = _wish(self.request, ask, faults, sky)
        await self._perform(self._scene(ask, wish, faults, chance, wire))
        return wire.response

    def _scene(
        self, ask: Ask, wish: Wish, faults: Faults, chance: Random, wire: Wire
    ) -> Scene:
        take = _distorted(draw(self.row, wish, chance), faults)
        answer = Answer(self.row, ask, take, self.number, int(self.tab.at))
        return Scene(
            answer=answer,
            voice=self.manner.voice(answer),
            thoughts=Prose(self.number),
            words=Prose(self.number * 7) if ask.said is None else Recital(ask.said),
            faults=faults,
            clock=self.market.clock,
            tab=self.tab,
            wire=wire,
        )

    async def _perform(self, scene: Scene) -> None:
        silent = scene.faults.striking(Stage.SILENT)
        if silent:
            self.tab.end = f"fault:{silent.kind}"
            await stay_silent(scene, silent.kind)
        elif scene.answer.ask.stream:
            await stream(scene)
        else:
            await whole(scene)

    def turn_down(self, why: Refusal) -> web.Response:
        """The refusal in this dialect; it costs nothing."""
        self.tab.usage = Usage()
        if self.tab.end == CANCELLED:
            self.tab.end = f"fault:http_{why.status}"
        headers = dict(self.manner.headers(self.number))
        if why.retry_after_s is not None:
            headers["retry-after"] = f"{why.retry_after_s:g}"
        body = self.manner.refusal(why, self.number)
        return web.Response(status=why.status, body=body, headers=headers, content_type=JSON)


def _row(request: web.Request) -> Row:
    """The row the path names. Raises 404."""
    row = request.app[MARKET].fleet.get(EndpointId(request.match_info["endpoint"]))
    if row is None:
        raise web.HTTPNotFound
    return row


def _answers(dialect: Dialect) -> Handler:
    """The handler of the path on which `dialect` is spoken."""

    async def answer(request: web.Request) -> web.StreamResponse:
        market, row = request.app[MARKET], _row(request)
        if row.dialect is not dialect:
            raise web.HTTPNotFound
        tab = Tab(id=request.headers.get("x-request-id", ""), at=market.clock.now())
        attempt = Attempt(market, request, row, MANNERS[dialect], next(market.numbers), tab)
        try:
            return await attempt.serve()
        except Refusal as why:
            return attempt.turn_down(why)
        finally:
            market.ledger.enter(row, tab, now=market.clock.now())

    return answer


async def _count_tokens(request: web.Request) -> web.Response:
    try:
        return web.Response(body=anthropic.count(await request.read()), content_type=JSON)
    except Refusal as why:
        body = anthropic.refusal(why, 0)
        return web.Response(status=why.status, body=body, content_type=JSON)


async def _models(request: web.Request) -> web.Response:
    row = _row(request)
    model = {"id": row.model, "object": "model", "created": 0, "owned_by": row.provider}
    if row.dialect is Dialect.ANTHROPIC:
        model = {"id": row.model, "type": "model", "display_name": row.model,
                 "created_at": "2025-05-14T00:00:00Z"}
    return _json({"object": "list", "data": [model], "has_more": False})


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type=JSON)


async def _fleet(request: web.Request) -> web.Response:
    market = request.app[MARKET]
    return _json({"speed": market.clock.speed, "now": market.clock.now(),
                  "rows": list(market.fleet.values())})


async def _ledger(request: web.Request) -> web.Response:
    since = request.query.get("since", "0")
    if not since.isdecimal():
        return _json({"error": f"since is the seq of an entry, not {since!r}"}, status=400)
    return _json(request.app[MARKET].ledger.since(int(since)))


async def _script(request: web.Request) -> web.Response:
    market = request.app[MARKET]
    try:
        orders = msgspec.json.decode(await request.read(), type=list[Order])
        if unknown := {order.endpoint for order in orders} - set(market.fleet):
            return _json({"error": f"unknown endpoints: {', '.join(sorted(unknown))}"}, status=400)
        now = market.clock.now()
        market.events = (*market.events, *schedule(orders, now=now))
    except ValueError as error:
        return _json({"error": str(error)}, status=400)
    return _json({"events": len(market.events), "now": now})


async def _clear(request: web.Request) -> web.Response:
    request.app[MARKET].events = ()
    return _json({"events": 0})


@web.middleware
async def _not_found(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown paths in the shape OpenAI gives them."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        why = Refusal(error.status, f"Invalid URL ({request.method} {request.path})")
        body = openai.refusal(why, 0)
        return web.Response(status=error.status, body=body, content_type=JSON)


def build(market: Market) -> web.Application:
    """The application that serves this market."""
    app = web.Application(client_max_size=_BODY_BYTES, middlewares=[_not_found])
    app[MARKET] = market
    chat, messages = _answers(Dialect.OPENAI), _answers(Dialect.ANTHROPIC)
    app.add_routes(
        [
            web.get("/sandbox/ledger", _ledger),
            web.get("/sandbox/fleet", _fleet),
            web.post("/sandbox/script", _script),
            web.delete("/sandbox/script", _clear),
            web.post("/{endpoint}/v1/chat/completions", chat),
            web.post("/{endpoint}/v1/messages", messages),
            web.post("/{endpoint}/v1/messages/count_tokens", _count_tokens),
            web.get("/{endpoint}/v1/models", _models),
        ]
    )
    return app
