"""What is expected of one endpoint for one request: chances of keeping bounds, times and cost.

Probabilities come from distributions and are joined where they depend on each other: the wait,
the first answer token and the end of an answer share one TTFT and one answer length, so the
chance of keeping all three is

    sum over answer lengths n of  w(n) * P(TTFT <= min(ttft, ttfat - n r/v, e2e - n s/v))

(v = speed, r and s the shares of the output streamed as reasoning, and streamed at all). It is
never a sum of quantiles. Speed and answer tokens are taken as independent of the rest. A failure
leaves time for a second try about half the time, so it costs half a miss.

What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import exp, hypot, inf, log, sqrt
from typing import NamedTuple

from router.core.ask import Ask, Bound, BoundKind
from router.core.catalogue import Endpoint, Price
from router.core.decision import Expectation, Forecast
from router.core.lengths import Lengths
from router.core.numbers import normal_cdf, normal_quantile
from router.core.stats import SHAPE, SHAPE_LOW, SHAPE_STEP, Stats
from router.core.tuples import new

RETRY_SHARE = 0.5
"""Share of failures that still leave time for another endpoint (study)."""
WORST_LATENESS = 5.0
"""Lateness (log of predicted over allowed) above which one miss is as bad as another: 150
times too late. A plain choice, not measured; it bounds what a score can be."""
NARROW = 0.2
"""Doubt about speed (over the spread of lengths) below which it widens times by under 2 %."""
CORRECTIONS, CLOSE = 3, 0.01
"""Steps of inverting a mixture, and how near in probability is near enough for figures that are
only shown: no decision reads them. Plain choices, not measured; more costs time."""
FURTHEST = 0.998
"""A step of that inversion takes no probability for nearer to 1 (or 0) than this, or it would leap
out of the tail. A guess, not measured."""
WIDEST = 1.0
"""Spread (log) of waits above which two lognormals no longer stand for a histogram that ends: their
mean square would run away. A guess, not measured."""

# What every request asks for: found in its enumeration (until Python 3.12) a member costs a call.
_TTFT, _TTFAT, _E2E, _TPS = BoundKind.TTFT, BoundKind.TTFAT, BoundKind.E2E, BoundKind.TPS
_CONTEXT, _ANSWER_TOKENS, _COST = BoundKind.CONTEXT, BoundKind.ANSWER_TOKENS, BoundKind.COST

_CELLS = SHAPE.size
_INVERSE_STEP = 1 / SHAPE_STEP


class Question(NamedTuple):
    """The bounds of a request, unpacked: seconds, log tokens/s, tokens, USD.

    Times are what is left of them after ``elapsed_s``. A bound that was not declared is infinite,
    of floors the lowest (``log_tps`` -inf, ``context`` 0). ``log_wait`` is the log of the shortest
    time, which no wait may exceed (-inf where it was used up); since it goes with the others, a
    question is made by ``question`` or ``ending``.
    """

    ttft_s: float
    ttfat_s: float
    e2e_s: float
    log_wait: float
    log_tps: float
    tokens: float
    cost_usd: float
    context: float
    max_tokens: int | None
    bounded: bool
    elapsed_s: float

    @property
    def timed(self) -> bool:
        """Whether any bound is on time or speed."""
        return self.log_wait < inf or self.log_tps > -inf

    @property
    def decodes(self) -> bool:
        """Whether any bound depends on speed."""
        return self.e2e_s < inf or self.ttfat_s < inf or self.log_tps > -inf

    def ending(self, e2e_s: float) -> Question:
        """Return the same, but of its times only the end is bounded, by ``e2e_s`` seconds."""
        return self._replace(ttft_s=inf, ttfat_s=inf, e2e_s=e2e_s, log_wait=_log(e2e_s))


def question(bounds: Iterable[Bound], max_tokens: int | None, elapsed_s: float = 0.0) -> Question:
    """Unpack bounds; ``elapsed_s`` of the client's time has been used up already."""
    ttft = ttfat = e2e = tokens = cost = inf
    speed, context, bounded = -inf, 0.0, False
    for bound in bounds:
        kind, limit = bound.kind, bound.limit
        if kind is _CONTEXT:
            context = max(context, limit)
            continue
        bounded = True
        if kind is _TTFT:
            ttft = min(ttft, limit / 1000 - elapsed_s)
        elif kind is _E2E:
            e2e = min(e2e, limit / 1000 - elapsed_s)
        elif kind is _TPS:
            speed = max(speed, log(max(limit, 1e-9)))
        elif kind is _TTFAT:
            ttfat = min(ttfat, limit / 1000 - elapsed_s)
        elif kind is _ANSWER_TOKENS:
            tokens = min(tokens, limit)
        elif kind is _COST:
            cost = min(cost, limit)
    wait = _log(min(ttft, ttfat, e2e))
    return Question(
        ttft, ttfat, e2e, wait, speed, tokens, cost, context, max_tokens, bounded, elapsed_s
    )


def _log(seconds: float) -> float:
    return log(seconds) if seconds > 0 else -inf


Answers = tuple[tuple[float, float], ...]
"""(weight, tokens) of the answers there may be, in rising order: points of integration."""


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
    return new(Belief, (stats.level, stats.wide, stats.speed, stats.speed_wide_sd))


def drawn(stats: Stats, scale: float, wait: float, speed: float) -> Belief:
    """One posterior draw (Thompson): ``wait`` and ``speed`` are standard normal deviates.

    Drawn is what is worth a trial; the other doubt stays in the spread.
    """
    level = stats.level + scale * stats.trial_sd * wait
    pace = stats.speed + scale * stats.speed_trial_sd * speed
    return new(Belief, (level, stats.blurred, pace, stats.speed_blurred_sd))


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


def answers(lengths: Lengths, speed_sd: float) -> Answers:
    """Return the answers there may be, spread further by doubt about speed (sd of its log).

    A decode time is tokens over speed; where speed is doubtful, times are spread by the root of
    the summed variances, which is put on the tokens so that one speed serves.
    """
    doubt = speed_sd / lengths.spread
    if doubt < NARROW:
        return lengths.nodes
    middle, widen = lengths.middle, sqrt(1 + doubt * doubt)
    return tuple([(w, middle * (n / middle) ** widen) for w, n in lengths.nodes])


def _capped(spread: Answers, most: float) -> Answers:
    return tuple([(w, min(n, most)) for w, n in spread])


def p_keep(  # noqa: PLR0917 - called for every endpoint of every request
    q: Question,
    prompt_k: float,
    token_usd: float,
    prompt_usd: float,
    stats: Stats,
    lengths: Lengths,
    spread: Answers,
    belief: Belief,
    at_least: float = 0.0,
    stretch: float = 1.0,
) -> float:
    """P(every bound holds). ``prompt_k`` in thousands of tokens, prices in USD.

    ``spread`` are the ``answers`` of ``lengths`` at the doubt about speed, all of them taken to be
    ``stretch`` times as long. Below ``at_least`` an upper bound is given, which needs no integral.
    """
    p = 1 - (1 - RETRY_SHARE) * stats.p_fail
    if q.log_wait < inf:
        base = log(stats.a_s + stats.b_s * prompt_k) + belief.level
        at_best = p_wait(belief.cdf, q.log_wait - base)
        if at_best <= at_least:
            return p * at_best
        if q.e2e_s < inf or (q.ttfat_s < inf and lengths.reasoning > 0):
            token_s = exp(-belief.speed) * stretch
            if q.max_tokens is not None:
                spread = _capped(spread, q.max_tokens / stretch)
            p *= _p_in_time(q, base, at_best, token_s, lengths, spread, belief.cdf)
        else:
            p *= at_best
    if q.log_tps > -inf:
        p *= normal_cdf((belief.speed - q.log_tps) / belief.speed_sd)
    tokens = q.tokens
    if q.cost_usd < inf and token_usd > 0:
        tokens = min(tokens, (q.cost_usd - prompt_usd) / token_usd)
    if tokens < inf and (q.max_tokens is None or q.max_tokens > tokens):
        p *= lengths.p_at_most(tokens / stretch)
    return p


def _p_in_time(  # noqa: PLR0917 - same
    q: Question,
    base: float,
    at_best: float,
    token_s: float,
    lengths: Lengths,
    spread: Answers,
    cdf: Sequence[float],
) -> float:
    """P(the answer begins and ends in time), over the lengths it may have.

    ``at_best`` is what there is where decoding takes no time off the wait, P(TTFT <= the shortest
    time); ``token_s`` the seconds that each token of ``spread`` takes.
    """
    total = 0.0
    ttfat, e2e = q.ttfat_s, q.e2e_s
    wait = min(q.ttft_s, ttfat, e2e)
    end_s, answer_s = token_s * lengths.visible, token_s * lengths.reasoning
    thinks = ttfat < inf and answer_s > 0
    if e2e - spread[-1][1] * end_s >= wait and not thinks:
        return at_best  # Even the longest answer leaves enough.
    offset = base + SHAPE_LOW
    for weight, tokens in spread:
        left = e2e - tokens * end_s  # More than ``ttft`` is more than ``wait``.
        if thinks:
            left = min(left, ttfat - tokens * answer_s)
        if left >= wait:
            total += weight * at_best
        elif left > 0:
            at = (log(left) - offset) * _INVERSE_STEP
            if at >= _CELLS:
                total += weight
            elif at > 0:
                cell = int(at)
                low = cdf[cell]
                total += weight * (low + (at - cell) * (cdf[cell + 1] - low))
        else:
            break
    return total


def lateness(q: Question, prompt_k: float, stats: Stats, lengths: Lengths) -> float:
    """How far the typical answer misses its bounds: sum of log(predicted / allowed), capped.

    Among endpoints that will all miss, the closest has the smallest, also when the time was used
    up before: then by how much they add to it.
    """
    gone = q.elapsed_s
    wait = gone + exp(log(stats.a_s + stats.b_s * prompt_k) + stats.level)
    late = _over(wait, q.ttft_s + gone)
    if q.e2e_s < inf or q.ttfat_s < inf:
        decode = lengths.mean_capped(q.max_tokens) * exp(-stats.speed)
        late += _over(wait + decode * lengths.reasoning, q.ttfat_s + gone)
        late += _over(wait + decode * lengths.visible, q.e2e_s + gone)
    late += _over(lengths.mean, q.tokens)
    if q.log_tps > stats.speed:
        late += q.log_tps - stats.speed
    return min(late, WORST_LATENESS)


def _over(typical: float, allowed: float) -> float:
    return log(typical / max(allowed, 1e-3)) if typical > allowed else 0.0


def wait_quantile(p: float, prompt_k: float, stats: Stats, belief: Belief) -> float:
    """TTFT in seconds that a share ``p`` of requests does not exceed."""
    cdf = belief.cdf
    cell = min(max(bisect_left(cdf, p), 1), _CELLS)
    low, high = cdf[cell - 1], cdf[cell]
    inside = (p - low) / (high - low) if high > low else 1.0
    residual = SHAPE_LOW + SHAPE_STEP * (cell - 1 + min(max(inside, 0.0), 1.0))
    return exp(stats.log_line(prompt_k) + belief.level + residual)


def end_guess(  # noqa: PLR0917 - called for every request
    p: float, prompt_k: float, stats: Stats, belief: Belief, mean_s: float, square: float
) -> tuple[float, float]:
    """Return seconds within which a share ``p`` of answers is done, and the sd of their log.

    ``mean_s`` and ``square`` are the mean of the decode time and of its square. Wait and decoding
    are added as two lognormals (Fenton, 1960): within a few percent of the mixture, at a tenth of
    its price.
    """
    base = stats.log_line(prompt_k) + belief.level
    middle = exp(base + SHAPE_LOW + SHAPE_STEP * bisect_left(belief.cdf, 0.5))
    spread = min(hypot(stats.noise_sd, stats.level_sd), WIDEST)
    variance = max(square - mean_s * mean_s, 0.0)
    mean_s += middle * exp(spread * spread / 2)
    variance += (middle * spread) ** 2 * exp(2 * spread * spread)
    sigma = sqrt(log(1 + variance / (mean_s * mean_s)))
    return mean_s * exp(sigma * normal_quantile(p) - sigma * sigma / 2), sigma


def end_quantile(
    p: float, prompt_k: float, stats: Stats, belief: Belief, decodes: Sequence[tuple[float, float]]
) -> float:
    """Seconds within which a share ``p`` of answers is done, by inverting the mixture.

    The mixture is asked at the guess, and the error taken off in units of the guess' lognormal,
    until it says ``p``.
    """
    mean_s = sum([w * seconds for w, seconds in decodes])
    square = sum([w * seconds * seconds for w, seconds in decodes])
    t, sigma = end_guess(p, prompt_k, stats, belief, mean_s, square)
    base = stats.log_line(prompt_k) + belief.level
    wanted = normal_quantile(p)
    for _ in range(CORRECTIONS):
        at = 0.0
        for weight, seconds in decodes:
            if t <= seconds:
                break
            at += weight * p_wait(belief.cdf, log(t - seconds) - base)
        if abs(at - p) < CLOSE:
            break
        at = min(max(at, 1 - FURTHEST), FURTHEST)
        t *= exp(sigma * (wanted - normal_quantile(round(at, 3))))
    return t


def forecast(  # noqa: C901 - one arm for each kind of bound
    ask: Ask,
    q: Question,
    endpoint: Endpoint,
    *,
    price: Price,
    input_tokens: float,
    stats: Stats,
    lengths: Lengths,
    spread: Answers,
    cached_tokens: float = 0.0,
    detailed: bool = False,
) -> Forecast:
    """Tell what is expected; ``spread`` are the ``answers`` at the doubt about speed.

    ``detailed`` adds one expectation per declared bound, and the end of the answer from the
    mixture itself instead of two lognormals: an explanation may take its time, a request not.
    """
    belief = predictive(stats)
    read = cached_tokens * stats.cache_hit
    prompt_k = (input_tokens - read) / 1000
    percentile = ask.sla.percentile
    token_s = exp(-belief.speed)
    output = lengths.mean_capped(ask.max_tokens)
    prompt_usd = price.input * input_tokens / 1e6 + price.fee - price.cache_saves_usd * read
    cost_usd = prompt_usd + price.output * output / 1e6

    def chance_of(asked: Question) -> float:
        token_usd = price.output / 1e6
        return p_keep(asked, prompt_k, token_usd, prompt_usd, stats, lengths, spread, belief)

    decode_s = output * token_s * lengths.visible
    capped = spread
    if ask.max_tokens is None or ask.max_tokens >= spread[-1][1]:
        square = decode_s**2 * exp(lengths.spread**2 + belief.speed_sd**2)
    else:
        capped = _capped(spread, ask.max_tokens)
        square = sum([w * n * n for w, n in capped]) * (token_s * lengths.visible) ** 2
    result = Forecast(
        ttft_ms=1000 * wait_quantile(percentile, prompt_k, stats, belief),
        e2e_ms=1000 * end_guess(percentile, prompt_k, stats, belief, decode_s, square)[0],
        tps=exp(belief.speed - normal_quantile(percentile) * belief.speed_sd),
        output_tokens=output,
        input_tokens=input_tokens,
        cost_usd=cost_usd,
        p_keep=chance_of(q) if q.bounded else 1.0,
    )
    if not detailed:
        return result
    ends = [(w, n * token_s * lengths.visible) for w, n in capped]
    end_ms = 1000 * end_quantile(percentile, prompt_k, stats, belief, ends)

    def predicted(bound: Bound) -> tuple[float, int]:
        """Value at the bound's percentile and the samples behind it."""
        at = bound.percentile
        match bound.kind:
            case BoundKind.TTFT:
                return 1000 * wait_quantile(at, prompt_k, stats, belief), stats.ttft_samples
            case BoundKind.TTFAT:
                firsts = [(w, n * token_s * lengths.reasoning) for w, n in capped]
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
            else chance_of(alone)
        )
        expectations.append(
            Expectation(bound.kind, bound.limit, value, bound.percentile, chance, samples)
        )
    return result._replace(e2e_ms=end_ms, expectations=tuple(expectations))
