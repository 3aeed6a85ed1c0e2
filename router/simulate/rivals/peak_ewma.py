"""Finagle's balancer for latency: peak-EWMA, the lesser load of two drawn by lot.

Source: twitter/finagle, ``loadbalancer/PeakEwma.scala`` (a decaying mean of latency that a higher
sample replaces at once; load is that mean times one more than what is pending; an endpoint that
was never measured counts as idle for its first request and as overloaded after it), and
``P2CPick``. Beside it, Finagle's failure accrual: five failures in a row take an endpoint out for
5 s, doubling to 300 s (there with jitter). Latency is the wait for the first content of a stream,
the whole answer otherwise. Price is not among its inputs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import exp
from random import Random
from typing import Final

from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt, Outcome
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send

DECAY_S: Final = 10.0
"""Finagle's default ``decayTime``."""
UNKNOWN_LOAD: Final = 1e9
"""Far above any load in seconds."""
ACCRUED: Final = 5
OUT_FIRST_S: Final = 5.0
OUT_MOST_S: Final = 300.0


class _Node:
    """One endpoint as the balancer knows it. Times in seconds."""

    def __init__(self) -> None:
        self.latency_s = self.stamp = 0.0
        self.pending = self.failures = self.outs = 0
        self.back = 0.0

    def observe(self, latency_s: float, now: float) -> None:
        kept = exp(-max(0.0, now - self.stamp) / DECAY_S)
        peak = latency_s > self.latency_s
        self.latency_s = latency_s if peak else self.latency_s * kept + latency_s * (1 - kept)
        self.stamp = now

    def load(self, now: float) -> float:
        """Return the load with one more; reading is an observation of 0, as in Finagle."""
        self.observe(0.0, now)
        if self.latency_s == 0 and self.pending:
            return UNKNOWN_LOAD + self.pending
        return self.latency_s * (self.pending + 1)

    def accrue(self, *, failed: bool, now: float) -> None:
        self.failures = self.failures + 1 if failed else 0
        if not failed:
            self.outs = 0
        elif self.failures >= ACCRUED:
            self.back = now + min(OUT_MOST_S, OUT_FIRST_S * 2**self.outs)
            self.outs, self.failures = min(self.outs + 1, 10), 0


class PeakEwma:
    """``Buyer`` by power of two choices."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Clock, rng: Random) -> None:
        self._endpoints, self._clock, self._rng = endpoints, clock, rng
        self._nodes: dict[EndpointId, _Node] = {e.id: _Node() for e in endpoints}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        del tried
        now = self._clock.mono()
        able = [
            e.id
            for e in self._endpoints
            if errand.ask.model in e.serves and errand.prompt_tokens <= e.context
        ]
        if not able:
            return None
        among = [i for i in able if self._nodes[i].back <= now] or able
        two = self._rng.sample(among, min(2, len(among)))
        return Send(min(two, key=lambda i: self._nodes[i].load(now)))

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        del errand
        self._nodes[endpoint.id].pending += 1

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        del errand, retry_after_s
        node, now = self._nodes[attempt.endpoint], self._clock.mono()
        node.pending -= 1
        node.observe(attempt.e2e_s if attempt.ttft_s is None else attempt.ttft_s, now)
        fault = attempt.fault
        failed = fault is not None and (FAULTS[fault].blames or fault is Kind.RATE_LIMITED)
        node.accrue(failed=failed, now=now)

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """The end of an attempt said it all."""
