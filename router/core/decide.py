"""Which endpoint serves: the merit order, walked from the cheapest up.

Hard facts go first and leave a reason each: window, capabilities, wishes, price caps, open
breakers. The rest are lined up by expected cost of the *answer*, and weighed:

    score = expected cost + price of a miss x P(miss)

The price of a miss is ``lam`` typical costs of the request's class and is moved by feedback
(``stakes``). A score is never below the cost, so the walk up the merit order ends at the first
endpoint whose bare cost exceeds the best score: no dearer one can win. Where nobody is likely to
keep the bounds, a miss weighs more the later it is, so that the closest serves.

Without bounds the cheapest serves, a failure beyond the ordinary costing 30 % of a request;
equals keep the operator's order.

Choosing uses one draw from what is believed (posterior sampling), so that the unsure is tried
now and then and a better endpoint is never locked out; the misses of trying are paid from the
same account. Without ``chance`` the decision is what is best on average: ``explain`` asks so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import inf
from operator import itemgetter
from typing import NamedTuple

from router.core.ask import NO_PREFERENCES, Ask, BoundKind, Mode, Preferences
from router.core.catalogue import Endpoint, Price
from router.core.decision import (
    Decision,
    Explained,
    Forecast,
    Option,
    Reason,
    Rejection,
    Status,
)
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
from router.core.lengths import Lengths
from router.core.stakes import Stakes
from router.core.stats import Stats
from router.core.tokens import Rates, guess

POSTERIOR_SCALE = 0.7
"""How far draws reach into the doubt (study: .35 was slow to find better models, 1.0 equal)."""
FAILURE_COST_SHARE, FAILURES_TOLERATED = 0.3, 0.02
PROMPT_MARGIN = 1.1
"""How much longer than estimated a prompt may turn out, where a window is decided on. To it
comes the p99 answer (the last node of its lengths), unless the client said how much it wants."""

LIKELY = 0.5
"""Below this P(keep) even the typical answer misses: such an endpoint never serves while another
reaches it, however cheap a miss has become. Where nobody does, it matters by how much."""

Chance = Callable[[], float]
"""Draws a standard normal deviate."""


class Standing(NamedTuple):
    """Why an endpoint must not be used now, and until when (unix seconds)."""

    reason: Reason
    until_wall: float
    detail: str


class Candidate(NamedTuple):
    """An endpoint that serves the model asked for, with what is known of it now."""

    endpoint: Endpoint
    stats: Stats
    lengths: Lengths
    rates: Rates
    standing: Standing | None = None


class _Weighed(NamedTuple):
    cost_usd: float
    candidate: Candidate
    price: Price
    input_tokens: float


def decide(
    ask: Ask,
    candidates: Sequence[Candidate],
    stakes: Stakes,
    *,
    wall: float,
    chance: Chance | None = None,
    tried: Collection[str] = (),
    elapsed_s: float = 0.0,
) -> Decision:
    """Choose; ``wall`` pins the prices, ``tried`` are out, ``elapsed_s`` has been used up."""
    fit, out = _sift(ask, candidates, wall, tried)
    q = question(ask.sla.bounds, ask.max_tokens, elapsed_s)
    if not fit:
        return Decision(_status(ask, None), (), tuple(out), _input(ask, candidates))
    if q.bounded:
        options = _walk(q, fit, stakes, chance)
    else:
        options = [_unbounded(w) for w in fit]
        options.sort(key=_by_score)
    head = options[0].endpoint
    best = next(w for w in fit if w.candidate.endpoint is head)
    told = _forecast(ask, q, best)
    if ask.sla.mode is not Mode.BEST_EFFORT and q.bounded and not _hopeful(ask, q, fit):
        return Decision(Status.BEST_EFFORT, (), tuple(out), best.input_tokens, told)
    return Decision(
        _status(ask, told),
        tuple(options),
        tuple(out),
        best.input_tokens,
        told,
        unweighed=len(fit) - len(options),
    )


def explain(
    ask: Ask, candidates: Sequence[Candidate], decision: Decision, *, wall: float
) -> Explained:
    """Tell a decision in full: every endpoint's forecast, and why it is where it is."""
    fit, _ = _sift(ask, candidates, wall, ())
    gone = {r.endpoint for r in decision.out}
    fit = [w for w in fit if w.candidate.endpoint.id not in gone]
    q = question(ask.sla.bounds, ask.max_tokens)
    forecasts = [(w.candidate.endpoint, _forecast(ask, q, w, detailed=True)) for w in fit]
    chosen = decision.chosen
    head = next((f for e, f in forecasts if e is chosen), None)
    rejections = list(decision.out)
    for endpoint, told in forecasts:
        if endpoint is chosen:
            continue
        rejections.append(_outranked(endpoint, told, head))
    return Explained(decision, tuple(forecasts), tuple(rejections))


def _sift(
    ask: Ask, candidates: Sequence[Candidate], wall: float, tried: Collection[str]
) -> tuple[list[_Weighed], list[Rejection]]:
    fit: list[_Weighed] = []
    out: list[Rejection] = []
    bounds, max_tokens = ask.sla.bounds, ask.max_tokens
    window = max((b.limit for b in bounds if b.kind is BoundKind.CONTEXT), default=None)
    max_cost = min((b.limit for b in bounds if b.kind is BoundKind.COST), default=inf)
    picky = ask.preferences is not NO_PREFERENCES and ask.preferences != NO_PREFERENCES
    guessed = guess(ask.prompt)
    answers: dict[int, float] = {}
    for candidate in candidates:
        endpoint, _, lengths, rates, _ = candidate
        tokens = guessed * rates.correction(ask.prompt)
        rejection = _hard_fact(ask, candidate, tokens, window=window, wall=wall, tried=tried)
        if rejection is not None:
            out.append(rejection)
            continue
        price = endpoint.price
        if price is None:
            out.append(Rejection(endpoint.id, Reason.PRICE_UNKNOWN, _NO_PRICE))
            continue
        if price.windows:
            price = price.at(wall)
        answer = answers.get(id(lengths))
        if answer is None:
            answer = answers[id(lengths)] = lengths.mean_capped(max_tokens)
        cost = (price.input * tokens + price.output * answer) * 1e-6 + price.fee
        if picky:
            rejection = _unwanted(ask.preferences, endpoint, price)
        if rejection is None and cost > max_cost:
            rejection = _over_cost(endpoint, cost, max_cost)
        if rejection is not None:
            out.append(rejection)
            continue
        fit.append(_Weighed(cost, candidate, price, tokens))
    fit.sort(key=_by_cost)
    return fit, out


_by_cost = itemgetter(0)
_by_score = itemgetter(1)
_NO_PRICE = "its price is not known; set price in the configuration"


def _hard_fact(
    ask: Ask,
    candidate: Candidate,
    tokens: float,
    *,
    window: float | None,
    wall: float,
    tried: Collection[str],
) -> Rejection | None:
    endpoint, _, lengths, _, standing = candidate
    if tried and endpoint.id in tried:
        return Rejection(endpoint.id, Reason.TRIED, "already tried for this request")
    if standing is not None:
        return Rejection(
            endpoint.id,
            standing.reason,
            standing.detail,
            retry_after_s=max(0.0, standing.until_wall - wall),
        )
    if ask.needs and not ask.needs <= endpoint.capabilities:
        lacking = ", ".join(sorted(ask.needs - endpoint.capabilities))
        return Rejection(endpoint.id, Reason.CAPABILITY, f"does not offer {lacking}")
    if endpoint.unsupported_params and not endpoint.unsupported_params.isdisjoint(ask.params):
        lacking = ", ".join(sorted(ask.params & endpoint.unsupported_params))
        return Rejection(endpoint.id, Reason.PARAMETER, f"does not take {lacking}")
    if ask.max_tokens and endpoint.max_output and ask.max_tokens > endpoint.max_output:
        return Rejection(
            endpoint.id,
            Reason.PARAMETER,
            f"gives at most {endpoint.max_output} output tokens, max_tokens asks {ask.max_tokens}",
            limit=float(ask.max_tokens),
            value=float(endpoint.max_output),
        )
    needed = window
    if needed is None:
        answer = ask.max_tokens or lengths.nodes[-1][1]
        needed = tokens * PROMPT_MARGIN + answer
    if endpoint.context < needed:
        return Rejection(
            endpoint.id,
            Reason.CONTEXT,
            f"window of {endpoint.context} tokens, {needed:.0f} needed",
            limit=needed,
            value=float(endpoint.context),
        )
    return None


def _unwanted(wish: Preferences, endpoint: Endpoint, price: Price) -> Rejection | None:
    name = endpoint.id
    if wish.only and name not in wish.only and endpoint.provider not in wish.only:
        return Rejection(name, Reason.NOT_PREFERRED, "not in provider.only")
    if name in wish.ignore or endpoint.provider in wish.ignore:
        return Rejection(name, Reason.NOT_PREFERRED, "in provider.ignore")
    if wish.deny_data_collection and endpoint.data_collection:
        return Rejection(name, Reason.DATA_POLICY, "may keep prompts; data_collection is deny")
    if wish.quantizations and endpoint.quantization not in wish.quantizations:
        return Rejection(name, Reason.QUANTIZATION, f"serves {endpoint.quantization}")
    for cap, value in ((wish.max_price_input, price.input), (wish.max_price_output, price.output)):
        if cap is not None and value > cap:
            return Rejection(
                name, Reason.PRICE_CAP, "dearer per million tokens", limit=cap, value=value
            )
    return None


def _over_cost(endpoint: Endpoint, cost: float, max_cost: float) -> Rejection:
    return Rejection(
        endpoint.id,
        Reason.COST_BOUND,
        f"expected to cost {cost:.6f} USD",
        limit=max_cost,
        value=cost,
        cost_usd=cost,
    )


def _walk(q: Question, fit: list[_Weighed], stakes: Stakes, chance: Chance | None) -> list[Option]:
    paid = next((w.cost_usd for w in fit if w.cost_usd > 0), 1e-6)
    stake = stakes.lam * (stakes.typical_usd or paid)
    options, likely = _weigh(q, fit, stake, chance, LIKELY)
    if not likely:
        options, likely = _weigh(q, fit, stake, chance, 0.0)
    if likely:
        options.sort(key=_by_hope)
        return options
    options = [
        o._replace(score_usd=o.score_usd + stake * (1 - o.p_keep) * _late(q, w))
        for o, w in zip(options, fit, strict=True)
    ]
    options.sort(key=_by_score)
    return options


def _weigh(
    q: Question, fit: list[_Weighed], stake: float, chance: Chance | None, at_least: float
) -> tuple[list[Option], bool]:
    """Score from the cheapest up, and tell whether anybody is likely to keep the bounds.

    Chances below ``at_least`` are upper bounds; those endpoints stand behind the likely ones.
    """
    options: list[Option] = []
    best, likely = inf, False
    for cost, candidate, price, tokens in fit:
        if likely and cost > best:
            break
        endpoint, stats, lengths, _, _ = candidate
        if chance is None:
            belief = predictive(stats)
        else:
            speed = chance() if q.decodes else 0.0
            belief = drawn(stats, POSTERIOR_SCALE, chance(), speed)
        token_usd, prompt_usd = price.output * 1e-6, price.input * tokens * 1e-6 + price.fee
        keep = p_keep(q, tokens * 1e-3, token_usd, prompt_usd, stats, lengths, belief, at_least)
        score = cost + stake * (1 - keep)
        options.append(Option(endpoint, score, cost, keep))
        if keep >= LIKELY:
            best, likely = min(best, score), True
    return options, likely


def _by_hope(option: Option) -> tuple[bool, float]:
    return option.p_keep < LIKELY, option.score_usd


def _late(q: Question, weighed: _Weighed) -> float:
    candidate = weighed.candidate
    return lateness(q, weighed.input_tokens * 1e-3, candidate.stats, candidate.lengths)


def _unbounded(weighed: _Weighed) -> Option:
    fails = max(0.0, weighed.candidate.stats.p_fail - FAILURES_TOLERATED)
    score = weighed.cost_usd * (1 + FAILURE_COST_SHARE * fails)
    return Option(weighed.candidate.endpoint, score, weighed.cost_usd, 1.0)


def _forecast(ask: Ask, q: Question, weighed: _Weighed, *, detailed: bool = False) -> Forecast:
    candidate = weighed.candidate
    return forecast(
        ask,
        q,
        candidate.endpoint,
        price=weighed.price,
        input_tokens=weighed.input_tokens,
        stats=candidate.stats,
        lengths=candidate.lengths,
        detailed=detailed,
    )


def _hopeful(ask: Ask, q: Question, fit: list[_Weighed]) -> bool:
    """Whether any endpoint may keep the bounds, given the benefit of its doubt.

    Failures are left to the second attempt: the rate is taken out.
    """
    for weighed in fit:
        stats = weighed.candidate.stats._replace(p_fail=0.0)
        price = weighed.price
        keep = p_keep(
            q,
            weighed.input_tokens / 1000,
            price.output * 1e-6,
            price.input * weighed.input_tokens * 1e-6 + price.fee,
            stats,
            weighed.candidate.lengths,
            optimistic(stats),
        )
        if keep >= ask.sla.percentile:
            return True
    return False


def _status(ask: Ask, told: Forecast | None) -> Status:
    if not any(b.kind is not BoundKind.CONTEXT for b in ask.sla.bounds):
        return Status.UNBOUNDED
    if told is None or told.p_keep < ask.sla.percentile:
        return Status.BEST_EFFORT
    return Status.OK


def _input(ask: Ask, candidates: Sequence[Candidate]) -> float:
    return candidates[0].rates.prompt_tokens(ask.prompt) if candidates else 0.0


def _outranked(endpoint: Endpoint, told: Forecast, head: Forecast | None) -> Rejection:
    broken = tuple(e for e in told.expectations if not e.kept)
    if broken:
        worst = min(broken, key=lambda e: e.p_keep)
        return Rejection(
            endpoint.id,
            Reason.BOUND,
            f"{worst.kind.value} {_plain(worst.limit)}: {_plain(worst.predicted)} expected"
            f" at p{worst.percentile * 100:g}",
            cost_usd=told.cost_usd,
            expectations=broken,
        )
    dearer = head is None or told.cost_usd >= head.cost_usd
    if dearer:
        why = "costs more"
    elif told.expectations:
        why = f"keeps the bounds less surely ({told.p_keep:.3f})"
    else:
        why = "fails too often to be the cheapest"
    return Rejection(
        endpoint.id,
        Reason.DEARER if dearer else Reason.SLOWER,
        why,
        cost_usd=told.cost_usd,
        expectations=told.expectations,
    )


def _plain(value: float) -> str:
    """Write a number as a person would: no exponent, no false precision."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
