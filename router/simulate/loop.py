"""The discrete-event loop: arrivals, attempts, retries and verdicts in virtual time.

It does what `dispatch` does around a decision and decides nothing itself: before the first
content a retryable fault moves on, within the errand's attempts; after it nothing follows. Every
attempt is learned at its end and not before; the verdict is the client's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from router.core.catalogue import EndpointId
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt, Outcome, Verdict
from router.simulate.arrivals import Arrivals, Talk
from router.simulate.buyer import Buyer, Errand, Hold
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


@dataclass(slots=True)
class _Flight:
    """One errand under way."""

    errand: Errand
    talk: Talk
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
        site, now = self._world.sites[choice.endpoint], clock.now
        number = len(flight.attempts) + 1
        warm = self._caches.warm(site, errand, now)
        trial = tried(
            site,
            errand,
            self._world.fate(site, errand, number, now, warm),
            number=number,
            now=now,
            wall=clock.wall(),
            patience_s=choice.patience_s,
        )
        flight.tried.add(choice.endpoint)
        self._buyer.begun(site.endpoint, errand)
        if trial.begun or trial.attempt.complete:
            self._caches.fill(site, errand, now)
        self._at(trial.attempt.ended, lambda: self._over(flight, trial))

    def _over(self, flight: _Flight, trial: Trial) -> None:
        attempt, errand = trial.attempt, flight.errand
        flight.attempts.append(attempt)
        flight.bill_nano_usd += trial.bill_nano_usd
        flight.fault = attempt.fault
        self._buyer.learn(attempt, errand, trial.retry_after_s)
        fault = attempt.fault
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
