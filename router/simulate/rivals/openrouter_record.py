"""What OpenRouter measures of a provider: outages of 30 s, latency and throughput of 5 minutes.

Sources: openrouter.ai/docs, "Provider Routing" (rolling window of five minutes; percentiles p50,
p75, p90, p99; "significant outages in the last 30 seconds"). How many failures are an outage is not
published: here, more than half of the attempts that ended in those 30 s. Latency is the time to the
first token. The real one sees everybody's traffic, this one only the scenario's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.core.faults import FAULTS, Kind, Whose
from router.core.measure import Attempt
from router.simulate.rivals.seen import Seen, quantile

OUTAGE_WINDOW_S: Final = 30.0
OUTAGE_SHARE: Final = 0.5
MEASURED_S: Final = 300.0


class Record:
    """One provider."""

    def __init__(self) -> None:
        self._failed = Seen(OUTAGE_WINDOW_S)
        self._latency = Seen(MEASURED_S)
        self._throughput = Seen(MEASURED_S)

    def note(self, attempt: Attempt, now: float) -> None:
        fault = attempt.fault
        if fault is Kind.CANCELLED or (fault is not None and FAULTS[fault].whose is Whose.CLIENT):
            return
        self._failed.add(float(fault is not None), now)
        if attempt.ttft_s is not None:
            self._latency.add(attempt.ttft_s, now)
        if attempt.tps is not None:
            self._throughput.add(attempt.tps, now)

    def out(self, now: float) -> bool:
        """Whether it is in an outage."""
        failed = self._failed.values(now)
        return bool(failed) and sum(failed) > OUTAGE_SHARE * len(failed)

    def latency(self, p: float, now: float) -> float:
        """Seconds that a share ``p`` stayed within; 0 where nothing was measured."""
        values = self._latency.values(now)
        return quantile(values, p) if values else 0.0

    def throughput(self, p: float, now: float) -> float:
        """Tokens per second that a share ``p`` reached; infinite where nothing was measured."""
        values = self._throughput.values(now)
        return -quantile([-v for v in values], p) if values else float("inf")

    def meets(
        self, latency: Mapping[float, float], throughput: Mapping[float, float], now: float
    ) -> bool:
        """Whether every threshold, by percentile, holds; what was not measured holds."""
        return all(self.latency(p, now) <= most for p, most in latency.items()) and all(
            self.throughput(p, now) >= least for p, least in throughput.items()
        )
