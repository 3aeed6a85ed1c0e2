"""Who is asked first where an application says so, instead of by cost and chances alone.

Everybody who could serve gets a place in line; what comes first in it weighs most:

    misses a declared bound, falls short of what was preferred, model, order, attribute, score

So an order or an attribute rules among those who are expected to keep what was declared, and a
soft preference only ever moves to the end. Whoever is in the line may serve when those before
it cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp
from typing import Final, NamedTuple

from router.core.ask import Ask, Bound, Sort
from router.core.catalogue import Endpoint
from router.core.decision import Option, Reason
from router.core.forecast import Belief, drawn, p_keep, predictive, question
from router.core.sift import POSTERIOR_SCALE, Chance, Weighed, is_named

ASKED_FOR: Final = 0
"""The place of the model asked for, and of what no order was given for."""


class Place(NamedTuple):
    """Where an endpoint stands in line: what is smaller goes first, field by field."""

    misses: bool
    falls_short: bool
    model: int
    order: int
    sort: float
    score_usd: float

    def reason_behind(self, first: Place) -> Reason | None:
        """Say why it is not before ``first``; ``None`` where that is by bounds or score alone."""
        if self.misses != first.misses:
            return None
        if self.falls_short != first.falls_short:
            return Reason.DEPRIORITIZED
        if (self.model, self.order) != (first.model, first.order):
            return Reason.ORDER
        return Reason.SORT if self.sort != first.sort else None


def ranked(
    ask: Ask, fit: Sequence[Weighed], options: Sequence[Option], chance: Chance | None
) -> list[Option]:
    """Line up ``options`` (one for each of ``fit``); ``chance`` draws what is in doubt."""
    placed = []
    for weighed, option in zip(fit, options, strict=True):
        stats = weighed.candidate.stats
        if chance is None:
            belief = predictive(stats)
        else:
            belief = drawn(stats, POSTERIOR_SCALE, chance(), chance())
        placed.append((place(ask, weighed, option.p_keep, option.score_usd, belief), option))
    return [option for _, option in sorted(placed, key=_by_place)]


def _by_place(placed: tuple[Place, Option]) -> Place:
    return placed[0]


def place(ask: Ask, weighed: Weighed, keeps: float, score_usd: float, belief: Belief) -> Place:
    """Tell where an endpoint stands; ``keeps`` is its chance of keeping every declared bound."""
    wishes, endpoint = ask.preferences, weighed.candidate.endpoint
    return Place(
        misses=keeps < ask.sla.percentile,
        falls_short=any(chance < b.percentile for b, chance in liked(ask, weighed, belief)),
        model=ASKED_FOR if wishes.across_models else _model(ask, endpoint),
        order=_first(is_named(endpoint, (name,)) for name in wishes.order),
        sort=_attribute(ask, weighed, belief),
        score_usd=score_usd,
    )


def liked(ask: Ask, weighed: Weighed, belief: Belief) -> list[tuple[Bound, float]]:
    """Return the chance of each soft bound, failures left out: they have no wait and no speed."""
    stats, lengths = weighed.candidate.stats._replace(p_fail=0.0), weighed.candidate.lengths
    thousands, spread = weighed.read_k, weighed.candidate.spread
    return [
        (b, p_keep(question((b,), None), thousands, 0.0, 0.0, stats, lengths, spread, belief))
        for b in ask.preferences.preferred
    ]


def _model(ask: Ask, endpoint: Endpoint) -> int:
    return _first(name in endpoint.serves for name in (ask.model, *ask.preferences.models))


def _first(held: Iterable[bool]) -> int:
    """Count what comes before the first that holds; everything where none does."""
    count = 0
    for holds in held:
        if holds:
            break
        count += 1
    return count


def _attribute(ask: Ask, weighed: Weighed, belief: Belief) -> float:
    match ask.preferences.sort:
        case Sort.THROUGHPUT:
            return -exp(belief.speed)
        case Sort.LATENCY:
            return exp(weighed.candidate.stats.log_line(weighed.read_k) + belief.level)
        case Sort.PRICE | None:
            return 0.0
