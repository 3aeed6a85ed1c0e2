"""A rescue: a second attempt while the first is still silent, where that is worth its money.

A timer is set when an attempt is sent, for the last moment at which somebody else would still
keep the bounds with good odds. When it fires, what has been seen decides: the first attempt's
wait is conditioned on having lasted so long already, and

    price of a miss x P(first misses) x P(second keeps)   against   what the second costs more

Nothing is decided when sending, since most attempts end long before their timer. In long
conversations nobody is rescued: measured, it costs there (docs/decision.md). What is marked
(study) is told in docs/decision.md, "The study behind the constants".

Failures enter twice. In ``p_keep`` any failure costs half a miss, as it does before an attempt is
sent. In ``outlasted`` only hangs count, the failures that say nothing: having lasted in silence
makes them likelier. Of what overlaps (a hang's half a miss) nothing is taken off: it is small
beside a chance that silence is eating.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import exp, inf, log
from operator import itemgetter
from typing import Final, NamedTuple

from router.core.ask import Ask, BoundKind
from router.core.candidate import COLD, Candidate, Warm
from router.core.catalogue import EndpointId
from router.core.decide import decide
from router.core.decision import Decision
from router.core.forecast import (
    Belief,
    Question,
    end_guess,
    p_keep,
    p_wait,
    predictive,
    question,
    wait_quantile,
)
from router.core.sift import Weighed, sift
from router.core.stakes import LONG_TURNS, Stakes
from router.core.stats import SHAPE_LOW, SHAPE_STEP, Stats

ODDS: Final = 0.85
"""Share of its chance that the second must still have when the timer fires (study; what other
values do is not known): more asks while most firsts are about to answer, less leaves the second
too little time."""
EARLIEST: Final = 0.1
"""Nobody is rescued within this share of the time allowed: the first has hardly begun. A guess, not
measured."""
COIN: Final = 0.5
"""A second with no better chance than a coin's is no rescue: what ``LIKELY`` asks of the first. A
plain choice, not measured."""
HANG_SHARE, HANGS_LEAST = 0.2, 0.001
"""Share of failures that are silence (most say at once that they failed), and how many attempts
are taken to hang at any endpoint, however well it has behaved: with none, a spotless one is waited
for until the bound is broken. Guesses, not measured; more sends seconds sooner."""
BACKUPS: Final = 4
"""Backups that are remembered: some are the first itself, or were tried, which with three attempts
(the default) are two at most."""
SHARE, SAVED_MOST = 0.2, 20.0
"""Rescues for each request in the long run, and how many may be saved up: where everybody slows
down, second attempts would only make it worse. A fifth is the default of Finagle's RetryBudget;
what may be saved up, a hundred requests' worth, is a guess, not measured."""


class Rescue(NamedTuple):
    """A second attempt that is worth it: the decision, and the figures behind it (USD, chances)."""

    decision: Decision
    gain_usd: float
    spend_usd: float
    first_keeps: float
    second_keeps: float


class Allowance:
    """How many rescues are left to all requests together."""

    def __init__(self) -> None:
        self._saved = SAVED_MOST

    @property
    def left(self) -> bool:
        """Whether there is one."""
        return self._saved >= 1

    def asked(self) -> None:
        """Count a request."""
        self._saved = min(self._saved + SHARE, SAVED_MOST)

    def spend(self) -> None:
        """Count a rescue."""
        self._saved -= 1


class Backup(NamedTuple):
    """Who else would serve, and with which chance of keeping every bound."""

    candidate: Candidate
    p_keep: float


def backups(ask: Ask, candidates: Sequence[Candidate], *, wall: float) -> tuple[Backup, ...]:
    """Return who would most likely keep the bounds, whatever it costs: the best few of them."""
    q = _asked(ask)
    fit, _ = sift(ask, q, candidates, wall=wall, warm=COLD)
    found = [Backup(w.candidate, _keeps(q, w)) for w in fit]
    found.sort(key=_by_chance, reverse=True)
    return tuple([b for b in found[:BACKUPS] if b.p_keep >= COIN])


_by_chance = itemgetter(1)


def after_s(ask: Ask, backup: Backup, elapsed_s: float) -> float | None:
    """Return the seconds from now after which a rescue should be thought about.

    It is the last moment at which the backup would keep the bounds with ``ODDS`` of its chance.
    ``elapsed_s`` of the client's time is gone. ``None`` where no bound on time is declared.
    """
    q = _asked(ask, elapsed_s)
    allowed = min(q.ttft_s, q.ttfat_s, q.e2e_s)
    if not 0 < allowed < inf:
        return None
    return max(_last_moment(q, ask, backup), EARLIEST * allowed)


def _last_moment(q: Question, ask: Ask, backup: Backup) -> float:
    other, chance = backup
    stats, lengths = other.stats, other.lengths
    prompt_k = other.rates.prompt_tokens(ask.prompt) / 1000
    belief, latest = predictive(stats), inf
    first = min(q.ttft_s, q.ttfat_s)
    if first < inf:
        at_best = p_wait(belief.cdf, log(first) - stats.log_line(prompt_k) - belief.level)
        latest = first - wait_quantile(ODDS * at_best, prompt_k, stats, belief)
    for limit_s, share in ((q.ttfat_s, lengths.reasoning), (q.e2e_s, lengths.visible)):
        if limit_s < inf and share > 0:
            mean_s = lengths.mean_capped(ask.max_tokens) * share * exp(-belief.speed)
            square = mean_s**2 * exp(lengths.spread**2 + belief.speed_sd**2)
            end_s, _ = end_guess(ODDS * chance, prompt_k, stats, belief, mean_s, square)
            latest = min(latest, limit_s - end_s)
    return latest


def rescue(
    ask: Ask,
    first: EndpointId,
    candidates: Sequence[Candidate],
    stakes: Stakes,
    *,
    wall: float,
    elapsed_s: float,
    waited_s: float,
    tried: Collection[str] = (),
    spent_usd: float = 0.0,
    warm: Warm = COLD,
) -> Rescue | None:
    """Say whether a silent attempt at ``first`` gets a second beside it, and whose.

    ``elapsed_s`` of the client's time is gone, ``waited_s`` of it since ``first`` was asked;
    ``tried`` are out as well, and ``spent_usd`` was paid for those that have ended. A bound on
    cost holds for all attempts together, each taken to run to its end.
    """
    if ask.session and stakes.turns > LONG_TURNS:
        return None
    later = stakes.later_turns(ask.session)
    ask = _savable(ask)
    q = question(ask.sla.bounds, ask.max_tokens, elapsed_s - waited_s)
    everyone, _ = sift(ask, q, candidates, wall=wall, warm=warm, later=later)
    silent = next((w for w in everyone if w.candidate.endpoint.id == first), None)
    decision = decide(
        ask,
        candidates,
        stakes,
        wall=wall,
        tried={*tried, first},
        elapsed_s=elapsed_s,
        warm=warm,
    )
    if not decision.plan:
        return None
    second = decision.plan[0]
    first_usd = inf if silent is None else silent.cost_usd
    if spent_usd + first_usd + second.cost_usd > q.cost_usd:
        return None
    still = 0.0
    if silent is not None:
        still = _still_keeps(ask, silent, q, waited_s)
    stake = stakes.lam * (stakes.typical_usd or second.cost_usd)
    gain = stake * (1 - still) * second.p_keep
    found = next(w for w in everyone if w.candidate.endpoint is second.endpoint)
    spend = _spend_usd(ask, found, silent, waited_s, 1 - still)
    return Rescue(decision, gain, spend, still, second.p_keep) if gain > spend else None


def _spend_usd(
    ask: Ask, second: Weighed, first: Weighed | None, waited_s: float, first_misses: float
) -> float:
    """What a second attempt costs more than the first alone, the loser being cancelled.

    Its prompt for sure; its answer for the first's, where it wins; and what the loser has made
    until then, which is all where cancelling does not stop the bill. In a conversation whoever
    wins has the later turns as well. ``first_misses`` stands for the chance that the second wins:
    it is asked when little time is left.
    """
    answer = second.cost_usd - second.prompt_usd
    if first is None:
        return second.cost_usd
    lost = first.cost_usd - first.prompt_usd
    unmade = lost * (1 - _made(ask, first, waited_s + _content_s(ask, second)))
    beside = answer * _made(ask, second, _content_s(ask, first) - waited_s)
    won = max(0.0, answer - unmade) + max(0.0, second.later_usd - first.later_usd)
    return second.prompt_usd + first_misses * won + (1 - first_misses) * beside


def _made(ask: Ask, weighed: Weighed, after_s: float) -> float:
    """Share of an answer that is paid if it is cancelled ``after_s`` seconds in."""
    if weighed.candidate.endpoint.bills_after_cancel:
        return 1.0
    wait_s, decode_s = _times_s(ask, weighed)
    visible = weighed.candidate.lengths.visible
    thought = min(max(after_s / max(wait_s, 1e-9), 0.0), 1.0)
    shown = min(max((after_s - wait_s) / max(decode_s, 1e-9), 0.0), 1.0)
    return (1 - visible) * thought + visible * shown


def _content_s(ask: Ask, weighed: Weighed) -> float:
    """Return the seconds after which an attempt would win: a whole answer with its end."""
    wait_s, decode_s = _times_s(ask, weighed)
    return wait_s if ask.stream else wait_s + decode_s


def _times_s(ask: Ask, weighed: Weighed) -> tuple[float, float]:
    """Return the typical wait, and the time to decode the mean answer."""
    _, stats, lengths, *_ = weighed.candidate
    tokens = max(1.0, lengths.mean_capped(ask.max_tokens) * lengths.visible)
    return exp(stats.log_line(weighed.read_k) + stats.level), tokens * exp(-stats.speed)


def _savable(ask: Ask) -> Ask:
    """Leave the bounds that a second attempt may save: of a whole answer only the end is seen."""
    if ask.stream:
        return ask
    bounds = tuple([b for b in ask.sla.bounds if b.kind not in _NEVER_SHOWN])
    return ask._replace(sla=replace(ask.sla, bounds=bounds))


_NEVER_SHOWN = frozenset((BoundKind.TTFT, BoundKind.TTFAT))


def _asked(ask: Ask, elapsed_s: float = 0.0) -> Question:
    return question(_savable(ask).sla.bounds, ask.max_tokens, elapsed_s)


def _still_keeps(ask: Ask, silent: Weighed, q: Question, waited_s: float) -> float:
    """P(every bound is kept by who was silent for so long).

    A whole answer is silent while it is made, so what has lasted is not its wait but all of it:
    (K(e2e) - K(w)) / P(E > w).
    """
    if waited_s <= 0:
        return _keeps(q, silent)
    stats = silent.candidate.stats
    if ask.stream:
        return _keeps(q, silent, outlasted(predictive(stats), stats, silent.read_k, waited_s))
    end_only = question((), q.max_tokens).ending(waited_s)
    over, hangs = _keeps(end_only, silent), _hangs(stats)
    kept = _keeps(q, silent) - _keeps(q.ending(min(waited_s, q.e2e_s)), silent)
    return (1 - hangs) * max(0.0, kept) / ((1 - hangs) * (1 - over) + hangs)


def _keeps(q: Question, weighed: Weighed, belief: Belief | None = None) -> float:
    candidate, price = weighed.candidate, weighed.price
    return p_keep(
        q,
        weighed.read_k,
        price.output * 1e-6,
        weighed.prompt_usd,
        candidate.stats,
        candidate.lengths,
        candidate.spread,
        belief or predictive(candidate.stats),
    )


def _hangs(stats: Stats) -> float:
    return max(HANGS_LEAST, HANG_SHARE * stats.p_fail)


def outlasted(belief: Belief, stats: Stats, prompt_k: float, waited_s: float) -> Belief:
    """Condition the wait on having lasted ``waited_s``: P(T <= t | T > w).

    A share of attempts never brings anything: the longer the silence, the likelier it is one.
    """
    cdf, hangs = belief.cdf, _hangs(stats)
    at = (log(waited_s) - stats.log_line(prompt_k) - belief.level - SHAPE_LOW) / SHAPE_STEP
    if at <= 0:
        return belief
    cell = min(int(at), len(cdf) - 1)
    inside = at - cell
    gone = cdf[cell] + (inside * (cdf[cell + 1] - cdf[cell]) if cell + 1 < len(cdf) else 0.0)
    left = (1 - hangs) * (1 - gone) + hangs
    return belief._replace(cdf=tuple([(1 - hangs) * max(0.0, p - gone) / left for p in cdf]))
