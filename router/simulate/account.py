"""The books of a comparison: attainment, cost per answer, and both against the oracles.

Attainment is pooled over seeds and counted after the warm-up. A class is honoured unless its
attainment lies below the declared percentile by more than chance explains (one-sided 99 %,
binomial). A class is out of reach where even the oracle of true distributions, told to miss as
little as it can, does not honour it: no endpoint gives what it asks, and it is excused.

Two strategies that attain differently are compared at *equal attainment*: that oracle is played at
several aims, and its cost is read off this frontier where ours stands. A class is over-served if it
attains clearly more than was promised, and the frontier shows that less would have been cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan, sqrt
from statistics import fmean, stdev
from typing import Final

from router.core.measure import Verdict
from router.core.numbers import normal_quantile
from router.simulate.loop import Served
from router.simulate.play import Played
from router.simulate.scenario import Scenario
from router.simulate.strategies import CLAIRVOYANT, FRONTIER, INFORMED, SUREST

CONFIDENCE: Final = 0.99
LAST_HOURS: Final = 2.0
"""A class that is locked in shows in what it attains at the end."""
OVER_PP: Final = 1.5
"""Percentage points above the percentile that are not called too much."""
CHEAPER: Final = 0.99
"""Share of the cost below which less attainment is called cheaper."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of one class under one strategy."""

    requests: int = 0
    judged: int = 0
    kept: int = 0
    cost_usd: float = 0.0

    @property
    def attainment(self) -> float:
        """Share of the judged requests that kept every bound; nan if none was judged."""
        return self.kept / self.judged if self.judged else nan

    @property
    def cost_per_answer_usd(self) -> float:
        return self.cost_usd / self.requests if self.requests else nan

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.requests + other.requests,
            self.judged + other.judged,
            self.kept + other.kept,
            self.cost_usd + other.cost_usd,
        )


def tally(served: Iterable[Served]) -> Tally:
    requests = judged = kept = nano = 0
    for one in served:
        requests += 1
        nano += one.cost_nano_usd
        if one.verdict in (Verdict.KEPT, Verdict.MISSED):
            judged += 1
            kept += one.verdict is Verdict.KEPT
    return Tally(requests, judged, kept, nano / 1e9)


@dataclass(frozen=True, slots=True)
class ClassAccount:
    """One class under one strategy, pooled over seeds.

    ``last`` is the attainment of the last two hours, ``worst_seed`` that of the worst seed.
    ``oracle_usd`` is what the oracle of true distributions pays per answer at our attainment,
    ``promised_usd`` what it pays at the percentile; ``beyond`` says that we stand outside its
    frontier, so that its nearest end was taken. ``reachable`` is whether anybody can honour it.
    """

    name: str
    percentile: float
    tally: Tally
    last: Tally
    worst_seed: float
    oracle_usd: float
    promised_usd: float
    beyond: bool
    reachable: bool = True

    @property
    def honoured(self) -> bool:
        """Whether attainment is not significantly below the percentile."""
        return is_honoured(self.tally, self.percentile)

    @property
    def over_served(self) -> bool:
        """Whether it attains too much, and less would have been cheaper."""
        return self.over_pp > OVER_PP and self.promised_usd < CHEAPER * self.oracle_usd

    @property
    def over_pp(self) -> float:
        """Percentage points above the percentile."""
        return 100 * (self.tally.attainment - self.percentile)


def is_honoured(tally: Tally, percentile: float) -> bool:
    """Whether attainment lies no further below the percentile than chance explains."""
    if not tally.judged:
        return True
    slack = normal_quantile(CONFIDENCE) * sqrt(percentile * (1 - percentile) / tally.judged)
    return tally.attainment >= percentile - slack


@dataclass(frozen=True, slots=True)
class Account:
    """One strategy. Cost ratios are over all classes; ``spread`` is their sd over seeds."""

    strategy: str
    seeds: int
    classes: Sequence[ClassAccount]
    cost_usd: float
    to_clairvoyant: float
    to_clairvoyant_spread: float
    to_informed: float
    to_informed_spread: float

    @property
    def due(self) -> Sequence[ClassAccount]:
        """The classes that can be honoured."""
        return [c for c in self.classes if c.reachable]

    @property
    def honoured(self) -> int:
        """How many of those are."""
        return sum(c.honoured for c in self.due)


Books = dict[tuple[str, int, str], Tally]


def accounts(scenario: Scenario, plays: Sequence[Played]) -> list[Account]:
    """Judge every strategy that was played, in the order of their names in ``plays``."""
    warm_s, end_s = scenario.warm_up_hours * 3600, scenario.hours * 3600
    last_s = end_s - min(LAST_HOURS * 3600, end_s - warm_s)
    books: Books = {}
    late: Books = {}
    for play in plays:
        for name in scenario.classes:
            of_class = [s for s in play.served if s.kind == name and s.arrived >= warm_s]
            key = (play.strategy, play.seed, name)
            books[key] = tally(of_class)
            late[key] = tally(s for s in of_class if s.arrived >= last_s)
    seeds = sorted({play.seed for play in plays})
    strategies = list(dict.fromkeys(play.strategy for play in plays))
    return [_account(scenario, books, late, strategy, seeds) for strategy in strategies]


def _account(
    scenario: Scenario, books: Books, late: Books, strategy: str, seeds: Sequence[int]
) -> Account:
    classes = []
    for name, table in scenario.classes.items():
        own = _pooled(books, strategy, seeds, name)
        each = [books[strategy, seed, name].attainment for seed in seeds]
        frontier = _frontier(books, seeds, name)
        usd, beyond = at_attainment(frontier, own.attainment)
        classes.append(
            ClassAccount(
                name,
                table.sla.percentile,
                own,
                _pooled(late, strategy, seeds, name),
                min(each),
                usd,
                at_attainment(frontier, table.sla.percentile)[0],
                beyond,
                is_honoured(_pooled(books, SUREST, seeds, name), table.sla.percentile),
            )
        )
    whole = [_ratio_to(books, CLAIRVOYANT, strategy, scenario, [seed]) for seed in seeds]
    equal = [_ratio_at_equal(books, strategy, scenario, [seed]) for seed in seeds]
    return Account(
        strategy,
        len(seeds),
        classes,
        sum(c.tally.cost_usd for c in classes),
        _ratio_to(books, CLAIRVOYANT, strategy, scenario, seeds),
        _spread(whole),
        _ratio_at_equal(books, strategy, scenario, seeds),
        _spread(equal),
    )


def _pooled(books: Books, strategy: str, seeds: Sequence[int], name: str) -> Tally:
    return sum((books.get((strategy, seed, name), Tally()) for seed in seeds), Tally())


def _frontier(books: Books, seeds: Sequence[int], name: str) -> list[tuple[float, float]]:
    found = []
    for strategy in (INFORMED, *FRONTIER):
        point = _pooled(books, strategy, seeds, name)
        if point.requests:
            found.append((point.attainment, point.cost_per_answer_usd))
    return sorted(found)


def at_attainment(frontier: Sequence[tuple[float, float]], attainment: float) -> tuple[float, bool]:
    """Read the cost off a frontier of (attainment, cost), and whether we stand beyond its ends.

    A class that is not judged has one cost, whatever the aim.
    """
    if not frontier:
        return nan, True
    if attainment != attainment or frontier[0][0] != frontier[0][0]:  # noqa: PLR0124 - nan
        return fmean(usd for _, usd in frontier), False
    if attainment <= frontier[0][0]:
        return frontier[0][1], attainment < frontier[0][0]
    for (low, low_usd), (high, high_usd) in pairwise(frontier):
        if attainment <= high:
            share = (attainment - low) / (high - low)
            return low_usd + share * (high_usd - low_usd), False
    return frontier[-1][1], True


def _ratio_to(
    books: Books, oracle: str, strategy: str, scenario: Scenario, seeds: Sequence[int]
) -> float:
    ours = sum(_pooled(books, strategy, seeds, name).cost_usd for name in scenario.classes)
    best = sum(_pooled(books, oracle, seeds, name).cost_usd for name in scenario.classes)
    return ours / best if best else nan


def _ratio_at_equal(books: Books, strategy: str, scenario: Scenario, seeds: Sequence[int]) -> float:
    ours = best = 0.0
    for name in scenario.classes:
        own = _pooled(books, strategy, seeds, name)
        usd, _ = at_attainment(_frontier(books, seeds, name), own.attainment)
        ours += own.cost_usd
        best += usd * own.requests
    return ours / best if best else nan


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def by_endpoint(served: Iterable[Served]) -> Mapping[str, Mapping[str, int]]:
    """Count requests by class and by who served them."""
    found: dict[str, dict[str, int]] = {}
    for one in served:
        counts = found.setdefault(one.kind, {})
        counts[one.endpoint] = counts.get(one.endpoint, 0) + 1
    return found
