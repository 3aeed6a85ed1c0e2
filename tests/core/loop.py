"""A market in virtual time: the real board and the real decision, and endpoints that are numbers.

A request arrives every ``1 / rate`` seconds, is decided on, and is observed when it would have
ended; nothing here knows how beliefs are formed. Endpoints are driven by a script: a function of
(endpoint, second) that says by how much it is slower, that it fails, or that it hangs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import exp
from random import Random
from typing import NamedTuple

from router.core.answer import Usage
from router.core.ask import Ask, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId
from router.core.decide import decide
from router.core.decision import Decision
from router.core.faults import Kind
from router.core.measure import Attempt, Outcome, Verdict
from router.store.board import Board
from tests.core.market import NOON, R1

DOWN, HANGS = float("inf"), -1.0
PATIENCE_S = 5.0
"""How long a request is left hanging."""
Script = Callable[[str, float], float]


class VirtualClock:
    def __init__(self) -> None:
        self.now = NOON

    def wall(self) -> float:
        return self.now

    def mono(self) -> float:
        return self.now

    def real_s(self, seconds: float) -> float:
        return seconds


class Served(NamedTuple):
    """One request: the second it arrived in, whom it was sent to first, and how it ended.

    Whoever fails is followed by the next one, within the same request.
    """

    at: float
    by: str
    kept: bool
    ttft_s: float
    cost_usd: float


@dataclass
class _Flight:
    """A request under way, with its attempts and the latest decision."""

    ask: Ask
    number: int
    attempts: list[Attempt] = field(default_factory=list)
    decision: Decision | None = None


@dataclass
class Market:
    """A class of requests against a fleet."""

    fleet: Sequence[Endpoint]
    sla: Sla
    rate: float = 2.0
    seed: int = 1
    noise: float = 0.2
    length_noise: float = 0.4
    script: Script = lambda _name, _at: 1.0
    prompt_tokens: int = 500
    stream: bool = True
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.board = Board(self.fleet, self.clock)
        self._rng = Random(self.seed)
        self._served: list[Served] = []
        self._ending: list[tuple[float, int, _Flight]] = []
        self._count = count()
        self._start = self.clock.now
        self._elapsed = 0.0

    def run(self, seconds: float) -> list[Served]:
        """Let ``seconds`` more pass, and tell every request of them."""
        first = len(self._served)
        until = self._elapsed + seconds
        while self._elapsed < until:
            self._end_until(self._start + self._elapsed)
            self.clock.now = self._start + self._elapsed
            self._request()
            self._elapsed += 1 / self.rate
        return self._served[first:]

    def _end_until(self, wall: float) -> None:
        while self._ending and self._ending[0][0] <= wall:
            at, _, flight = heapq.heappop(self._ending)
            self.clock.now = at
            attempt, ask = flight.attempts[-1], flight.ask
            self.board.observe(attempt, ask, None)
            if attempt.fault is not None and self._send(flight):
                continue
            outcome = Outcome(
                tuple(flight.attempts), flight.attempts[0].sent, at, attempt.fault, ask.sla
            )
            assert flight.decision is not None
            self.board.settle(outcome, flight.decision, ask)

    def _request(self) -> None:
        size = PromptSize(4 * self.prompt_tokens)
        flight = _Flight(Ask("r", R1, self.sla, size, stream=self.stream), len(self._served))
        self._served.append(Served(self._elapsed, "", False, 0.0, 0.0))
        self._send(flight)

    def _send(self, flight: _Flight) -> bool:
        """Send a request to whom the decision names, after a failure to somebody else."""
        ask, now = flight.ask, self.clock.now
        elapsed_s = now - flight.attempts[0].sent if flight.attempts else 0.0
        decision = decide(
            ask,
            self.board.candidates(ask),
            self.board.stakes(ask.kind),
            wall=now,
            chance=lambda: self._rng.gauss(0, 1),
            tried={a.endpoint for a in flight.attempts},
            elapsed_s=elapsed_s,
        )
        endpoint = decision.chosen
        if endpoint is None:
            return False
        flight.decision = decision
        self.board.begun(endpoint)
        attempt = self._attempt(endpoint)
        flight.attempts.append(attempt)
        heapq.heappush(self._ending, (attempt.ended, next(self._count), flight))
        sent = flight.attempts[0].sent
        outcome = Outcome(tuple(flight.attempts), sent, attempt.ended, attempt.fault, ask.sla)
        told = self._served[flight.number]
        self._served[flight.number] = told._replace(
            by=told.by or endpoint.id,
            kept=outcome.verdict() is not Verdict.MISSED,
            ttft_s=elapsed_s + (attempt.ttft_s or 0.0),
            cost_usd=told.cost_usd + attempt.cost_nano_usd / 1e9,
        )
        return True

    def _attempt(self, endpoint: Endpoint) -> Attempt:
        now, rng, prior = self.clock.now, self._rng, endpoint.prior
        factor = self.script(endpoint.id, self._elapsed)
        if factor == DOWN:
            return Attempt(
                endpoint.id, 1, now, now, now + 0.1, fault=Kind.SERVER_ERROR, status=503
            )  # fmt: skip
        if factor == HANGS:
            ended = now + PATIENCE_S
            return Attempt(endpoint.id, 1, now, now, ended, fault=Kind.FIRST_TOKEN_TIMEOUT)
        line = prior.ttft_ms / 1000 + prior.ttft_ms_per_1k / 1000 * self.prompt_tokens / 1000
        ttft_s = line * factor * exp(rng.gauss(0, self.noise))
        output = max(1, round(prior.answer_tokens * exp(rng.gauss(0, self.length_noise))))
        tps = prior.tps * exp(rng.gauss(0, 0.1))
        first, last = now + ttft_s, now + ttft_s + (output - 1) / tps
        usage = Usage(self.prompt_tokens, 0, 0, output - output // 2, output // 2)
        price = endpoint.price
        assert price is not None
        cost = price.nano_usd(fresh=self.prompt_tokens, cache_read=0, cache_write=0, output=output)
        shown = self.stream
        return Attempt(
            EndpointId(endpoint.id), 1, now, now, last,
            first if shown else None, first if shown else None, last if shown else None,
            shown, usage, float(output), 4 * output, round(cost), status=200,
        )  # fmt: skip


def share(served: Sequence[Served], name: str, low: float = 0.0, high: float = 1e18) -> float:
    """The share of the requests of seconds [low, high) that went to this endpoint."""
    window = [s for s in served if low <= s.at < high]
    return sum(s.by == name for s in window) / len(window)
