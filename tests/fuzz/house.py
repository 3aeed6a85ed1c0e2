"""A real proxy for one case at a time: real surfaces, relay and books, providers that are scripted.

Every case has a board and a dispatcher of its own, so that no breaker remembers the case before.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from router.core.ask import Ask
from router.core.catalogue import Dialect, Endpoint, EndpointId, Limits, ModelName, Price
from router.core.decision import Explained
from router.core.faults import Kind
from router.core.policy import DEFAULT_POLICY
from router.core.surface import Surface
from router.dispatch import Dispatcher
from router.ports import Call, Downstream, Record, TraceContext
from router.server.clock import SystemClock
from router.store.board import Board
from router.surfaces.http import RUNNER, make_app
from router.surfaces.service import Service
from router.telemetry.trace import Tracer
from router.upstream.connector import open_connector
from router.upstream.relay import Relay
from router.upstream.translating import Translating
from tests.upstream.scripted import Scripted

LIMIT_S = 8.0
"""Nothing here waits for anything: whoever takes as long hangs."""
_WAIT_S = 2.0
_OF_OPENAI = frozenset((Surface.CHAT, Surface.RESPONSES, Surface.COMPLETIONS, Surface.EMBEDDINGS))
_OF_ANTHROPIC = frozenset((Surface.MESSAGES, Surface.COUNT_TOKENS))
_REFUSED = (Kind.UNTOLD, Kind.BAD_BODY)
SPEAKS: Mapping[str, frozenset[Surface]] = {
    "openai": _OF_OPENAI,
    "chat-only": frozenset((Surface.CHAT,)),
    "anthropic": _OF_ANTHROPIC,
}
"""Model names, and what its one endpoint speaks."""


@dataclass(frozen=True)
class Case:
    """What came of one request: the client's side, and what was told and sent behind."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    records: tuple[Record, ...]
    sent: int
    unforeseen: tuple[str, ...]

    @property
    def attempts(self) -> int:
        """Attempts in the books, but for those that a translation refused before they were sent."""
        booked = [attempt for record in self.records for attempt in record.outcome.attempts]
        return sum(a.status is not None or a.fault not in _REFUSED for a in booked)

    @property
    def is_stream(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/event-stream")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class _Telemetry:
    records: list[Record] = field(default_factory=list)

    def report(self, record: Record) -> None:
        self.records.append(record)


class _Unforeseen(logging.Handler):
    """Collects what the surfaces log when something failed that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


class _Current:
    """The dispatcher of the case at hand."""

    def __init__(self) -> None:
        self.now: Dispatcher | None = None

    async def run(
        self,
        ask: Ask,
        call: Call,
        downstream: Downstream,
        context: TraceContext,
        received: float,
    ) -> None:
        assert self.now is not None
        await self.now.run(ask, call, downstream, context, received)

    def explain(self, ask: Ask) -> Explained:
        assert self.now is not None
        return self.now.explain(ask)


@dataclass
class House:
    """The running proxy; ``provider.script`` is what every attempt gets."""

    url: str
    provider: Scripted
    _session: aiohttp.ClientSession
    _endpoints: tuple[Endpoint, ...]
    _relay: Translating
    _current: _Current
    _unforeseen: _Unforeseen

    async def case(
        self, path: str, body: bytes, headers: Mapping[str, str], *, answer: list[bytes]
    ) -> Case:
        """Send one request and read what comes of it. Raises ``TimeoutError`` if it hangs."""
        telemetry, clock, rng = _Telemetry(), SystemClock(), Random(1)
        self.provider.script[:] = answer
        self.provider.requests.clear()
        self._unforeseen.seen.clear()
        self._current.now = Dispatcher(
            board=Board(self._endpoints, clock),
            upstreams={Dialect.OPENAI: self._relay, Dialect.ANTHROPIC: self._relay},
            telemetry=telemetry,
            tracer=Tracer(rng, 0.0),
            clock=clock,
            rng=rng,
            policies={},
            default_policy=DEFAULT_POLICY,
        )
        async with asyncio.timeout(LIMIT_S):
            async with self._session.post(self.url + path, data=body, headers=headers) as reply:
                raw = await reply.read()
            while self.provider.requests and not telemetry.records:
                await asyncio.sleep(0.001)  # The client has its answer before it is told.
        return Case(
            reply.status,
            reply.headers,
            raw,
            tuple(telemetry.records),
            len(self.provider.requests),
            tuple(self._unforeseen.seen),
        )


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        provider = Scripted(hang_up=True)
        listening = await asyncio.start_server(provider._serve, "127.0.0.1", 0)
        await stack.enter_async_context(listening)
        provider.port = listening.sockets[0].getsockname()[1]
        connector = await stack.enter_async_context(open_connector())
        endpoints = tuple(_endpoint(name, provider.base_url) for name in SPEAKS)
        relay = Relay(connector, endpoints, environ={}, wall=lambda: 0.0)
        current, unforeseen = _Current(), _Unforeseen()
        log = logging.getLogger("meritorder.surfaces")
        log.addHandler(unforeseen)
        stack.callback(log.removeHandler, unforeseen)
        runner = web.AppRunner(
            make_app(_service(current, endpoints)), **{**RUNNER, "shutdown_timeout": 1.0}
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False, read_bufsize=1 << 20)
        )
        url = f"http://{host}:{port}"
        yield House(
            url,
            provider,
            session,
            endpoints,
            Translating(relay, lambda: 0.0),
            current,
            unforeseen,
        )


def _endpoint(name: str, base_url: str) -> Endpoint:
    made = Endpoint(
        id=EndpointId(f"{name}@here"),
        provider="here",
        model=f"x/{name}",
        upstream_model=name,
        family=name,
        serves=(ModelName(name),),
        base_url=base_url,
        context=1_000_000,
        price=Price(1.0, 2.0),
        dialect=Dialect.ANTHROPIC if name == "anthropic" else Dialect.OPENAI,
        speaks=SPEAKS[name],
    )
    limits = Limits(connect_s=_WAIT_S, first_token_s=_WAIT_S, gap_s=_WAIT_S, total_s=2 * _WAIT_S)
    return replace(made, limits=limits)


def _service(current: _Current, endpoints: tuple[Endpoint, ...]) -> Service:
    numbers = Random(7)
    return Service(
        dispatcher=current,
        served={e.serves[0]: (e,) for e in endpoints},
        clock=SystemClock(),
        new_id=lambda: f"mo-{numbers.getrandbits(64):016x}",
        trace=_no_trace,
        health=dict,
        survey=lambda: _nobody_asks("survey"),
        count=lambda _ask: 42,
        policies={},
    )


def _no_trace(_headers: CIMultiDictProxy[str]) -> TraceContext:
    return TraceContext("0" * 31 + "1")


def _nobody_asks(what: str) -> Any:
    raise AssertionError(f"nobody asked for the {what}")
