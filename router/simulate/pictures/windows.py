"""What came of a play, window by window of its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from router.core.measure import Verdict
from router.simulate.loop import Served

MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 360)
MOST_WINDOWS: Final = 50


@dataclass(frozen=True, slots=True)
class Windows:
    """``shares`` of requests by endpoint (at most 1 in sum: some are served by nobody) and
    ``attainment`` (nan where nothing was judged), each a number a window of ``seconds``.
    """

    seconds: float
    shares: Mapping[str, Sequence[float]]
    attainment: Sequence[float]


def windows(served: Sequence[Served], hours: float) -> Windows:
    """Divide a run by the arrival of its requests; the endpoint that carried most comes first."""
    fitting = (m for m in MINUTES if hours * 60 / m <= MOST_WINDOWS)
    seconds = 60.0 * next(fitting, MINUTES[-1])
    count = max(1, -int(-hours * 3600 // seconds))
    groups: list[list[Served]] = [[] for _ in range(count)]
    for one in served:
        groups[min(int(one.arrived / seconds), count - 1)].append(one)
    carried = Counter(one.endpoint for one in served if one.endpoint)
    tallies = [Counter(one.endpoint for one in group) for group in groups]
    return Windows(
        seconds,
        {
            endpoint: [t[endpoint] / max(t.total(), 1) for t in tallies]
            for endpoint, _ in sorted(carried.items(), key=lambda c: (-c[1], c[0]))
        },
        [_attainment(group) for group in groups],
    )


def _attainment(served: Sequence[Served]) -> float:
    judged = [s for s in served if s.verdict in (Verdict.KEPT, Verdict.MISSED)]
    return sum(s.verdict is Verdict.KEPT for s in judged) / len(judged) if judged else nan
