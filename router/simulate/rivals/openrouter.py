"""OpenRouter's documented rules.

Sources: openrouter.ai/docs, "Provider Routing" as of 2025 (the default of 2026 weighs effective
price, speed, waits and reliability by a formula that is not published) and "Prompt Caching":

- default: providers without a significant outage in the last 30 s first; of those one by lot,
  weighted by the inverse square of price; the others are the fallbacks, by price, those in an
  outage last. Every provider is tried once;
- ``sort`` (``:floor`` is price, ``:nitro`` throughput): no lot, the order of that attribute;
- ``preferred_max_latency`` (s) and ``preferred_min_throughput`` (tokens/s) at p50, p75, p90 or
  p99: who does not meet them moves to the end. Set from the request's own bounds. There is no p95
  and no threshold for a whole answer's time, its tokens or its cost;
- sticky: a conversation stays for ten idle minutes with the provider that served it, where cache
  reads are cheaper than input and the provider is available;
- who cannot hold the prompt is no candidate.

Every endpoint that serves the model asked for counts as one of its providers (``models`` with
``partition: none``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Final

from router.core.ask import BoundKind
from router.core.catalogue import Endpoint, EndpointId
from router.core.measure import Attempt, Outcome
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.rivals.list_price import blended
from router.simulate.rivals.openrouter_record import Record

STICKY_S: Final = 600.0
MEDIAN: Final = 0.5


class Sort(StrEnum):
    """What ``provider.sort`` may say."""

    PRICE = "price"
    LATENCY = "latency"
    THROUGHPUT = "throughput"


class OpenRouter:
    """``Buyer`` by those rules.

    ``sort`` switches the lot off; ``preferred`` is the percentile at which the request's bounds
    on TTFT and speed become thresholds, ``None`` sets none.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        clock: Clock,
        rng: Random,
        *,
        sort: Sort | None = None,
        preferred: float | None = None,
    ) -> None:
        self._endpoints, self._clock, self._rng = endpoints, clock, rng
        self._sort, self._preferred = sort, preferred
        self._records: Mapping[EndpointId, Record] = defaultdict(Record)
        self._sticky: dict[int, tuple[EndpointId, float]] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        now = self._clock.mono()
        left = [
            e
            for e in self._endpoints
            if errand.ask.model in e.serves
            and e.id not in tried
            and errand.prompt_tokens + (errand.ask.max_tokens or 0) <= e.context
        ]
        if not left:
            return None
        home = self._home(errand, now)
        if any(e.id == home for e in left) and not self._records[home].out(now):
            return Send(home)
        latency, throughput = self._thresholds(errand)

        def class_of(endpoint: Endpoint) -> tuple[bool, bool]:
            record = self._records[endpoint.id]
            return record.out(now), not record.meets(latency, throughput, now)

        best = min(map(class_of, left))
        first = [e for e in left if class_of(e) == best]
        if self._sort is None and not tried:
            return Send(self._lot(first).id)
        return Send(min(first, key=lambda e: self._rank(e, now)).id)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """Nothing is known to be kept of what is under way."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        del retry_after_s
        now = self._clock.mono()
        self._records[attempt.endpoint].note(attempt, now)
        if attempt.complete and errand.conversation is not None:
            self._sticky[errand.conversation] = (attempt.endpoint, now)

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """The end of an attempt said it all."""

    def _home(self, errand: Errand, now: float) -> EndpointId:
        """Return who holds the conversation, or an empty name."""
        if errand.conversation not in self._sticky:
            return EndpointId("")
        home, at = self._sticky[errand.conversation]
        price = next(e.price for e in self._endpoints if e.id == home)
        cheaper = (
            price is not None
            and price.cached_input is not None
            and price.cached_input < price.input
        )
        return home if cheaper and now - at <= STICKY_S else EndpointId("")

    def _thresholds(self, errand: Errand) -> tuple[Mapping[float, float], Mapping[float, float]]:
        p, sla = self._preferred, errand.ask.sla
        if p is None:
            return {}, {}
        ttft, speed = sla.bound(BoundKind.TTFT), sla.bound(BoundKind.TPS)
        return (
            {} if ttft is None else {p: ttft.limit / 1000},
            {} if speed is None else {p: speed.limit},
        )

    def _lot(self, among: Sequence[Endpoint]) -> Endpoint:
        prices = [blended(e, self._clock.wall()) for e in among]
        if 0 in prices or min(prices) == float("inf"):
            return among[prices.index(min(prices))]
        return self._rng.choices(among, [price**-2 for price in prices])[0]

    def _rank(self, endpoint: Endpoint, now: float) -> float:
        if self._sort is Sort.LATENCY:
            return self._records[endpoint.id].latency(MEDIAN, now)
        if self._sort is Sort.THROUGHPUT:
            return -self._records[endpoint.id].throughput(MEDIAN, now)
        return blended(endpoint, self._clock.wall())
