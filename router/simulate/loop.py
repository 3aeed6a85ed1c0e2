"""The discrete-event loop: arrivals, attempts, retries and verdicts in virtual time.

It does what `dispatch` does around a decision and decides nothing itself: before the first
content a retryable fault moves on, within the errand's attempts; after it nothing follows. A silent
attempt may get a second beside it: the first content wins, and the other is cancelled. Every
attempt is learned at its end and not before; the verdict is the client's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from router.core.catalogue import EndpointId
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt, Outcome, Verdict
from router.simulate.arrivals import Arrivals, Talk
from router.simulate.buyer import Buyer, Errand, Hold, Send
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.trial import Trial, tried
from router.simulate.world import World


class Served(NamedTuple):
    """One request as it ended: when it arrived (s), who served, its verdict and its true cost."""

    number: int
    kind: str
    arrived: float
    ended: float
    endpoint: str
    verdict: Verdict
    cost_nano_usd: int
    attempts: int
    fault: Kind | None


class _Sent(NamedTuple):
    """An attempt under way: what will come of it, and how to run it otherwise (``tried``)."""

    trial: Trial
    run: Callable[..., Trial]

    @property
    def content_at(self) -> float:
        """When its first content comes (a whole answer: all of it)."""
        attempt = self.trial.attempt
        if attempt.streamed:
            return inf if attempt.first is None else attempt.first
        return attempt.ended if attempt.complete else inf


@dataclass(slots=True)
class _Flight:
    """One errand under way."""

    errand: Errand
    talk: Talk
    running: list[_Sent] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    tried: set[EndpointId] = field(default_factory=set)
    bill_nano_usd: int = 0
    fault: Kind | None = None


class Run:
    """One strategy through one market."""

    def __init__(
        self,
        world: World,
        arrivals: Arrivals,
        clock: VirtualClock,
        caches: Caches,
        buyer: Buyer,
    ) -> None:
        self._world, self._arrivals, self._clock = world, arrivals, clock
        self._caches, self._buyer = caches, buyer
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.served: list[Served] = []

    def play(self, passed: Callable[[float], None] = lambda _: None) -> list[Served]:
        """Let every request arrive and end; ``passed`` is told each hour of the run."""
        until = self._world.scenario.hours * 3600
        for talk in self._arrivals.talks:
            self._at(talk.begins, self._arriving(talk, 0))
        hour = 1.0
        while self._events:
            at, _, happen = heappop(self._events)
            self._clock.now = at
            while at >= hour * 3600 and hour * 3600 <= until:
                passed(hour)
                hour += 1
            happen()
        return self.served

    def _at(self, when: float, happen: Callable[[], None]) -> None:
        heappush(self._events, (when, next(self._order), happen))

    def _arriving(self, talk: Talk, turn: int) -> Callable[[], None]:
        def arrive() -> None:
            errand = self._arrivals.errand(talk, turn, self._clock.now)
            self._send(_Flight(errand, talk))

        return arrive

    def _send(self, flight: _Flight) -> None:
        errand, clock = flight.errand, self._clock
        choice = self._buyer.choose(errand, flight.tried)
        if isinstance(choice, Hold):
            self._at(clock.now + choice.seconds, lambda: self._send(flight))
            return
        if choice is None:
            flight.fault = flight.fault or Kind.UNAVAILABLE
            self._end(flight)
            return
        self._try(flight, choice)

    def _try(self, flight: _Flight, choice: Send) -> None:
        errand, now = flight.errand, self._clock.now
        site = self._world.sites[choice.endpoint]
        number = len(flight.attempts) + len(flight.running) + 1
        fate = self._world.fate(site, errand, number, now, self._caches.warm(site, errand, now))
        wall = self._clock.wall()
        run = partial(tried, site, errand, fate, number=number, now=now, wall=wall)
        trial = run(patience_s=choice.patience_s)
        sent = _Sent(trial, run)
        flight.running.append(sent)
        flight.tried.add(choice.endpoint)
        self._buyer.begun(site.endpoint, errand)
        if trial.begun or trial.attempt.complete:
            self._caches.fill(site, errand, now)
        self._at(trial.attempt.ended, lambda: self._over(flight, sent))
        if choice.rescue is not None:
            after_s, ask = choice.rescue
            if min(sent.content_at, trial.attempt.ended) > now + after_s:
                self._at(now + after_s, lambda: self._rescue(flight, sent, ask))

    def _rescue(self, flight: _Flight, silent: _Sent, ask: Callable[[], Send | None]) -> None:
        number = len(flight.attempts) + len(flight.running) + 1
        if silent not in flight.running or number > flight.errand.attempts:
            return
        choice = ask()
        if choice is None:
            return
        self._try(flight, choice._replace(rescue=None))
        first = min(flight.running, key=lambda sent: sent.content_at)
        if first.content_at < inf:
            self._at(first.content_at, lambda: self._won(flight, first))

    def _won(self, flight: _Flight, winner: _Sent) -> None:
        """Cancel whoever runs beside it."""
        if winner not in flight.running:
            return
        now, running = self._clock.now, flight.running
        flight.running = [winner]
        for sent in running:
            if sent is not winner:
                self._book(flight, sent.run(left_s=now - sent.trial.attempt.sent))

    def _book(self, flight: _Flight, trial: Trial) -> None:
        flight.attempts.append(trial.attempt)
        flight.bill_nano_usd += trial.bill_nano_usd
        self._buyer.learn(trial.attempt, flight.errand, trial.retry_after_s)

    def _over(self, flight: _Flight, sent: _Sent) -> None:
        if sent not in flight.running:
            return
        trial, errand = sent.trial, flight.errand
        if trial.begun or trial.attempt.complete:
            self._won(flight, sent)
        flight.running.remove(sent)
        self._book(flight, trial)
        flight.fault = fault = trial.attempt.fault
        if flight.running:
            return
        if (
            fault is None
            or trial.begun
            or not FAULTS[fault].retry
            or len(flight.attempts) >= errand.attempts
        ):
            self._end(flight)
        else:
            self._send(flight)

    def _end(self, flight: _Flight) -> None:
        errand, talk, now = flight.errand, flight.talk, self._clock.now
        outcome = Outcome(
            attempts=tuple(flight.attempts),
            received=errand.arrived,
            ended=now,
            fault=flight.fault,
            sla=errand.ask.sla,
        )
        self._buyer.settle(outcome, errand)
        final = outcome.final
        self.served.append(
            Served(
                errand.number,
                errand.kind,
                errand.arrived,
                now,
                "" if final is None else final.endpoint,
                outcome.verdict(),
                flight.bill_nano_usd,
                len(flight.attempts),
                flight.fault,
            )
        )
        if errand.turn + 1 < len(talk.turns):
            at = now + talk.turns[errand.turn + 1].pause_s
            if at < self._world.scenario.hours * 3600:
                self._at(at, self._arriving(talk, errand.turn + 1))
