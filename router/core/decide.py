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

In a conversation the cost of the turns to come is added, at the price a remembered prompt has
here: the first turn goes where the later ones will be cheap, and a warm cache is a price, not a
rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import exp, inf
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from router.core.ask import NO_PREFERENCES, Ask, BoundKind, Mode, Preferences
from router.core.catalogue import Endpoint, EndpointId, Price
from router.core.decision import (
    Decision,
    Explained,
    Forecast,
    Option,
    Reason,
    Rejection,
    Shadow,
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

RELAXED = 1.25
"""One step of relaxing a bound, to tell what it costs."""
LATER_SHARE = 0.7
"""What the later turns of a conversation count of their cost here: it may move on (study)."""

LIKELY = 0.5
"""Below this P(keep) even the typical answer misses: such an endpoint never serves while another
reaches it, however cheap a miss has become. Where nobody does, it matters by how much."""

Chance = Callable[[], float]
"""Draws a standard normal deviate."""
Warm = Mapping[EndpointId, float]
"""Tokens of a conversation that an endpoint has read lately."""
COLD: Warm = MappingProxyType({})


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
    """``total_usd`` is ``cost_usd`` and what the later turns of the conversation will cost.

    ``cached`` are the prompt tokens that the endpoint should remember; ``lengths`` one draw of
    what the candidate's may be.
    """

    total_usd: float
    cost_usd: float
    candidate: Candidate
    price: Price
    input_tokens: float
    cached: float
    prompt_usd: float
    lengths: Lengths


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
    later = LATER_SHARE * max(stakes.turns - 1, 0.0) if ask.session else 0.0
    fit, out = _sift(ask, candidates, wall, tried, warm=warm, later=later, chance=chance)
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
    ask: Ask,
    candidates: Sequence[Candidate],
    decision: Decision,
    stakes: Stakes,
    *,
    wall: float,
    warm: Warm = COLD,
) -> Explained:
    """Tell a decision in full: every endpoint's forecast, and why it is where it is.

    With it comes what each bound costs: the same decision with that bound relaxed by a step.
    """
    fit, _ = _sift(ask, candidates, wall, (), warm=warm)
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
    shadows: tuple[Shadow, ...] = ()
    if head is not None:
        shadows = _shadows(ask, candidates, stakes, wall=wall, warm=warm)
    return Explained(decision, tuple(forecasts), tuple(rejections), shadows)


def _shadows(
    ask: Ask, candidates: Sequence[Candidate], stakes: Stakes, *, wall: float, warm: Warm
) -> tuple[Shadow, ...]:
    """Decide on average, once as declared and once with each bound relaxed by a step."""

    def cost(asked: Ask) -> tuple[EndpointId | None, float]:
        decision = decide(asked, candidates, stakes, wall=wall, warm=warm)
        if not decision.plan:
            return None, 0.0
        return decision.plan[0].endpoint.id, decision.plan[0].cost_usd

    _, declared_usd = cost(ask)
    found = []
    for bound in ask.sla.bounds:
        eased = replace(bound, limit=bound.limit * RELAXED ** (-1 if bound.kind.is_floor else 1))
        bounds = tuple(eased if b is bound else b for b in ask.sla.bounds)
        endpoint, cost_usd = cost(replace(ask, sla=replace(ask.sla, bounds=bounds)))
        if endpoint is not None:
            saves = max(0.0, declared_usd - cost_usd)
            found.append(Shadow(bound.kind, bound.limit, eased.limit, endpoint, saves))
    return tuple(found)


def _sift(
    ask: Ask,
    candidates: Sequence[Candidate],
    wall: float,
    tried: Collection[str],
    *,
    warm: Warm,
    later: float = 0.0,
    chance: Chance | None = None,
) -> tuple[list[_Weighed], list[Rejection]]:
    """Sort out who can serve, the cheapest first, and why the others cannot.

    ``later`` is how many more turns are counted; ``chance`` draws answer lengths in doubt, once
    for each model.
    """
    fit: list[_Weighed] = []
    out: list[Rejection] = []
    bounds, max_tokens = ask.sla.bounds, ask.max_tokens
    window = max((b.limit for b in bounds if b.kind is BoundKind.CONTEXT), default=None)
    max_cost = min((b.limit for b in bounds if b.kind is BoundKind.COST), default=inf)
    picky = ask.preferences is not NO_PREFERENCES and ask.preferences != NO_PREFERENCES
    guessed = guess(ask.prompt)
    answers: dict[int, float] = {}
    stretch: dict[str, float] = {}
    for candidate in candidates:
        endpoint, stats, lengths, rates, _ = candidate
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
        if chance is not None and lengths.doubt:
            factor = stretch.get(endpoint.family)
            if factor is None:
                factor = exp(POSTERIOR_SCALE * lengths.doubt * chance())
                stretch[endpoint.family] = factor
            lengths = lengths.scaled(factor)
            answer = lengths.mean_capped(max_tokens)
        else:
            known = answers.get(id(lengths))
            answer = lengths.mean_capped(max_tokens) if known is None else known
            answers[id(lengths)] = answer
        prompt_usd = price.input * tokens * 1e-6 + price.fee
        cached = min(warm.get(endpoint.id, 0.0), tokens) if warm else 0.0
        if cached:
            prompt_usd -= price.cache_saves_usd * cached * stats.cache_hit
        cost = total = prompt_usd + price.output * answer * 1e-6
        if later:
            total += later * _later_usd(price, tokens + answer, answer, stats.cache_hit)
        if picky:
            rejection = _unwanted(ask.preferences, endpoint, price)
        if rejection is None and cost > max_cost:
            rejection = _over_cost(endpoint, cost, max_cost)
        if rejection is not None:
            out.append(rejection)
            continue
        fit.append(_Weighed(total, cost, candidate, price, tokens, cached, prompt_usd, lengths))
    fit.sort(key=_by_total)
    return fit, out


def _later_usd(price: Price, prompt: float, answer: float, hit: float) -> float:
    """Expected cost of a later turn whose prompt, but for the cache's misses, is remembered."""
    return (
        (price.input * prompt + price.output * answer) * 1e-6
        + price.fee
        - price.cache_saves_usd * prompt * hit
    )


_by_total = itemgetter(0)
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
    for total, cost, candidate, price, tokens, cached, prompt_usd, lengths in fit:
        if likely and total > best:
            break
        endpoint, stats, _, _, _ = candidate
        if chance is None:
            belief = predictive(stats)
        else:
            speed = chance() if q.decodes else 0.0
            belief = drawn(stats, POSTERIOR_SCALE, chance(), speed)
        token_usd = price.output * 1e-6
        keep = p_keep(q, tokens * 1e-3, token_usd, prompt_usd, stats, lengths, belief, at_least)
        if cached:
            left_k, hit = (tokens - cached) * 1e-3, stats.cache_hit
            hot = p_keep(q, left_k, token_usd, prompt_usd, stats, lengths, belief, at_least)
            keep += hit * (hot - keep)
        score = total + stake * (1 - keep)
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
    score = weighed.total_usd * (1 + FAILURE_COST_SHARE * fails)
    return Option(weighed.candidate.endpoint, score, weighed.cost_usd, 1.0)


def _forecast(ask: Ask, q: Question, weighed: _Weighed, *, detailed: bool = False) -> Forecast:
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
            (weighed.input_tokens - weighed.cached) / 1000,
            price.output * 1e-6,
            weighed.prompt_usd,
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
