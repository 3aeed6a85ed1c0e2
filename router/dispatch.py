"""The life of one request: parse, recall, forecast, decide, call, relay, observe, report.

Parsing happened at the surface. Here a request becomes a *flight*: it is planned, sent, relayed
and booked. Before the first content byte any retryable fault moves on to the next best endpoint,
within one budget of attempts and time. After it nothing is ever spliced from another endpoint:
the stream ends with an error event, and what was consumed is booked. Whatever happens, every
attempt is observed once and every request reported once, also when the client hangs up. A silent
attempt may get a second beside it (`race`); until one of the two has content, none has begun.

Four limits guard an attempt, all on content and none on bytes, so that keep-alives and pings
never reset them: connect (the upstream's), first token (from the endpoint's own forecast), the
gap between content, and the total.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from router.core.answer import Piece, Usage
from router.core.ask import Ask
from router.core.books import cost_nano_usd, estimated, is_billed
from router.core.catalogue import Dialect, Endpoint, EndpointId, Price
from router.core.decision import Decision, Explained
from router.core.faults import Fault, Kind
from router.core.measure import Attempt, Outcome
from router.core.meter import Meter, Stage
from router.core.numbers import deviates
from router.core.patience import first_content_s
from router.core.policy import Policy
from router.core.refusal import refusal
from router.planner import Planner, look_again_s
from router.ports import (
    Board,
    Call,
    Clock,
    Downstream,
    Head,
    Record,
    Reply,
    Telemetry,
    TraceContext,
    Tracer,
    Upstream,
)
from router.race import Race, Run

CLIENT_PAUSE_S: Final = 0.1
"""A write that takes longer puts off the endpoint's next limit."""

GAP_GRAIN: Final = 0.05
"""Content moves the gap limit on in steps of this share of it, not with every chunk: a silence is
ended never early, and at most this much late."""


@dataclass(slots=True)
class Flight:
    """One request under way: the only mutable thing in its life."""

    ask: Ask
    call: Call
    context: TraceContext
    received: float
    received_wall: float
    span_id: str
    decisions: list[Decision] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    attempt_span_ids: list[str] = field(default_factory=list)
    endpoints: dict[EndpointId, Endpoint] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    race: Race | None = None
    explained: Explained | None = None
    overhead_s: float = 0.0
    begun: bool = False
    fault: Fault | None = None
    outcome: Outcome | None = None


class _Silence:
    """The limit on the gap between content, as an ``asyncio.Timeout`` that content moves on.

    ``moves_at`` is the time (monotonic s) after which content has to move it again.
    """

    def __init__(self, timer: asyncio.Timeout, clock: Clock, gap_s: float, total: float) -> None:
        self._timer = timer
        self._clock = clock
        self._gap_s = gap_s
        self._total = total
        self._due = 0.0
        self.moves_at = -math.inf

    def broken(self, now: float) -> None:
        """Count anew: content came."""
        self.moves_at = now + self._gap_s * GAP_GRAIN
        self._end(min(now + self._gap_s * (1 + GAP_GRAIN), self._total), now)

    def excuse(self, pause_s: float, now: float) -> None:
        """Leave out the time the client took to read: it is no silence of the endpoint."""
        self._end(min(self._due + pause_s, self._total), now)

    def _end(self, due: float, now: float) -> None:
        self._due = due
        loop_s = asyncio.get_running_loop().time()
        self._timer.reschedule(loop_s + self._clock.real_s(due - now))


class Dispatcher:
    """Carries requests from ask to outcome."""

    def __init__(
        self,
        *,
        board: Board,
        upstreams: Mapping[Dialect, Upstream],
        telemetry: Telemetry,
        tracer: Tracer,
        clock: Clock,
        rng: Random,
        policies: Mapping[str, Policy],
        default_policy: Policy,
    ) -> None:
        self._board = board
        self._upstreams = upstreams
        self._telemetry = telemetry
        self._tracer = tracer
        self._clock = clock
        self._planner = Planner(board, clock, deviates(rng.getrandbits))
        self._policies = policies
        self._default_policy = default_policy

    async def run(
        self,
        ask: Ask,
        call: Call,
        downstream: Downstream,
        context: TraceContext,
        received: float,
    ) -> None:
        """Serve one request. Raises ``Fault`` if nothing was begun; ends the answer otherwise."""
        received_wall = self._clock.wall() - (self._clock.mono() - received)
        span_id = self._tracer.span_id()
        flight = Flight(ask, call, context, received, received_wall, span_id)
        try:
            await self._serve(flight, downstream)
        except Fault as fault:
            flight.fault = fault
            if not flight.begun:
                raise
            if fault.kind is not Kind.CANCELLED:
                await downstream.fail(fault)
        except asyncio.CancelledError:
            flight.fault = Fault(Kind.CANCELLED, "The client closed the connection.")
            raise
        except Exception:
            flight.fault = Fault(Kind.INTERNAL, "An internal error ended the request.")
            raise
        finally:
            self._settle(flight)

    def explain(self, ask: Ask) -> Explained:
        """Decide as ``run`` would on average, tell it in full, and send nothing."""
        return self._planner.explain(ask)

    async def _serve(self, flight: Flight, downstream: Downstream) -> None:
        policy = self._policy(flight.ask)
        told: Fault | None = None
        while True:
            try:
                decision = await self._plan(flight, policy)
            except Fault as refused:
                # Nobody is left to try: the client learns what the last one said.
                raise (told or refused) from None
            try:
                await self._try(flight, policy, decision, downstream)
            except Fault as fault:
                # Who could not answer may be the one that has what this one has not.
                told = told if told is not None and fault.kind is Kind.ANOTHERS else fault
                if flight.begun or not fault.spec.retry or len(flight.attempts) >= policy.attempts:
                    raise told from fault.__cause__
            else:
                return

    async def _plan(self, flight: Flight, policy: Policy) -> Decision:
        """Decide, or hold the request until somebody can serve it. Raises the refusal."""
        ask, clock, planner = flight.ask, self._clock, self._planner
        while True:
            decision = planner.plan(ask, flight.tried, clock.mono() - flight.received)
            if decision.plan:
                break
            explained = planner.explain(ask, decision)
            again_s = look_again_s(ask, policy, explained, clock.mono() - flight.received)
            if again_s is None:
                flight.decisions.append(decision)
                raise refusal(ask, explained)
            await asyncio.sleep(clock.real_s(again_s))
        flight.decisions.append(decision)
        if ask.explain:
            flight.explained = planner.explain(ask, decision)
        return decision

    async def _try(
        self, flight: Flight, policy: Policy, decision: Decision, downstream: Downstream
    ) -> None:
        """Send to the head of the plan, and perhaps to a second where it stays silent."""
        sent, after_s = self._clock.mono(), None
        first = decision.plan[0].endpoint
        limit_s = first_content_s(flight.ask, first, decision.forecast)
        if len(flight.attempts) + 1 < policy.attempts:
            elapsed_s = sent - flight.received
            after_s = self._planner.rescue_after_s(
                flight.ask, policy, decision, elapsed_s, flight.tried
            )
        attempt = self._attempt(flight, decision, downstream, limit_s=limit_s)
        if after_s is None or after_s >= limit_s:  # By then it is given up.
            await attempt
            return
        flight.race = Race(lambda: self._second(flight, first, sent, downstream))
        try:
            await flight.race.run(attempt, self._clock.real_s(after_s))
        finally:
            flight.race = None  # It knows the flight: both would wait for the garbage collector.

    def _second(
        self, flight: Flight, first: Endpoint, sent: float, downstream: Downstream
    ) -> Run | None:
        now = self._clock.mono()
        decision = self._planner.rescue(
            flight.ask,
            first,
            waited_s=now - sent,
            elapsed_s=now - flight.received,
            tried=flight.tried,
            spent_usd=sum([a.cost_nano_usd for a in flight.attempts]) / 1e9,
        )
        if decision is None:
            return None
        flight.decisions.append(decision)
        limit_s = first_content_s(flight.ask, decision.plan[0].endpoint, decision.forecast)
        return self._attempt(flight, decision, downstream, limit_s=limit_s)

    def _policy(self, ask: Ask) -> Policy:
        policy, wishes = self._policies.get(ask.sla.policy, self._default_policy), ask.preferences
        if wishes.fallbacks or wishes.order:
            return policy
        return replace(policy, attempts=1)

    async def _attempt(
        self, flight: Flight, decision: Decision, downstream: Downstream, *, limit_s: float
    ) -> None:
        """Send to the head of the plan and relay what comes; book it however it ends.

        ``limit_s`` is how long it may take to its first content.
        """
        clock, endpoint = self._clock, decision.plan[0].endpoint
        span_id = self._tracer.span_id()
        number = len(flight.tried) + 1
        received, context = flight.call, flight.context
        call = Call(
            received.body,
            received.headers,
            received.stream,
            received.wants_usage,
            f"{flight.ask.id}-{number}",
            self._tracer.outgoing(context, span_id),
            context.tracestate,
            received.surface,
        )
        flight.fault = None
        flight.tried.add(endpoint.id)
        flight.endpoints[endpoint.id] = endpoint
        meter = Meter(
            endpoint, _pinned(endpoint, clock.wall()), clock.mono(), clock.wall(), number, span_id
        )
        if number == 1:
            flight.overhead_s = meter.sent - flight.received
        self._board.begun(endpoint)
        kind: Kind | None = Kind.INTERNAL
        retry_after_s: float | None = None
        try:
            await self._exchange(flight, call, decision, meter, downstream, limit_s=limit_s)
            kind = None
        except Fault as fault:
            kind, retry_after_s = fault.kind, fault.retry_after_s
            if fault.upstream is not None and meter.status is None:
                meter.status = fault.upstream.status
            raise
        except asyncio.CancelledError:
            outrun = flight.race is not None and flight.race.is_lost
            kind = Kind.OUTRUN if outrun else Kind.CANCELLED
            raise
        finally:
            # A whole answer was booked when it was complete, before the client got it.
            if meter.stage is not Stage.BOOKED:
                self._book(flight, meter, kind, retry_after_s)

    async def _exchange(
        self,
        flight: Flight,
        call: Call,
        decision: Decision,
        meter: Meter,
        downstream: Downstream,
        *,
        limit_s: float,
    ) -> None:
        clock, endpoint = self._clock, meter.endpoint
        total = meter.sent + endpoint.limits.total_s
        first = min(meter.sent + limit_s, total)
        exchange = self._upstreams[endpoint.dialect].call(endpoint, call)
        loop = asyncio.get_running_loop()
        try:
            async with (
                asyncio.timeout_at(loop.time() + clock.real_s(first - meter.sent)) as timer,
                exchange as reply,
            ):
                meter.status, meter.upstream_id = reply.status, reply.upstream_id
                meter.headed = clock.mono()
                if flight.ask.stream:
                    await self._stream(
                        flight, decision, meter, reply, downstream, timer=timer, total=total
                    )
                    return
                try:
                    piece = await reply.whole()
                finally:
                    meter.length = reply.length
        except TimeoutError:
            raise meter.overdue(total_reached=clock.mono() >= total) from None
        finally:
            meter.left = exchange.sent
        await self._give(flight, decision, meter, reply, piece, downstream)

    async def _stream(
        self,
        flight: Flight,
        decision: Decision,
        meter: Meter,
        reply: Reply,
        downstream: Downstream,
        *,
        timer: asyncio.Timeout,
        total: float,
    ) -> None:
        """Relay pieces as they come; hold what precedes the first content."""
        mono, write = self._clock.mono, downstream.write
        writing, streaming = Stage.WRITING, Stage.STREAMING
        silence = _Silence(timer, self._clock, meter.endpoint.limits.gap_s, total)
        held: list[bytes] = []
        async with aclosing(reply.pieces()) as pieces:
            async for piece in pieces:
                now = mono()
                meter.note(piece, now)
                if piece.error is not None:
                    raise Fault(Kind.BROKEN, _broke_off(meter.endpoint, "reported an error"))
                if meter.first is None:
                    held.append(piece.data)
                    continue
                meter.stage = writing
                if piece.content and now > silence.moves_at:
                    silence.broken(now)
                if not flight.begun:
                    await self._begin(flight, decision, reply, downstream)
                    await write(b"".join(held))
                if piece.data:
                    await write(piece.data)
                meter.stage = streaming
                after = mono()
                if after - now > CLIENT_PAUSE_S:
                    silence.excuse(after - now, after)
        if not flight.begun:
            if meter.is_empty:
                raise Fault(Kind.EMPTY, f"{meter.endpoint.id} answered with nothing.")
            await self._begin(flight, decision, reply, downstream)
            await downstream.write(b"".join(held))
        self._book(flight, meter, None, None)
        timer.reschedule(None)
        await downstream.finish(self._outcome(flight), flight.explained)

    async def _give(  # noqa: PLR0917 - the parts of one answer
        self,
        flight: Flight,
        decision: Decision,
        meter: Meter,
        reply: Reply,
        piece: Piece,
        downstream: Downstream,
    ) -> None:
        """Book a whole answer, and give it to the client with what was measured."""
        meter.note(piece, self._clock.mono())
        if not piece.content and meter.is_empty:
            raise Fault(Kind.EMPTY, f"{meter.endpoint.id} answered with nothing.")
        if flight.race is not None:
            await flight.race.claim()
        self._book(flight, meter, None, None)
        outcome = self._outcome(flight)
        flight.begun = True
        await downstream.begin(_head(flight, decision, reply, outcome))
        await downstream.write(piece.data)
        await downstream.finish(outcome, flight.explained)

    async def _begin(
        self, flight: Flight, decision: Decision, reply: Reply, downstream: Downstream
    ) -> None:
        if flight.race is not None:
            await flight.race.claim()
        flight.begun = True
        await downstream.begin(_head(flight, decision, reply, None))

    def _book(
        self, flight: Flight, meter: Meter, kind: Kind | None, retry_after_s: float | None
    ) -> None:
        """Finish an attempt: once, whatever ended it."""
        meter.stage = Stage.BOOKED
        ended = self._clock.mono()
        streamed = flight.ask.stream
        usage = meter.usage
        if usage is None and is_billed(kind, meter.status, sent=meter.left):
            usage = self._estimate(flight.ask, meter, kind, ended)
        visible = 0.0
        if usage is not None:
            # Reasoning counts as visible only where it was streamed or the answer came whole.
            shown = usage.output if meter.reasoning_chars or not usage.reasoning else usage.text
            visible = float(shown)
        attempt = Attempt(
            meter.endpoint.id,
            meter.number,
            meter.sent_wall,
            meter.sent,
            ended,
            meter.first if streamed else None,
            meter.first_answer if streamed else None,
            meter.last if streamed else None,
            streamed,
            usage,
            visible,
            meter.chars,
            cost_nano_usd(usage, meter.price, flight.ask.tier),
            kind,
            meter.status,
            meter.finish,
            meter.upstream_id,
            None if streamed else meter.length,
        )
        flight.attempts.append(attempt)
        flight.attempt_span_ids.append(meter.span_id)
        self._board.observe(attempt, flight.ask, retry_after_s)

    def _estimate(self, ask: Ask, meter: Meter, kind: Kind | None, ended: float) -> Usage | None:
        """Count what nobody reported.

        Noise is no model's work. Who is long overdue is taken to be hanging, not thinking, at least
        since its headers came; who speaks has done all thinking that is not shown. The headers of a
        whole answer are sent when it is made, and they tell its size.
        """
        if kind is Kind.GARBAGE and not meter.chars:
            return None
        rates = self._board.rates(meter.endpoint)
        seen = rates.visible_tokens(meter.chars)
        thought = rates.visible_tokens(meter.reasoning_chars)
        worked_until, done, tps = ended, False, None
        if not ask.stream and meter.headed is not None:
            worked_until, done = meter.headed, meter.length is not None
            if meter.length is not None and not meter.chars:
                seen = rates.document_tokens(meter.length)
        elif ask.stream and meter.first is not None:
            worked_until, tps = meter.first, meter.pace(seen)
        elif kind is Kind.FIRST_TOKEN_TIMEOUT:
            worked_until = meter.sent if meter.headed is None else meter.headed
        unseen = self._board.unseen_tokens(
            meter.endpoint,
            ask,
            worked_until - meter.sent,
            done=done,
            shown=0.0 if ask.stream else seen,
            tps=tps,
        )
        return estimated(
            input_tokens=rates.prompt_tokens(ask.prompt),
            text=seen - thought,
            reasoning=thought + unseen,
        )

    def _outcome(self, flight: Flight) -> Outcome:
        """Judge the request as it stands."""
        fault = flight.fault
        flight.outcome = Outcome(
            tuple(flight.attempts),
            flight.received,
            self._clock.mono(),
            None if fault is None else fault.kind,
            flight.ask.sla,
        )
        return flight.outcome

    def _settle(self, flight: Flight) -> None:
        """Book the request for its class, and tell it."""
        outcome = flight.outcome
        if outcome is None or flight.fault is not None:
            outcome = self._outcome(flight)
        if flight.decisions:
            self._board.settle(outcome, flight.decisions[-1], flight.ask)
        self._telemetry.report(
            Record(
                flight.ask,
                outcome,
                tuple(flight.decisions),
                flight.received_wall,
                flight.overhead_s,
                flight.context,
                flight.span_id,
                tuple(flight.attempt_span_ids),
                flight.endpoints,
                flight.fault,
                flight.explained,
            )
        )


def _head(flight: Flight, decision: Decision, reply: Reply, outcome: Outcome | None) -> Head:
    return Head(
        flight.ask,
        decision,
        decision.plan[0].endpoint,
        len(flight.tried),
        flight.overhead_s,
        reply.headers,
        outcome,
        flight.explained,
    )


def _broke_off(endpoint: Endpoint, how: str) -> str:
    return f"{endpoint.id} {how} inside its answer."


def _pinned(endpoint: Endpoint, wall: float) -> Price:
    """Return the price in force now; free of charge where none is known (never chosen then)."""
    return (endpoint.price or Price(0.0, 0.0)).at(wall)
