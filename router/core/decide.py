"""Which endpoint serves: the merit order, walked from the cheapest up.

Hard facts go first and leave a reason each: window, capabilities, wishes, price caps, open
breakers. The rest are lined up by expected cost of the *answer*, and weighed:

    score = expected cost + price of a miss x P(miss)

The price of a miss is ``lam`` typical costs of the request's class and is moved by feedback
(``stakes``). A score is never below the cost, that of a conversation's later turns included, so
the walk up the merit order ends at the first endpoint that costs more than the best score: no
dearer one can win. Where time counts, whoever is likely to keep the bounds (``LIKELY``) goes
before all who are not, whatever it costs. Where nobody is, a miss weighs more the later it is, so
that the closest serves.

Without bounds the cheapest serves. Failures beyond the ordinary cost 30 % of a request;
equals keep the operator's order. Where the application says itself who goes first, everybody is
weighed and lined up (``ranking``).

Choosing uses one draw from what is believed (posterior sampling), so that the unsure is tried
now and then and a better endpoint is never locked out; the misses of trying are paid from the
same account. While an endpoint still remembers the conversation this is rare, since a trial would
pay for the whole prompt again. Without ``chance`` the decision is what is best on average:
``explain`` asks so.

What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf, log
from operator import itemgetter

from router.core.ask import Ask, Mode
from router.core.candidate import COLD, Candidate, Warm
from router.core.decision import Decision, Forecast, Option, Status
from router.core.forecast import (
    Question,
    drawn,
    forecast,
    lateness,
    optimistic,
    p_keep,
    predictive,
    question,
)
from router.core.numbers import normal_quantile
from router.core.ranking import ranked
from router.core.sift import POSTERIOR_SCALE, Chance, Weighed, sift
from router.core.stakes import Stakes
from router.core.tuples import new

FAILURE_COST_SHARE, FAILURES_TOLERATED = 0.3, 0.02
"""What a failure costs of a request (study: of one without bounds; where a miss costs little,
nothing else would tell of them), and the ordinary rate that costs nothing: twice what is believed
of a newcomer. That rate is a guess, not measured."""
FREE_USD = 1e-6
"""What an answer counts as costing where everybody is free: a miss must weigh something, and how
much makes no difference then. A plain choice."""

RARELY = normal_quantile(0.5 + 0.125 / 2)
"""A deviate lies nearer to the middle one time in eight: so often somebody is tried inside a
conversation. Without any, an application that names the same conversation for all it asks would
never look elsewhere; how often is a plain choice, not measured."""
LIKELY = 0.5
"""Below this P(keep) even the typical answer misses: where time counts, such an endpoint never
serves while another reaches it, however cheap a miss has become. Where nobody does, it matters by
how much. (Simulated for three hours, a 1 s class went from 95.3 to 99.9 % of promises kept, for 1 %
of cost.) Where only length and cost of an answer count, a miss is weighed like any other cost: how
verbose an endpoint is does not change within minutes, so nobody is left with one that has."""


def decide(
    ask: Ask,
    candidates: Sequence[Candidate],
    stakes: Stakes,
    *,
    wall: float,
    chance: Chance | None = None,
    tried: Collection[str] = (),
    elapsed_s: float = 0.0,
    warm: Warm = COLD,
) -> Decision:
    """Choose; ``wall`` pins the prices, ``tried`` are out, ``elapsed_s`` has been used up.

    ``warm`` says how many tokens of this conversation each endpoint should still remember.
    """
    later = stakes.later_turns(ask.session)
    trial = None if warm and chance is not None and abs(chance()) > RARELY else chance
    q = question(ask.sla.bounds, ask.max_tokens, elapsed_s)
    fit, out = sift(
        ask, q, candidates, wall=wall, warm=warm, tried=tried, later=later, chance=trial
    )
    lam = stakes.lam if q.bounded else None
    if not fit:
        return Decision(_status(ask, q, None), (), tuple(out), _input(ask, candidates), lam=lam)
    ranks = ask.preferences.ranks
    if q.bounded:
        options, leeway = _walk(q, fit, stakes, trial, to_the_end=ranks)
    else:
        options, leeway = [_unbounded(w) for w in fit], 0.0
    if ranks:
        options = ranked(ask, fit, options, trial)
    elif not q.bounded:
        options.sort(key=_by_score)
    head = options[0].endpoint
    best = next(w for w in fit if w.candidate.endpoint is head)
    expected = told(ask, q, best)
    if ask.sla.mode is not Mode.BEST_EFFORT and q.bounded and not _hopeful(ask, q, fit):
        return Decision(Status.BEST_EFFORT, (), tuple(out), best.input_tokens, expected, lam=lam)
    return Decision(
        _status(ask, q, expected),
        tuple(options),
        tuple(out),
        best.input_tokens,
        expected,
        unweighed=len(fit) - len(options),
        lam=lam,
        leeway=leeway,
    )


_by_score = itemgetter(1)


def _walk(
    q: Question, fit: list[Weighed], stakes: Stakes, chance: Chance | None, *, to_the_end: bool
) -> tuple[list[Option], float]:
    """Weigh, and line up by who is likely to keep the bounds, then by score; tell the leeway.

    ``to_the_end`` weighs everybody and lines up nobody: the application's wishes come first.
    """
    cheapest = (w.cost_usd for w in fit if w.cost_usd > 0)
    stake = stakes.lam * (stakes.typical_usd or next(cheapest, FREE_USD))
    if to_the_end:
        return _weigh(q, fit, stake, chance, 0.0, to_the_end=True)[0], 0.0
    options, likely = _weigh(q, fit, stake, chance, LIKELY if q.decodes else 0.0)
    if q.decodes and not likely:
        options, likely = _weigh(q, fit, stake, chance, 0.0)
    if likely:
        options.sort(key=_likely_first if q.timed else _by_score)
        return options, _leeway(options, stake, LIKELY if q.timed else 0.0)
    options = [
        o._replace(score_usd=o.score_usd + stake * (1 - o.p_keep) * _late(q, w))
        for o, w in zip(options, fit, strict=True)
    ]
    options.sort(key=_by_score)
    return options, 0.0


def _leeway(options: Sequence[Option], stake: float, at_least: float) -> float:
    """How far (log) the price of a miss could fall before somebody cheaper won.

    The first of ``options`` is worth its money against another as long as ``stake`` times what it
    is the likelier to keep the bounds exceeds what it costs more. Who keeps them with a chance
    below ``at_least`` does not win at any price. Infinite where nobody cheaper would.
    """
    _, score, _, keeps = options[0]
    nearest = 0.0
    for _, other_score, _, other in options:
        if at_least <= other < keeps:
            likelier = keeps - other
            dearer = score - other_score + stake * likelier
            nearest = max(nearest, dearer / likelier)
    return max(0.0, log(stake / nearest)) if nearest > 0 else inf


def _weigh(
    q: Question,
    fit: list[Weighed],
    stake: float,
    chance: Chance | None,
    at_least: float,
    *,
    to_the_end: bool = False,
) -> tuple[list[Option], bool]:
    """Score from the cheapest up, and tell whether anybody is likely to keep the bounds.

    Chances below ``at_least`` are upper bounds (where a cache is warm, of its hit or its miss
    alone); those endpoints stand behind the likely ones.
    """
    options: list[Option] = []
    best, likely, timed, decodes = inf, False, q.timed, q.decodes
    for total, cost, candidate, price, tokens, cached, prompt_usd, stretch in fit:
        if likely and total > best and not to_the_end:
            break
        endpoint, stats, lengths, _, spread, _ = candidate
        if chance is None:
            belief = predictive(stats)
        else:
            speed = chance() if decodes else 0.0
            belief = drawn(stats, POSTERIOR_SCALE, chance(), speed)
        token_usd, prompt_k = price.output * 1e-6, tokens * 1e-3
        keep = p_keep(
            q, prompt_k, token_usd, prompt_usd, stats, lengths, spread, belief, at_least, stretch
        )
        if cached:
            known = (token_usd, prompt_usd, stats, lengths, spread, belief, at_least, stretch)
            keep += stats.cache_hit * (p_keep(q, (tokens - cached) * 1e-3, *known) - keep)
        score = total + stake * (1 - keep)
        if stats.p_fail > FAILURES_TOLERATED:
            score += total * _failing(stats.p_fail)
        options.append(new(Option, (endpoint, score, cost, keep)))
        likely = likely or keep >= LIKELY
        if keep >= LIKELY or not timed:
            best = min(best, score)
    return options, likely


def _likely_first(option: Option) -> tuple[bool, float]:
    return option.p_keep < LIKELY, option.score_usd


def _late(q: Question, weighed: Weighed) -> float:
    candidate = weighed.candidate
    return lateness(q, weighed.input_tokens * 1e-3, candidate.stats, candidate.lengths)


def _failing(p_fail: float) -> float:
    """What failures beyond the ordinary (asked only above it) cost whoever moves on: a share."""
    return FAILURE_COST_SHARE * (p_fail - FAILURES_TOLERATED)


def _unbounded(weighed: Weighed) -> Option:
    candidate, score = weighed.candidate, weighed.total_usd
    if candidate.stats.p_fail > FAILURES_TOLERATED:
        score *= 1 + _failing(candidate.stats.p_fail)
    return new(Option, (candidate.endpoint, score, weighed.cost_usd, 1.0))


def told(ask: Ask, q: Question, weighed: Weighed, *, detailed: bool = False) -> Forecast:
    """Forecast an endpoint that fits."""
    candidate = weighed.candidate
    return forecast(
        ask,
        q,
        candidate.endpoint,
        price=weighed.price,
        input_tokens=weighed.input_tokens,
        cached_tokens=weighed.cached,
        stats=candidate.stats,
        lengths=candidate.lengths,
        spread=candidate.spread,
        detailed=detailed,
    )


def _hopeful(ask: Ask, q: Question, fit: list[Weighed]) -> bool:
    """Whether any endpoint may keep the bounds, given the benefit of its doubt.

    Failures are left to the second attempt: the rate is taken out.
    """
    for weighed in fit:
        stats = weighed.candidate.stats._replace(p_fail=0.0)
        price = weighed.price
        keep = p_keep(
            q,
            (weighed.input_tokens - weighed.cached) / 1000,
            price.output * 1e-6,
            weighed.prompt_usd,
            stats,
            weighed.candidate.lengths,
            weighed.candidate.spread,
            optimistic(stats),
        )
        if keep >= ask.sla.percentile:
            return True
    return False


def _status(ask: Ask, q: Question, expected: Forecast | None) -> Status:
    if not q.bounded:
        return Status.UNBOUNDED
    if expected is None or expected.p_keep < ask.sla.percentile:
        return Status.BEST_EFFORT
    return Status.OK


def _input(ask: Ask, candidates: Sequence[Candidate]) -> float:
    return candidates[0].rates.prompt_tokens(ask.prompt) if candidates else 0.0
