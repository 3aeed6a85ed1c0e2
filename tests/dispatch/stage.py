"""A dispatcher between scripted providers and a scripted client, in virtual time.

The board and the decisions are the real ones. Every fake is passed where the protocol of
``router.ports`` is wanted, so that mypy holds it to its shape.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random

from router.core.answer import Content, Piece, Usage
from router.core.ask import Ask
from router.core.catalogue import Dialect, Endpoint, EndpointId
from router.core.decision import Explained
from router.core.faults import Fault, Kind, UpstreamError
from router.core.measure import Attempt, Outcome
from router.core.policy import DEFAULT_POLICY, Policy
from router.dispatch import Dispatcher
from router.ports import Board as BoardPort
from router.ports import Call, Downstream, Exchange, Head, Record, Telemetry, TraceContext, Tracer
from router.ports import Upstream as UpstreamPort
from router.store.board import Board
from tests.core.market import an_ask, an_endpoint
from tests.dispatch.virtual import LoopClock, VirtualLoop, run

CHEAP = an_endpoint("r1@cheap", 1, 2)
MIDDLE = an_endpoint("r1@middle", 2, 4)
DEAR = an_endpoint("r1@dear", 3, 6)
GOLD = an_endpoint("r1@gold", 4, 8)

USAGE = Usage(fresh_input=100, cache_read=20, text=30, reasoning=10)

Event = Piece | Exception


def said(text: str, content: Content = Content.ANSWER) -> Piece:
    return Piece(text.encode(), content, len(text), len(text) * (content is Content.REASONING))


PING = Piece(b": ping\n")
END = Piece(b"[DONE]", usage=USAGE, finish="stop", ended=True)


@dataclass
class Script:
    """What one call does: headers after a while, then (seconds since the last, event) each."""

    events: Sequence[tuple[float, Event]] = ()
    connects_after: float = 0.0
    headers_after: float = 0.1
    fault: Exception | None = None
    hangs: bool = False


GOOD = Script([(0.4, said("one ")), (0.1, said("two ")), (0.1, said("three")), (0.0, END)])


def failing(kind: Kind, *, retry_after_s: float | None = None, status: int | None = None) -> Script:
    upstream = None if status is None else UpstreamError(status, b"{}", "application/json")
    return Script(fault=Fault(kind, kind.value, retry_after_s=retry_after_s, upstream=upstream))


class FakeReply:
    status = 200
    upstream_id = "up-1"
    length: int | None = None

    def __init__(self, script: Script) -> None:
        self._script = script
        self.headers: Mapping[str, str] = {"x-provider": "yes"}

    async def whole(self) -> Piece:
        seen = [piece async for piece in self.pieces()]
        return Piece(
            b"".join(piece.data for piece in seen),
            max((piece.content for piece in seen), default=Content.NOTHING),
            sum(piece.chars for piece in seen),
            sum(piece.reasoning_chars for piece in seen),
            next((piece.usage for piece in reversed(seen) if piece.usage), None),
            next((piece.finish for piece in reversed(seen) if piece.finish), None),
            ended=True,
        )

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        for seconds, event in self._script.events:
            if seconds:
                await asyncio.sleep(seconds)
            if isinstance(event, Exception):
                raise event
            yield event
        if self._script.hangs:
            await asyncio.sleep(1e6)


class FakeExchange:
    """Plays one script; ``connects_after`` seconds in, the provider has the request."""

    def __init__(self, upstream: FakeUpstream, script: Script) -> None:
        self._upstream, self._script = upstream, script
        self.sent = False

    async def __aenter__(self) -> FakeReply:
        self._upstream.open += 1
        try:
            await self._until_headers()
        except BaseException:
            self._upstream.open -= 1
            raise
        return FakeReply(self._script)

    async def _until_headers(self) -> None:
        await asyncio.sleep(self._script.connects_after)
        self.sent = True
        await asyncio.sleep(self._script.headers_after)
        if self._script.fault is not None:
            raise self._script.fault

    async def __aexit__(self, *_: object) -> None:
        self._upstream.open -= 1


class FakeUpstream:
    """Plays one script per endpoint, call after call; the last one again and again."""

    ready = True

    def __init__(self, scripts: Mapping[EndpointId, Sequence[Script]]) -> None:
        self._scripts = {name: list(of) for name, of in scripts.items()}
        self.calls: list[tuple[EndpointId, Call]] = []
        self.open = 0

    def call(self, endpoint: Endpoint, call: Call) -> Exchange:
        self.calls.append((endpoint.id, call))
        scripts = self._scripts.get(endpoint.id, [GOOD])
        return FakeExchange(self, scripts.pop(0) if len(scripts) > 1 else scripts[0])

    @property
    def tried(self) -> list[str]:
        return [name for name, _ in self.calls]


class FakeClient:
    """The client's side; ``takes_s`` is how long it holds up each write, in order."""

    def __init__(
        self,
        takes_s: Sequence[float] = (),
        gone_after: int | None = None,
        begins: Exception | None = None,
    ) -> None:
        self.head: Head | None = None
        self.begun = 0
        self.data = b""
        self.failed: list[Fault] = []
        self.finished: list[tuple[Outcome, Explained | None]] = []
        self._takes_s = list(takes_s)
        self._gone_after = gone_after
        self._begins = begins
        self._writes = 0

    async def begin(self, head: Head) -> None:
        self.begun += 1
        self.head = head
        if self._begins is not None:
            raise self._begins

    async def write(self, data: bytes) -> None:
        self._writes += 1
        if self._gone_after is not None and self._writes > self._gone_after:
            raise Fault(Kind.CANCELLED, "gone")
        if self._takes_s:
            await asyncio.sleep(self._takes_s.pop(0))
        self.data += data

    async def fail(self, fault: Fault) -> None:
        self.failed.append(fault)

    async def finish(self, outcome: Outcome, explained: Explained | None) -> None:
        self.finished.append((outcome, explained))


class Told:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def report(self, record: Record) -> None:
        self.records.append(record)


class Spans:
    def __init__(self) -> None:
        self._numbers = count(1)

    def span_id(self) -> str:
        return f"{next(self._numbers):016x}"

    def outgoing(self, context: TraceContext, span_id: str) -> str:
        return f"00-{context.trace_id}-{span_id}-01"


@dataclass
class Ran:
    """How a run ended."""

    upstream: FakeUpstream
    client: FakeClient
    board: Board
    records: list[Record]
    raised: BaseException | None
    seconds: float
    started: float

    @property
    def record(self) -> Record:
        (record,) = self.records
        return record

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.record.outcome.attempts

    @property
    def fault(self) -> Kind | None:
        return self.record.outcome.fault

    def fails(self, endpoint: Endpoint) -> float:
        """How many failures the board holds against an endpoint."""
        (seen,) = [s for s in self.board._seen.values() if s.endpoint.id == endpoint.id]
        wall = self.board._clock.wall()
        group = next(g for g in self.board.journal._groups.values() if g.name == "fails_slow")
        return self.board.journal.read(seen.subject, group, wall)[1]


@dataclass
class Stage:
    """What a test may set before the curtain rises."""

    scripts: Mapping[EndpointId, Sequence[Script]] = field(default_factory=dict)
    fleet: Sequence[Endpoint] = (CHEAP, MIDDLE, DEAR)
    ask: Ask = field(default_factory=an_ask)
    client: FakeClient = field(default_factory=FakeClient)
    policy: Policy = DEFAULT_POLICY
    cancel_after: float | None = None
    before: Callable[[Board, LoopClock], None] = lambda _board, _clock: None
    received_ago: float = 0.0

    def play(self) -> Ran:
        return run(self._play())

    async def _play(self) -> Ran:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        clock, told = LoopClock(loop), Told()
        board = Board(self.fleet, clock)
        self.before(board, clock)
        upstream = FakeUpstream(self.scripts)
        dispatcher = _dispatcher(board, upstream, told, Spans(), clock, self.policy)
        client: Downstream = self.client
        call = Call(b"{}", {}, self.ask.stream, wants_usage=True, attempt_id="")
        context = TraceContext("ab" * 16, tracestate="vendor=1")
        started = loop.now
        received = started - self.received_ago
        task = loop.create_task(
            dispatcher.run(self.ask, call, client, context, received)
        )  # fmt: skip
        if self.cancel_after is not None:
            loop.call_later(self.cancel_after, task.cancel)
        raised: BaseException | None = None
        try:
            await task
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is told
            raised = error
        seconds = loop.now - started
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.sleep(2)
        return Ran(upstream, self.client, board, told.records, raised, seconds, started)


def _dispatcher(  # noqa: PLR0917 - the world in order
    board: BoardPort,
    upstream: UpstreamPort,
    telemetry: Telemetry,
    tracer: Tracer,
    clock: LoopClock,
    policy: Policy,
) -> Dispatcher:
    return Dispatcher(
        board=board,
        upstreams={Dialect.OPENAI: upstream},
        telemetry=telemetry,
        tracer=tracer,
        clock=clock,
        rng=Random(1),
        policies={policy.name: policy},
        default_policy=policy,
    )


def whole(ask: Ask | None = None) -> Ask:
    return (ask or an_ask())._replace(stream=False)
