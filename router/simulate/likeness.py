"""Whether replicas decide as one: what they paid and kept, set against a single process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from router.simulate.account import Account
from router.simulate.strategies import ALONE, OURS, SHARED

AS_ONE: Final = 0.02
"""How far cost and attainment may lie apart, of those of one process."""


class Likeness(NamedTuple):
    """How far replicas lie from one process, as shares of what that one paid or kept.

    ``cost`` is at the one's number of requests in every class, ``attainment`` that of the class,
    named by ``kind``, which lies furthest apart.
    """

    strategy: str
    cost: float
    attainment: float
    kind: str

    @property
    def as_one(self) -> bool:
        return max(abs(self.cost), abs(self.attainment)) <= AS_ONE


def likenesses(found: Sequence[Account]) -> list[Likeness]:
    """Compare all replicas that were played with ours, if that was played."""
    one = next((account for account in found if account.strategy == OURS), None)
    if one is None:
        return []
    return [_likeness(one, many) for many in found if many.strategy in {SHARED, ALONE}]


def _likeness(one: Account, many: Account) -> Likeness:
    pairs = list(zip(one.classes, many.classes, strict=True))
    usd = sum(
        m.tally.cost_per_answer_usd * o.tally.requests
        for o, m in pairs
        if o.tally.requests and m.tally.requests
    )
    kept = [
        (m.tally.attainment / o.tally.attainment - 1, m.name)
        for o, m in pairs
        if o.tally.kept and m.tally.judged
    ]
    apart, kind = max(kept, key=lambda k: abs(k[0]), default=(0.0, ""))
    return Likeness(many.strategy, usd / one.cost_usd - 1 if one.cost_usd else 0.0, apart, kind)
