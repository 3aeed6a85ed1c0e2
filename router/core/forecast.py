"""What is expected of one endpoint for one request: chances of keeping bounds, times and cost.

Probabilities come from distributions and are joined where they depend on each other: the wait,
the first answer token and the end of an answer share one TTFT and one answer length, so the
chance of keeping all three is

    sum over answer lengths n of  w(n) * P(TTFT <= min(ttft, ttfat - n r/v, e2e - n s/v))

(v = speed, r and s the shares of the output streamed as reasoning, and streamed at all). It is
never a sum of quantiles. Speed and answer tokens are taken as independent of the rest. A failure
leaves time for a second try about half the time, so it costs half a miss.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import exp, inf, log, sqrt
from typing import NamedTuple

from router.core.ask import Ask, Bound, BoundKind
from router.core.catalogue import Endpoint, Price
from router.core.decision import Expectation, Forecast
from router.core.lengths import Lengths
from router.core.numbers import normal_cdf, normal_quantile
from router.core.stats import SHAPE, SHAPE_LOW, SHAPE_STEP, Stats

RETRY_SHARE = 0.5
"""Share of failures that still leave time for another endpoint (study, section 3)."""
WORST_LATENESS = 5.0
"""Lateness (log of predicted over allowed) above which one miss is as bad as another."""
LENGTH_SD = 0.45
"""Typical spread (log) of answer lengths, to widen decode times by the doubt about speed."""

_CELLS = SHAPE.size
_INVERSE_STEP = 1 / SHAPE_STEP


class Question(NamedTuple):
    """The bounds of a request, unpacked once: seconds, log tokens/s, tokens, USD; inf = none."""

    ttft_s: float
    ttfat_s: float
    e2e_s: float
    log_tps: float
    tokens: float
    cost_usd: float
    max_tokens: int | None
    bounded: bool


def question(
    bounds: Iterable[Bound], max_tokens: int | None, elapsed_s: float = 0.0
) -> Question:
    """Unpack bounds; ``elapsed_s`` of the client's time has been used up already."""
    limit = dict.fromkeys(BoundKind, inf)
    speed, bounded = -inf, False
    for bound in bounds:
        bounded = bounded or bound.kind is not BoundKind.CONTEXT
        if bound.kind is BoundKind.TPS:
            speed = max(speed, log(bound.limit))
        else:
            limit[bound.kind] = min(limit[bound.kind], bound.limit)
    return Question(
        ttft_s=limit[BoundKind.TTFT] / 1000 - elapsed_s,
        ttfat_s=limit[BoundKind.TTFAT] / 1000 - elapsed_s,
        e2e_s=limit[BoundKind.E2E] / 1000 - elapsed_s,
        log_tps=speed,
        tokens=limit[BoundKind.ANSWER_TOKENS],
        cost_usd=limit[BoundKind.COST],
        max_tokens=max_tokens,
        bounded=bounded,
    )


class Belief(NamedTuple):
    """The uncertain part of an endpoint as one draw sees it, or its whole predictive spread.

    ``cdf`` is the residual's distribution around ``level``; ``speed`` the mean log tokens/s.
    """

    level: float
    cdf: tuple[float, ...]
    speed: float
    speed_sd: float


def predictive(stats: Stats) -> Belief:
    """Everything that is unsure enters the spread: what a forecast should say."""
    return Belief(
        stats.level, stats.wide, stats.speed, sqrt(stats.speed_sd**2 + stats.speed_level_sd**2)
    )


def drawn(stats: Stats, scale: float, wait: float, speed: float) -> Belief:
    """One posterior draw (Thompson): ``wait`` and ``speed`` are standard normal deviates."""
    return Belief(
        stats.level + scale * stats.level_sd * wait,
        stats.shape,
        stats.speed + scale * stats.speed_level_sd * speed,
        stats.speed_sd,
    )


def optimistic(stats: Stats) -> Belief:
    """The endpoint as good as one standard deviation of doubt allows: for refusing fairly."""
    return drawn(stats, 1.0, -1.0, 1.0)


def p_wait(cdf: Sequence[float], residual: float) -> float:
    """P(log residual <= ``residual``), linear between the edges of the grid."""
    at = (residual - SHAPE_LOW) * _INVERSE_STEP
    if at <= 0:
        return 0.0
    if at >= _CELLS:
        return 1.0
    cell = int(at)
    low = cdf[cell]
    return low + (at - cell) * (cdf[cell + 1] - low)


def decode_times(
    lengths: Lengths, belief: Belief, max_tokens: int | None
) -> list[tuple[float, float]]:
    """Return (weight, seconds per unit share of output) for the lengths of the forecast."""
    cap = inf if max_tokens is None else max_tokens
    pace = exp(belief.speed)
    widen = sqrt(1 + (belief.speed_sd / LENGTH_SD) ** 2)
    if widen < 1.02:
        return [(w, min(n, cap) / pace) for w, n in lengths.nodes]
    middle = lengths.nodes[2][1]
    return [(w, middle * (min(n, cap) / middle) ** widen / pace) for w, n in lengths.nodes]


def p_keep(
    q: Question, prompt_k: float, cost_of_token_usd: float, prompt_usd: float, stats: Stats,
    lengths: Lengths, belief: Belief,
) -> float:
    """P(every bound holds). ``prompt_k`` in thousands of tokens, prices in USD."""
    p = 1 - (1 - RETRY_SHARE) * stats.p_fail
    if q.log_tps > -inf:
        p *= normal_cdf((belief.speed - q.log_tps) / belief.speed_sd)
    tokens = q.tokens
    if q.cost_usd < inf and cost_of_token_usd > 0:
        tokens = min(tokens, (q.cost_usd - prompt_usd) / cost_of_token_usd)
    if tokens < inf and (q.max_tokens is None or q.max_tokens > tokens):
        p *= lengths.p_at_most(tokens)
    base = stats.log_line(prompt_k) + belief.level
    if q.e2e_s < inf or (q.ttfat_s < inf and lengths.reasoning > 0):
        total, cdf = 0.0, belief.cdf
        for weight, seconds in decode_times(lengths, belief, q.max_tokens):
            left = min(
                q.ttft_s,
                q.e2e_s - seconds * lengths.visible,
                q.ttfat_s - seconds * lengths.reasoning,
            )
            if left <= 0:
                break
            total += weight * p_wait(cdf, log(left) - base)
        return p * total
    wait = min(q.ttft_s, q.ttfat_s)
    if wait == inf:
        return p
    return p * p_wait(belief.cdf, log(wait) - base) if wait > 0 else 0.0


def lateness(q: Question, prompt_k: float, stats: Stats, lengths: Lengths) -> float:
    """How far the typical answer misses its bounds: sum of log(predicted / allowed), capped.

    Among endpoints that will all miss, the closest has the smallest.
    """
    wait = exp(stats.log_line(prompt_k) + stats.level)
    decode = lengths.mean_capped(q.max_tokens) / exp(stats.speed)
    late = 0.0
    for allowed, typical in (
        (q.ttft_s, wait),
        (q.ttfat_s, wait + decode * lengths.reasoning),
        (q.e2e_s, wait + decode * lengths.visible),
        (q.tokens, lengths.mean),
    ):
        if allowed < inf:
            late += max(0.0, log(typical / max(allowed, 1e-3)))
    if q.log_tps > -inf:
        late += max(0.0, q.log_tps - stats.speed)
    return min(late, WORST_LATENESS)


def wait_quantile(p: float, prompt_k: float, stats: Stats, belief: Belief) -> float:
    """TTFT in seconds that a share ``p`` of requests does not exceed."""
    cdf = belief.cdf
    cell = min(max(bisect_left(cdf, p), 1), _CELLS)
    low, high = cdf[cell - 1], cdf[cell]
    inside = (p - low) / (high - low) if high > low else 1.0
    residual = SHAPE_LOW + SHAPE_STEP * (cell - 1 + min(max(inside, 0.0), 1.0))
    return exp(stats.log_line(prompt_k) + belief.level + residual)


def end_quantile(
    p: float, prompt_k: float, stats: Stats, belief: Belief, decodes: Iterable[tuple[float, float]]
) -> float:
    """Seconds within which a share ``p`` of answers is done, by inverting the mixture.

    ``decodes`` are (weight, seconds). Starts between the sums of medians and of tails and closes
    in by false position on the log scale; five steps leave well under one percent.
    """
    base = stats.log_line(prompt_k) + belief.level
    times = list(decodes)
    low = max(wait_quantile(0.02, prompt_k, stats, belief), 1e-4)
    high = wait_quantile(0.998, prompt_k, stats, belief) + times[-1][1] * 1.05
    at_low, at_high = 0.0, 1.0

    def below(t: float) -> float:
        total = 0.0
        for weight, seconds in times:
            if t <= seconds:
                break
            total += weight * p_wait(belief.cdf, log(t - seconds) - base)
        return total

    t = high
    for step in range(6):
        span = log(high / low)
        share = (p - at_low) / (at_high - at_low) if step % 2 else 0.5
        t = low * exp(span * min(max(share, 0.02), 0.98))
        at = below(t)
        if abs(at - p) < 2e-3:
            break
        if at < p:
            low, at_low = t, at
        else:
            high, at_high = t, at
    return t


def forecast(
    ask: Ask, q: Question, endpoint: Endpoint, price: Price, input_tokens: float, stats: Stats,
    lengths: Lengths, *, detailed: bool = False,
) -> Forecast:
    """Tell what is expected; ``detailed`` adds one expectation per declared bound."""
    belief = predictive(stats)
    prompt_k = input_tokens / 1000
    percentile = ask.sla.percentile
    decodes = decode_times(lengths, belief, ask.max_tokens)
    ends = [(w, s * lengths.visible) for w, s in decodes]
    output = lengths.mean_capped(ask.max_tokens)
    cost_usd = price.nano_usd(
        fresh=input_tokens, cache_read=0, cache_write=0, output=output
    ) / 1e9
    prompt_usd = price.input * input_tokens / 1e6 + price.fee
    result = Forecast(
        ttft_ms=1000 * wait_quantile(percentile, prompt_k, stats, belief),
        e2e_ms=1000 * end_quantile(percentile, prompt_k, stats, belief, ends),
        tps=exp(belief.speed - normal_quantile(percentile) * belief.speed_sd),
        output_tokens=output,
        input_tokens=input_tokens,
        cost_usd=cost_usd,
        p_keep=p_keep(q, prompt_k, price.output / 1e6, prompt_usd, stats, lengths, belief)
        if q.bounded
        else 1.0,
    )
    if not detailed:
        return result

    def predicted(bound: Bound) -> tuple[float, int]:
        """Value at the bound's percentile and the samples behind it."""
        at = bound.percentile
        match bound.kind:
            case BoundKind.TTFT:
                return 1000 * wait_quantile(at, prompt_k, stats, belief), stats.ttft_samples
            case BoundKind.TTFAT:
                firsts = [(w, s * lengths.reasoning) for w, s in decodes]
                value = end_quantile(at, prompt_k, stats, belief, firsts)
                return 1000 * value, stats.ttft_samples
            case BoundKind.E2E:
                value = end_quantile(at, prompt_k, stats, belief, ends)
                return 1000 * value, min(stats.ttft_samples, lengths.samples)
            case BoundKind.TPS:
                return exp(
                    belief.speed - normal_quantile(at) * belief.speed_sd
                ), stats.speed_samples
            case BoundKind.CONTEXT:
                return float(endpoint.context), 0
            case BoundKind.ANSWER_TOKENS:
                return lengths.quantile(at), lengths.samples
            case BoundKind.COST:
                tail = lengths.quantile(at) if ask.max_tokens is None else output
                return prompt_usd + tail * price.output / 1e6, lengths.samples

    expectations = []
    for bound in ask.sla.bounds:
        value, samples = predicted(bound)
        alone = question((bound,), ask.max_tokens)
        chance = (
            float(endpoint.context >= bound.limit)
            if bound.kind is BoundKind.CONTEXT
            else p_keep(alone, prompt_k, price.output / 1e6, prompt_usd, stats, lengths, belief)
        )
        expectations.append(
            Expectation(bound.kind, bound.limit, value, bound.percentile, chance, samples)
        )
    return replace(result, expectations=tuple(expectations))
