"""What is at stake in a class of requests: the price of a miss, steered by feedback.

A miss is priced at ``lam`` times the class's typical cost. After every verdict
``lam *= exp(STEP * (missed - AIM * (1 - percentile)))``: a class that misses too often pays more
for certainty, one that never misses pays less, until it misses 90 % of what its percentile
allows (study, section 4). Stored as a sum of log increments, so that replicas add up.
"""

from __future__ import annotations

from math import exp, log
from typing import Final, NamedTuple

from router.core.decay import Group

STAKES: Final = Group("stakes", 30 * 24 * 3600.0, 5)
"""Sum of log increments, answers, sum of their cost in USD, conversations, their turns."""

START, LOWEST, HIGHEST = 10.0, 0.5, 300.0
STEP, AIM = 0.04, 0.9
PRIOR_TURNS, PRIOR_CONVERSATIONS = 3.0, 2.0
"""Turns a conversation is taken to have, until so many told otherwise."""


class Stakes(NamedTuple):
    """``lam`` is the price of a miss in typical costs; ``typical_usd`` 0 while unknown.

    ``turns`` is the mean number of turns of the class's conversations.
    """

    lam: float = START
    typical_usd: float = 0.0
    turns: float = PRIOR_TURNS


def believed(sums: list[float]) -> Stakes:
    """Return the stakes of a class from its decayed sums."""
    raw = START * exp(min(max(sums[0], -10.0), 10.0))
    return Stakes(
        lam=min(max(raw, LOWEST), HIGHEST),
        typical_usd=sums[2] / sums[1] if sums[1] > 0 else 0.0,
        turns=(sums[4] + PRIOR_TURNS * PRIOR_CONVERSATIONS) / (sums[3] + PRIOR_CONVERSATIONS),
    )


def turned(*, first: bool) -> list[tuple[int, float]]:
    """Return (index, amount) of one turn of a conversation, ``first`` of it or not."""
    return [(3, float(first)), (4, 1.0)]


def learned(
    *, missed: bool | None, percentile: float, cost_usd: float, raw: float
) -> list[tuple[int, float]]:
    """Return (index, amount) of one ended request.

    ``missed`` is ``None`` where nothing can be learned about the price (no bound, unmeasured, or
    no endpoint could have kept it). ``raw`` is the stored sum of log increments: it is not pushed
    further past a clamp, so that it can come back at once.
    """
    found = [(1, 1.0), (2, cost_usd)]
    if missed is not None:
        move = STEP * (float(missed) - AIM * (1 - percentile))
        beyond = raw >= log(HIGHEST / START) if move > 0 else raw <= log(LOWEST / START)
        if not beyond:
            found.append((0, move))
    return found
