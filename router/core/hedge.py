"""A rescue: a second attempt while the first is still silent, where that is worth its money.

A timer is set when an attempt is sent, for the last moment at which somebody else would still
keep the bounds with good odds. When it fires, what has been seen decides: the first attempt's
wait is conditioned on having lasted so long already, and

    price of a miss x P(first misses) x P(second keeps)   against   what the second costs more

Nothing is decided when sending, since most attempts end long before their timer.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log
from typing import Final, NamedTuple

from router.core.ask import Ask
from router.core.candidate import COLD, Candidate, Warm
from router.core.catalogue import EndpointId
from router.core.decide import decide
from router.core.decision import Decision
from router.core.forecast import Belief, Question, p_keep, predictive, question
from router.core.sift import Weighed, sift
from router.core.stakes import Stakes
from router.core.stats import SHAPE_LOW, SHAPE_STEP, Stats

ODDS: Final = 0.85
"""Share of its best chance that the second must still have when the timer fires (study)."""
EARLIEST: Final = 0.1
"""Nobody is rescued within this share of the time allowed: the first has hardly begun."""
STEPS: Final = 12
"""Halvings in the search for the last moment: a four-thousandth of the time allowed."""


class Rescue(NamedTuple):
    """A second attempt that is worth it: the decision, and the figures behind it (USD, chances)."""

    decision: Decision
    gain_usd: float
    spend_usd: float
    first_keeps: float
    second_keeps: float


def after_s(
    ask: Ask,
    first: EndpointId,
    candidates: Sequence[Candidate],
    *,
    wall: float,
    elapsed_s: float = 0.0,
) -> float | None:
    """Return the seconds from now after which a rescue of ``first`` should be thought about.

    ``elapsed_s`` of the client's time is gone. ``None`` where no bound on time is declared, or
    where nobody else has better odds than a coin's.
    """
    q = question(ask.sla.bounds, ask.max_tokens, elapsed_s)
    allowed = min(q.ttft_s, q.ttfat_s, q.e2e_s)
    if not 0 < allowed < inf:
        return None
    others, _ = sift(ask, candidates, wall=wall, warm=COLD, tried=(first,))

    def odds(waited: float) -> float:
        later = question(ask.sla.bounds, ask.max_tokens, elapsed_s + waited)
        return max((_keeps(later, other) for other in others), default=0.0)

    best = odds(0.0)
    if best < 0.5:  # noqa: PLR2004 - a coin
        return None
    low, high = 0.0, allowed
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if odds(middle) >= ODDS * best else (low, middle)
    return max(low, EARLIEST * allowed)


def rescue(
    ask: Ask,
    first: EndpointId,
    candidates: Sequence[Candidate],
    stakes: Stakes,
    *,
    wall: float,
    elapsed_s: float,
    waited_s: float,
    tried: frozenset[str] = frozenset(),
    warm: Warm = COLD,
) -> Rescue | None:
    """Say whether a silent attempt at ``first`` gets a second beside it, and whose.

    ``elapsed_s`` of the client's time is gone, ``waited_s`` of it since ``first`` was asked;
    ``tried`` are out as well.
    """
    everyone, _ = sift(ask, candidates, wall=wall, warm=warm)
    silent = next((w for w in everyone if w.candidate.endpoint.id == first), None)
    decision = decide(
        ask,
        candidates,
        stakes,
        wall=wall,
        tried=tried | {first},
        elapsed_s=elapsed_s,
        warm=warm,
    )
    if not decision.plan:
        return None
    second = decision.plan[0]
    still = 0.0
    if silent is not None:
        sent = question(ask.sla.bounds, ask.max_tokens, elapsed_s - waited_s)
        still = _keeps(sent, silent, waited_s)
    stake = stakes.lam * (stakes.typical_usd or second.cost_usd)
    gain = stake * (1 - still) * second.p_keep
    found = next(w for w in everyone if w.candidate.endpoint is second.endpoint)
    spend = _spend_usd(found, silent, 1 - still)
    return Rescue(decision, gain, spend, still, second.p_keep) if gain > spend else None


def _spend_usd(second: Weighed, first: Weighed | None, second_wins: float) -> float:
    """What a second attempt costs more than the first alone, the loser being cancelled.

    Its prompt for sure; its answer for the first's, where it wins; the loser's answer, where
    cancelling does not stop the bill.
    """
    answer = second.cost_usd - second.prompt_usd
    spend = second.prompt_usd
    if first is None:
        return spend + answer
    lost = first.cost_usd - first.prompt_usd
    spend += second_wins * max(0.0, answer - lost)
    if first.candidate.endpoint.bills_after_cancel:
        spend += second_wins * lost
    if second.candidate.endpoint.bills_after_cancel:
        spend += (1 - second_wins) * answer
    return spend


def _keeps(q: Question, weighed: Weighed, waited_s: float = 0.0) -> float:
    candidate, price = weighed.candidate, weighed.price
    prompt_k = (weighed.input_tokens - weighed.cached) / 1000
    stats = candidate.stats
    belief = predictive(stats)
    if waited_s > 0:
        belief = outlasted(belief, stats, prompt_k, waited_s)
    return p_keep(
        q,
        prompt_k,
        price.output * 1e-6,
        weighed.prompt_usd,
        stats,
        candidate.lengths,
        candidate.spread,
        belief,
    )


def outlasted(belief: Belief, stats: Stats, prompt_k: float, waited_s: float) -> Belief:
    """Condition the wait on having lasted ``waited_s``: P(T <= t | T > w)."""
    cdf = belief.cdf
    at = (log(waited_s) - stats.log_line(prompt_k) - belief.level - SHAPE_LOW) / SHAPE_STEP
    if at <= 0:
        return belief
    cell = min(int(at), len(cdf) - 1)
    inside = at - cell
    gone = cdf[cell] + (inside * (cdf[cell + 1] - cdf[cell]) if cell + 1 < len(cdf) else 0.0)
    left = 1 - gone
    if left <= 0:
        return belief._replace(cdf=(0.0,) * (len(cdf) - 1) + (1.0,))
    return belief._replace(cdf=tuple([max(0.0, p - gone) / left for p in cdf]))
