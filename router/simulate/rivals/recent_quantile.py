"""The cheapest whose recent quantile fits: what a careful team writes for itself in an afternoon.

Per endpoint the last 50 observations of at most half an hour: waits and speed of everybody's
requests; whole time, tokens and cost by class. An endpoint fits where each bound was kept
by at least its percentile; with fewer than five observations it is believed to, which is how it
is tried, and tried again half an hour after it was given up. A failure is an observation that
breaks every bound. Among those that fit the lowest expected cost, of the whole prompt and the mean
answer seen there; where none fits, whoever comes nearest. After a failure, the next. No source: it
stands for many.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf
from typing import Final

from router.core.ask import BoundKind
from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt, Outcome
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.rivals.seen import Seen

LAST: Final = 50
WINDOW_S: Final = 1800.0
KNOWN_FROM: Final = 5
FIRST_GUESS_TOKENS: Final = 600.0
OF_THE_ENDPOINT: Final = frozenset({BoundKind.TTFT, BoundKind.TTFAT, BoundKind.TPS})


class RecentQuantile:
    """``Buyer`` by the quantile of what was seen last."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Clock) -> None:
        self._endpoints, self._clock = endpoints, clock
        self._seen: dict[tuple[EndpointId, BoundKind, str], Seen] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        able = [
            e
            for e in self._endpoints
            if errand.ask.model in e.serves
            and errand.prompt_tokens <= e.context
            and e.id not in tried
        ]
        if not able:
            return None
        lacks = {e.id: self._lacking(e, errand) for e in able}
        least = min(lacks.values())
        fitting = [e for e in able if lacks[e.id] <= least]
        return Send(min(fitting, key=lambda e: self._cost(e, errand)).id)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """Nothing is kept of what is under way."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        del retry_after_s
        fault = attempt.fault
        if fault is not None and not FAULTS[fault].blames and fault is not Kind.RATE_LIMITED:
            return
        # As if it had been sent at once: the wait before it is not the endpoint's.
        sla = errand.ask.sla
        alone = Outcome((attempt,), attempt.sent, attempt.ended, fault, sla)
        if fault is None:
            found = alone.facts()
        else:
            found = {b.kind: 0.0 if b.kind.is_floor else inf for b in sla.bounds}
        for kind, fact in found.items():
            self._of(attempt.endpoint, kind, errand).add(fact, self._clock.mono())

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """The end of an attempt said it all."""

    def _of(self, endpoint: EndpointId, kind: BoundKind, errand: Errand) -> Seen:
        of_class = "" if kind in OF_THE_ENDPOINT else errand.kind
        return self._seen.setdefault((endpoint, kind, of_class), Seen(WINDOW_S, LAST))

    def _lacking(self, endpoint: Endpoint, errand: Errand) -> float:
        """Return by how much the worst bound falls short of its percentile; 0 is a fit."""
        worst = 0.0
        for bound in errand.ask.sla.bounds:
            seen = self._of(endpoint.id, bound.kind, errand).values(self._clock.mono())
            if len(seen) >= KNOWN_FROM:
                share = sum(map(bound.kept_by, seen)) / len(seen)
                worst = max(worst, bound.percentile - share)
        return worst

    def _cost(self, endpoint: Endpoint, errand: Errand) -> float:
        if endpoint.price is None:
            return inf
        seen = self._of(endpoint.id, BoundKind.ANSWER_TOKENS, errand)
        tokens = [n for n in seen.values(self._clock.mono()) if n < inf]
        bound = errand.ask.sla.bound(BoundKind.ANSWER_TOKENS)
        guess = FIRST_GUESS_TOKENS if bound is None else bound.limit
        return endpoint.price.at(self._clock.wall()).nano_usd(
            fresh=errand.prompt_tokens,
            cache_read=0,
            cache_write=0,
            output=sum(tokens) / len(tokens) if tokens else guess,
        )
