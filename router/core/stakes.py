"""What is at stake in a class of requests: the price of a miss, steered by feedback.

A miss is priced at ``lam`` times the class's typical cost. After every verdict
``lam *= exp(step * (missed - AIM * (1 - percentile)))``: a class that misses too often pays more
for certainty, one that never misses pays less, until it misses 90 % of what its percentile
allows, or the price is at its lowest. Requests of which nobody was expected to keep the bounds
move nothing (``store.board`` says who counts).

The step is large while the class is young, since the right price may lie a factor of ten from
where it starts. It shrinks with the root of the answers, not to nothing as stochastic
approximation has it (Robbins and Monro, 1951), but to one that follows the market. It is large as
well where the price has leeway: what it could fall before somebody cheaper served is a distance in
which it decides nothing, and is crossed quickly. Steps are as large upwards then, or a class
would drift from what it was promised.

Stored as a sum of log increments, so that replicas add up. The sum forgets: in a month without
requests a price goes half the way (in the log) back to where it started.

What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, sqrt
from typing import Final, NamedTuple

from router.core.decay import Group

STAKES: Final = Group("stakes", 30 * 24 * 3600.0, 5)
"""Sum of log increments, answers, sum of their cost in USD, conversations, their turns. A month:
what a class needs lasts longer than what is believed of endpoints. A guess, not measured."""

START, LOWEST, HIGHEST = 10.0, 0.2, 300.0
"""In typical costs, those of the later turns included to start with: whoever misses now will likely
miss then. Start and highest: study. Lowest: with 1 `fast` is served 3 points more than was
promised; 0.1, 0.2 and 0.35 differ by less than chance (`market-2025`: 90.9, 90.5, 90.9 of 90 %)."""
WASTED = 1.0
"""The lowest where a bound depends on how fast an answer is made: to miss it means that an answer
was paid for and is of no use. (In `volatile`, with 0.3 and 0.1 `batch` costs 4 and 7 % more.)"""
FURTHEST = 10.0
"""The sum of log increments is read as this at most: beyond both clamps, far from overflow."""
STEP, AIM = 0.04, 0.9
"""Of the price's log for each verdict, and of the misses allowed (study: steps of 0.1 attain the
same; an aim of 0.7 costs 3 to 4 % more)."""
EAGER, SETTLED_AFTER = 8.0, 1600.0
"""How many times as large the first step is, and the answers after which it is no larger: without,
a class that needed seven times the start missed for an hour (`agent`). The figures are guesses."""
HASTE, NEAR, FOLLOWS_N, FAR = 4.0, 0.3, 128.0, 2.0
"""Leeway makes steps larger, at most ``HASTE`` times, and no larger than lets a miss cross half of
what there is of it beyond ``NEAR``. It is the mean of ``FOLLOWS_N`` decisions, of which each counts
for ``FAR`` at most. Without, `concise` was served 2 to 3 points more than was promised, its price
still on the way down after six hours. 8 for ``HASTE`` and 32 for ``FOLLOWS_N`` leave `concise` half
a point short; with 0 for ``NEAR`` `chat` is dearer. ``FAR`` is a guess."""
MOVED = 3.0
"""What is taken off leeway for each step (log) the price made since a request was decided. Verdicts
that were under way when it moved would all move it again: of a hundred, to and fro for ever. The
figure is a guess that stops this in the tests' closed loop."""
LONG_TURNS = 2.0
"""Mean turns from which on a class of conversations has no haste: where they go next depends on the
price many turns ahead, and every swing empties caches (`agent` cost 4 % more with it). Nor has it
second attempts (``hedge``). Where between one turn and ten is a guess."""
LATER_SHARE = 0.7
"""What the later turns of a conversation count of their cost here: it may move on (study)."""
PRIOR_TURNS, PRIOR_CONVERSATIONS = 3.0, 2.0
"""Turns a conversation is taken to have, until so many told otherwise. Guesses, not measured: more
buys for turns that may not come, fewer starts where later turns are dear."""


class Stakes(NamedTuple):
    """``lam`` is the price of a miss in typical costs; ``typical_usd`` 0 while unknown.

    ``turns`` is the mean number of turns of the class's conversations.
    """

    lam: float = START
    typical_usd: float = 0.0
    turns: float = PRIOR_TURNS

    def later_turns(self, session: str) -> float:
        """How many more turns count in full: none outside a conversation."""
        return _later(self.turns) if session else 0.0


def believed(sums: Sequence[float]) -> Stakes:
    """Return the stakes of a class from its decayed sums."""
    raw = _start(sums) * exp(min(max(sums[0], -FURTHEST), FURTHEST))
    return Stakes(
        lam=min(max(raw, LOWEST), HIGHEST),
        typical_usd=sums[2] / sums[1] if sums[1] > 0 else 0.0,
        turns=_turns(sums),
    )


def _later(turns: float) -> float:
    return LATER_SHARE * max(turns - 1, 0.0)


def _turns(sums: Sequence[float]) -> float:
    return (sums[4] + PRIOR_TURNS * PRIOR_CONVERSATIONS) / (sums[3] + PRIOR_CONVERSATIONS)


def _start(sums: Sequence[float]) -> float:
    """Where verdicts take the price from: in conversations the later turns are weighed as well."""
    return START * (1 + _later(_turns(sums))) if sums[3] > 0 else START


def turned(*, first: bool) -> list[tuple[int, float]]:
    """Return (index, amount) of one turn of a conversation, ``first`` of it or not."""
    return [(3, float(first)), (4, 1.0)]


class Leeway(NamedTuple):
    """How far (log) the price of a miss of a class could lately fall: mean of ``n`` decisions.

    It changes more slowly than the price does: if it were larger where the price is high, misses
    would weigh more there, and a class drift from what it was promised.
    """

    n: float = 0.0
    mean: float = 0.0

    def followed(self, latest: float) -> Leeway:
        """Count one more; where nobody cheaper would serve at any price there is nothing to say."""
        if latest == inf:
            return self
        n = min(self.n + 1, FOLLOWS_N)
        return Leeway(n, self.mean + (min(latest, FAR) - self.mean) / n)


def _unspent(leeway: float, decided_at: float | None, sums: Sequence[float]) -> float:
    """Return what of its leeway a verdict may use: nothing in long conversations, and less the
    further the price has moved since the request was decided.
    """
    if not leeway or (sums[3] > 0 and _turns(sums) > LONG_TURNS):
        return 0.0
    return leeway - MOVED * abs(log(believed(sums).lam / decided_at)) if decided_at else leeway


def step(answers: float, leeway: float = 0.0) -> float:
    """How far one verdict moves the log of the price, after so many answers of the class."""
    usual = STEP * max(1.0, EAGER / sqrt(1 + (EAGER**2 - 1) * answers / SETTLED_AFTER))
    return max(usual, min((leeway - NEAR) / 2, HASTE * usual))


def learned(
    *,
    missed: bool | None,
    percentile: float,
    cost_usd: float,
    sums: Sequence[float],
    lowest: float = LOWEST,
    leeway: float = 0.0,
    decided_at: float | None = None,
) -> list[tuple[int, float]]:
    """Return (index, amount) that one ended request adds to the class's ``sums``.

    ``missed`` is ``None`` where nothing can be learned about the price (no bound, unmeasured, or
    no endpoint could have kept it). ``lowest`` is what the price may fall to, ``leeway`` how far
    (log) it could lately fall before anybody else served, ``decided_at`` the price (``lam``) the
    request was decided at, where that is known. The price is not pushed further past a clamp, so
    that it can come back at once.
    """
    found = [(1, 1.0), (2, cost_usd)]
    if missed is not None:
        move = step(sums[1], _unspent(leeway, decided_at, sums)) * (
            float(missed) - AIM * (1 - percentile)
        )
        room = log((HIGHEST if move > 0 else lowest) / _start(sums)) - sums[0]
        found.append((0, min(move, max(room, 0.0)) if move > 0 else max(move, min(room, 0.0))))
    return found
