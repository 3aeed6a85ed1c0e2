"""Were the forecasts true? What was said of an attempt when it was sent, beside what came.

Calibration is that of what was *chosen*: choosing favours whom one is wrong about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import sqrt
from typing import Final, NamedTuple

LEVELS: Final = (0.5, 0.9, 0.95)
"""Percentiles that forecasts are asked for."""
QUANTITIES: Final = ("ttft", "e2e", "speed", "tokens")
"""Seconds, seconds, tokens per second and tokens; of speed, the share that is faster."""


class Noted(NamedTuple):
    """One forecast of a quantity at the levels, and the fact; ``mean`` forecasts (cost) have no
    levels and one value.
    """

    quantity: str
    endpoint: str
    kind: str
    sent: float
    said: tuple[float, ...]
    fact: float


class Coverage(NamedTuple):
    """Of ``samples`` facts, the share inside the forecast at ``level``, with its standard error and
    the mean pinball loss relative to the mean fact.
    """

    quantity: str
    group: str
    level: float
    samples: int
    inside: float
    error: float
    pinball: float


class MeanCost(NamedTuple):
    """Mean cost forecast and paid, in USD, with the standard error of their difference."""

    group: str
    samples: int
    said_usd: float
    paid_usd: float
    error_usd: float


def coverage(noted: Sequence[Noted], group_of: str) -> Iterator[Coverage]:
    """Pool by ``group_of`` (``endpoint`` or ``kind``)."""
    for quantity in QUANTITIES:
        for group, found in _groups((n for n in noted if n.quantity == quantity), group_of):
            for i, level in enumerate(LEVELS):
                yield _covered(quantity, group, level, [(n.said[i], n.fact) for n in found])


def mean_cost(noted: Sequence[Noted], group_of: str) -> Iterator[MeanCost]:
    """Compare mean costs, pooled the same way."""
    for group, found in _groups((n for n in noted if n.quantity == "cost"), group_of):
        gaps = [n.fact - n.said[0] for n in found]
        count = len(gaps)
        mean = sum(gaps) / count
        variance = sum((g - mean) ** 2 for g in gaps) / max(count - 1, 1)
        said = sum(n.said[0] for n in found) / count
        yield MeanCost(group, count, said, said + mean, sqrt(variance / count))


def _groups(noted: Iterable[Noted], by: str) -> list[tuple[str, list[Noted]]]:
    found: dict[str, list[Noted]] = {}
    for note in noted:
        found.setdefault(note.kind if by == "kind" else note.endpoint, []).append(note)
    return sorted(found.items())


def _covered(
    quantity: str, group: str, level: float, pairs: Sequence[tuple[float, float]]
) -> Coverage:
    # A floor is what a share ``level`` exceeds: the same as a quantile of its negative.
    sign = -1.0 if quantity == "speed" else 1.0
    count = len(pairs)
    inside = sum(sign * fact <= sign * said for said, fact in pairs) / count
    loss = sum(
        max(level * sign * (fact - said), (level - 1) * sign * (fact - said))
        for said, fact in pairs
    )
    scale = sum(fact for _, fact in pairs) or 1.0
    error = sqrt(level * (1 - level) / count)
    return Coverage(quantity, group, level, count, inside, error, loss / scale)
