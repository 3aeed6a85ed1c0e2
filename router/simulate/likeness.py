"""Whether replicas decide as one: what they paid and kept, set against a single process.

Chance alone makes two runs of one process differ in cost by one to four percent (whoever is tried
first keeps a conversation), so the standard error over seeds is told with the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan, sqrt
from statistics import stdev
from typing import Final, NamedTuple

from router.simulate.account import Tally, tally
from router.simulate.play import Played
from router.simulate.scenario import Scenario
from router.simulate.strategies import ALONE, OURS, SHARED

AS_ONE: Final = 0.02
"""How far cost and attainment may lie apart, of those of one process."""

Classes = Mapping[str, Tally]


class Likeness(NamedTuple):
    """How far replicas lie from one process, as shares of what that one paid or kept.

    ``cost`` is at the one's number of requests in every class, ``error`` its standard error over
    seeds (nan of one seed); ``attainment`` is that of the class, named by ``kind``, which lies
    furthest apart.
    """

    strategy: str
    cost: float
    error: float
    attainment: float
    kind: str

    @property
    def as_one(self) -> bool:
        return max(abs(self.cost), abs(self.attainment)) <= AS_ONE


def likenesses(scenario: Scenario, plays: Sequence[Played]) -> list[Likeness]:
    """Compare all replicas that were played with ours; nothing where that was not played."""
    books: dict[str, dict[int, Classes]] = {}
    for play in plays:
        if play.strategy in {OURS, SHARED, ALONE}:
            books.setdefault(play.strategy, {})[play.seed] = _classes(scenario, play)
    one = books.pop(OURS, None)
    return [_likeness(name, one, many) for name, many in books.items()] if one else []


def _classes(scenario: Scenario, play: Played) -> Classes:
    warm_s = scenario.warm_up_hours * 3600
    return {
        kind: tally(s for s in play.served if s.kind == kind and s.arrived >= warm_s)
        for kind in scenario.classes
    }


def _likeness(name: str, one: Mapping[int, Classes], many: Mapping[int, Classes]) -> Likeness:
    each = [_dearer(one[seed], classes) for seed, classes in many.items()]
    pooled_one, pooled_many = _pooled(one), _pooled(many)
    kept = [
        (pooled_many[kind].attainment / own.attainment - 1, kind)
        for kind, own in pooled_one.items()
        if own.kept and pooled_many[kind].judged
    ]
    apart, kind = max(kept, key=lambda k: abs(k[0]), default=(nan, ""))
    error = stdev(each) / sqrt(len(each)) if len(each) > 1 else nan
    return Likeness(name, _dearer(pooled_one, pooled_many), error, apart, kind)


def _pooled(by_seed: Mapping[int, Classes]) -> Classes:
    runs = list(by_seed.values())
    return {kind: sum((run[kind] for run in runs), Tally()) for kind in runs[0]}


def _dearer(one: Classes, many: Classes) -> float:
    """What the many pay more for each request of the one, as a share of what the one paid."""
    met = [kind for kind, own in one.items() if own.requests and many[kind].requests]
    paid = sum(one[kind].cost_usd for kind in met)
    usd = sum(many[kind].cost_per_answer_usd * one[kind].requests for kind in met)
    return usd / paid - 1 if paid else nan
