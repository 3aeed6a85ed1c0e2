"""Who can serve at all, and at what expected cost: hard facts first, each leaving a reason.

In a conversation the cost of the turns to come is added, at the price a remembered prompt has
here: the first turn goes where the later ones will be cheap, and a warm cache is a price, not a
rule. What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from math import exp, inf
from operator import itemgetter
from typing import NamedTuple

from router.core.ask import NO_PREFERENCES, Ask, Preferences
from router.core.candidate import Candidate, Warm
from router.core.catalogue import Endpoint, Price
from router.core.decision import Reason, Rejection
from router.core.dialects import EXPRESSIBLE, SEALED, way
from router.core.forecast import Question
from router.core.lengths import Lengths
from router.core.tokens import guess
from router.core.tuples import new

POSTERIOR_SCALE = 0.7
"""How far draws reach into the doubt (study: .35 was slow to find better models, 1.0 equal)."""
PROMPT_MARGIN = 1.1
"""How much longer than estimated a prompt may turn out, where a window is decided on. To it
comes the p99 answer (the last node of its lengths), unless the client said how much it wants. A
guess, not measured: less lets prompts burst a window, more passes by windows that would do."""

Chance = Callable[[], float]
"""Draws a standard normal deviate."""


class Weighed(NamedTuple):
    """``total_usd`` is ``cost_usd`` and what the later turns of the conversation will cost.

    ``cached`` are the prompt tokens that the endpoint should remember; ``stretch`` is one draw of
    how much longer its model's answers are than believed.
    """

    total_usd: float
    cost_usd: float
    candidate: Candidate
    price: Price
    input_tokens: float
    cached: float
    prompt_usd: float
    stretch: float

    @property
    def read_k(self) -> float:
        """Thousands of prompt tokens that will have to be read, on average."""
        return (self.input_tokens - self.cached * self.candidate.stats.cache_hit) / 1000

    @property
    def later_usd(self) -> float:
        """What the later turns of the conversation will cost here."""
        return self.total_usd - self.cost_usd


def sift(
    ask: Ask,
    q: Question,
    candidates: Sequence[Candidate],
    *,
    wall: float,
    warm: Warm,
    tried: Collection[str] = (),
    later: float = 0.0,
    chance: Chance | None = None,
) -> tuple[list[Weighed], list[Rejection]]:
    """Sort out who can serve, the cheapest first, and why the others cannot.

    ``q`` are the bounds of ``ask``, of which only money and window count here: time is a matter
    of chances. ``later`` is how many more turns of the conversation count; ``chance`` draws answer
    lengths that are in doubt.
    """
    fit: list[Weighed] = []
    out: list[Rejection] = []
    surface, needs, max_tokens, wishes = ask.surface, ask.needs, ask.max_tokens, ask.preferences
    picky = q.cost_usd < inf or (wishes is not NO_PREFERENCES and wishes != NO_PREFERENCES)
    guessed, foreign = guess(ask.prompt), ask.prompt.other_bytes > 0
    grows = not q.context and surface.generates
    needed = q.context
    stretches = {} if chance is None else _stretches(candidates, chance)
    means: dict[int, float] = {}
    for candidate in candidates:
        endpoint, stats, lengths, rates, _, standing = candidate
        tokens = guessed * (rates.other if foreign else rates.ascii)
        if grows:
            needed = tokens * PROMPT_MARGIN + (max_tokens or lengths.nodes[-1][1])
        stretch = stretches.get(endpoint.family, 1.0) if stretches else 1.0
        if (
            standing
            or endpoint.context < needed
            or surface not in endpoint.speaks
            or endpoint.unsupported_params
            or (tried and endpoint.id in tried)
            or (needs and not needs <= endpoint.capabilities)
            or (max_tokens and endpoint.max_output)
        ):
            rejection = _hard_fact(ask, candidate, needed, wall=wall, tried=tried)
            if rejection is not None:
                out.append(rejection)
                continue
        price = endpoint.price
        if price is None:
            out.append(Rejection(endpoint.id, Reason.PRICE_UNKNOWN, _NO_PRICE))
            continue
        listed = price
        if price.varies:
            thinking = lengths.reasoning + 1 - lengths.visible
            price = listed.quoted(wall, tokens, ask.tier, thinking)
        answer = lengths.mean if max_tokens is None else _mean(means, lengths, max_tokens / stretch)
        answer *= stretch
        prompt_usd = price.input * tokens * 1e-6 + price.fee
        cached = min(warm.get(endpoint.id, 0.0), tokens) if warm else 0.0
        if cached:
            prompt_usd -= price.cache_saves_usd * cached * stats.cache_hit
        cost = total = prompt_usd + price.output * answer * 1e-6
        if later:
            prompt = tokens + answer
            then = listed.quoted(wall, prompt, ask.tier, thinking) if listed.above else price
            total += later * _later_usd(then, prompt, answer, stats.cache_hit)
        if picky:
            rejection = (
                _unwanted(wishes, endpoint, price)
                or _unpriced(ask, endpoint)
                or _over_cost(endpoint, cost, q.cost_usd)
            )
            if rejection is not None:
                out.append(rejection)
                continue
        weighed = (total, cost, candidate, price, tokens, cached, prompt_usd, stretch)
        fit.append(new(Weighed, weighed))
    fit.sort(key=_by_total)
    return fit, out


_by_total = itemgetter(0)


def _stretches(candidates: Sequence[Candidate], chance: Chance) -> dict[str, float]:
    """Draw, once for each model, how much longer its answers are than believed."""
    found: dict[str, float] = {}
    for candidate in candidates:
        doubt = candidate.lengths.doubt
        if doubt and candidate.endpoint.family not in found:
            found[candidate.endpoint.family] = exp(POSTERIOR_SCALE * doubt * chance())
    return found


def _mean(found: dict[int, float], lengths: Lengths, max_tokens: float) -> float:
    """Return the mean answer that is cut at ``max_tokens``, summed once for each ``lengths``.

    These are one model's, which has one stretch: so ``max_tokens`` is the same each time.
    """
    mean = found.get(id(lengths))
    if mean is None:
        mean = found[id(lengths)] = lengths.mean_capped(max_tokens)
    return mean


def _later_usd(price: Price, prompt: float, answer: float, hit: float) -> float:
    """Expected cost of a later turn whose prompt, but for the cache's misses, is remembered."""
    fresh_usd = (price.input * prompt + price.output * answer) * 1e-6 + price.fee
    return fresh_usd - price.cache_saves_usd * prompt * hit


_NO_PRICE = "its price is not known; set price in the configuration"


def _hard_fact(
    ask: Ask,
    candidate: Candidate,
    needed: float,
    *,
    wall: float,
    tried: Collection[str],
) -> Rejection | None:
    endpoint, standing = candidate.endpoint, candidate.standing
    if tried and endpoint.id in tried:
        return Rejection(endpoint.id, Reason.TRIED, "already tried for this request")
    if standing is not None:
        return Rejection(
            endpoint.id,
            standing.reason,
            standing.detail,
            retry_after_s=max(0.0, standing.until_wall - wall),
        )
    if ask.surface not in endpoint.speaks:
        rejection = _untold(ask, endpoint)
        if rejection is not None:
            return rejection
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
    if endpoint.context < needed:
        return Rejection(
            endpoint.id,
            Reason.CONTEXT,
            f"window of {endpoint.context} tokens, {needed:.0f} needed",
            limit=needed,
            value=float(endpoint.context),
        )
    return None


def _untold(ask: Ask, endpoint: Endpoint) -> Rejection | None:
    """Refuse an endpoint that could only be told a part of the request, naming the rest."""
    behind = way(ask.surface, endpoint.speaks)
    if behind is None:
        spoken = ", ".join(sorted(endpoint.speaks))
        detail = f"does not speak {ask.surface}, only {spoken}"
        return Rejection(endpoint.id, Reason.SURFACE, detail)
    if ask.only_natively:
        reason = Reason.SIGNATURE if ask.only_natively in SEALED else Reason.PARAMETER
        detail = f"speaks {behind}, which has no {ask.only_natively}"
        return Rejection(endpoint.id, reason, detail)
    unknown = ask.params - EXPRESSIBLE[ask.surface, behind]
    if unknown:
        lacking = ", ".join(sorted(unknown))
        return Rejection(endpoint.id, Reason.PARAMETER, f"speaks {behind}, which has no {lacking}")
    return None


def _unwanted(wish: Preferences, endpoint: Endpoint, price: Price) -> Rejection | None:
    name = endpoint.id
    if wish.only and not is_named(endpoint, wish.only):
        return Rejection(name, Reason.NOT_PREFERRED, "not in provider.only")
    if wish.ignore and is_named(endpoint, wish.ignore):
        return Rejection(name, Reason.NOT_PREFERRED, "in provider.ignore")
    if wish.order and not wish.fallbacks and not is_named(endpoint, wish.order):
        why = "not in provider.order; allow_fallbacks is false"
        return Rejection(name, Reason.NOT_PREFERRED, why)
    if wish.deny_data_collection and endpoint.data_collection:
        return Rejection(name, Reason.DATA_POLICY, "may keep prompts; data_collection is deny")
    if wish.zero_retention and not endpoint.zero_retention:
        return Rejection(name, Reason.DATA_POLICY, "not known to keep nothing; zdr is true")
    if wish.quantizations and endpoint.quantization.lower() not in wish.quantizations:
        return Rejection(name, Reason.QUANTIZATION, f"serves {endpoint.quantization}")
    for cap, value, unit in (
        (wish.max_price_input, price.input, "million tokens"),
        (wish.max_price_output, price.output, "million tokens"),
        (wish.max_fee, price.fee, "request"),
    ):
        if cap is not None and value > cap:
            return Rejection(name, Reason.PRICE_CAP, f"dearer per {unit}", limit=cap, value=value)
    return None


def is_named(endpoint: Endpoint, names: Iterable[str]) -> bool:
    """Whether one of ``names`` (in lower case) is the endpoint's or its provider's."""
    known = (endpoint.provider.lower(), endpoint.id.lower())
    return any(name in known for name in names)


def _unpriced(ask: Ask, endpoint: Endpoint) -> Rejection | None:
    """Refuse what was capped although nobody knows its price."""
    media = ask.needs & ask.preferences.capped_media
    if not media:
        return None
    why = f"its price of {', '.join(sorted(media))} is not known, and max_price caps it"
    return Rejection(endpoint.id, Reason.PRICE_UNKNOWN, why)


def _over_cost(endpoint: Endpoint, cost: float, max_cost: float) -> Rejection | None:
    if cost <= max_cost:
        return None
    return Rejection(
        endpoint.id,
        Reason.COST_BOUND,
        f"expected to cost {cost:.9f} USD, {max_cost:.9f} allowed",
        limit=max_cost,
        value=cost,
        cost_usd=cost,
    )
