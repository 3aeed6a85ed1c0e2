"""The true chances: what somebody knows who knows every distribution, but not the noise.

P(keep) integrates over answer length and speed at fixed nodes, with the wait's own distribution
inside, as the engine's forecast does, from the market's parameters instead of observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, hypot, inf, log
from typing import Final, NamedTuple

from router.core.catalogue import Price
from router.core.forecast import Question
from router.core.numbers import normal_cdf, normal_quantile
from router.simulate.buyer import Errand
from router.simulate.draws import residual_cdf
from router.simulate.scenario import Noise
from router.simulate.weather import Weather
from router.simulate.world import Site, World


def _nodes(count: int) -> tuple[float, ...]:
    return tuple(normal_quantile((i + 0.5) / count) for i in range(count))


DECODES: Final = _nodes(48)
"""Nodes of tokens over speed, one lognormal, where no bound tells the two apart."""
LENGTHS: Final = _nodes(32)
PACES: Final = _nodes(9)
"""Nodes of each where one does."""
LATE_QUANTILE: Final = 2.0
"""Standard deviations out at which a wait counts as late."""


class Prospect(NamedTuple):
    """One endpoint for one request, as it truly is now.

    ``p_keep`` is of a single attempt, ``p_again`` the chance of a fault that leaves time for
    another, ``cost_usd`` the expected bill, ``late_s`` a wait that is long for it (stream: for
    its first content, else for its end).
    """

    p_keep: float
    p_again: float
    cost_usd: float
    late_s: float


def prospect(  # noqa: PLR0917 - called for every endpoint of every request
    world: World, site: Site, errand: Errand, q: Question, price: Price, now: float, warm: int
) -> Prospect:
    """Return what is to be expected; ``q`` holds the bounds and the time that is left."""
    seller, sky = site.seller, site.at(now)
    prompt = world.prompt_tokens(site, errand)
    if sky.down or prompt >= seller.context:
        return Prospect(0.0, 1.0, 0.0, 1.0)
    cached = world.warm_tokens(site, errand, warm) if seller.cache is not None else 0
    hit = seller.cache.hit_rate if seller.cache is not None and cached else 0.0
    mean, sd = world.log_length(site, errand.kind)
    keeps = 0.0
    thinking = world.scenario.model(seller.family).thinking
    prompt_usd = price.nano_usd(fresh=prompt, cache_read=0, cache_write=0, output=0) / 1e9
    waits = _Waits(seller.noise, sky, mean, sd, seller.tps_spread, thinking, seller.hides_thinking)
    token_usd = price.output / 1e6
    line = seller.ttft_s + seller.ttft_s_per_1k * prompt / 1000
    if q.bounded:
        keeps = waits.p_keep(q, line, prompt_usd, token_usd)
        if hit:
            short = seller.ttft_s + seller.ttft_s_per_1k * (prompt - cached) / 1000
            keeps += hit * (waits.p_keep(q, short, prompt_usd, token_usd) - keeps)
    else:
        keeps = 1.0
    output = mean_length(mean, sd, q.max_tokens)
    read = hit * cached
    cost = price.nano_usd(fresh=prompt - read, cache_read=read, cache_write=0, output=output) / 1e9
    served = 1 - sky.limited
    again = sky.limited + served * seller.failures
    lost = served * (seller.hangs + seller.stalls) + (served if sky.hangs else 0.0)
    chance = max(0.0, 1 - again - lost)
    return Prospect(
        keeps * chance, again, cost * (1 - again), waits.late_s(line, stream=errand.ask.stream)
    )


def mean_length(mean: float, sd: float, most: int | None) -> float:
    """Return the mean of a lognormal, cut at ``most``."""
    whole = exp(mean + sd * sd / 2)
    if most is None:
        return whole
    z = (log(most) - mean) / sd
    return whole * normal_cdf(z - sd) + most * (1 - normal_cdf(z))


class _Waits(NamedTuple):
    noise: Noise
    sky: Weather
    mean: float
    sd: float
    pace_sd: float
    thinking: float
    hidden: bool

    def p_keep(self, q: Question, line_s: float, prompt_usd: float, token_usd: float) -> float:
        """P(one attempt that is not refused keeps every bound)."""
        base = log(line_s) + self.sky.wait
        most = q.tokens
        if q.cost_usd < inf and token_usd > 0:
            most = min(most, (q.cost_usd - prompt_usd) / token_usd)
        decodes = q.e2e_s < inf or (
            self.thinking > 0 and (q.ttfat_s < inf or (self.hidden and q.ttft_s < inf))
        )
        if not decodes:
            left = min(q.ttft_s, q.ttfat_s)
            if left <= 0:
                return 0.0
            p = 1.0 if left == inf else residual_cdf(self.noise, log(left) - base)
            if q.log_tps > -inf:
                p *= normal_cdf((self.sky.pace - q.log_tps) / self.pace_sd)
            return p * self._p_at_most(most, q.max_tokens)
        if q.log_tps == -inf and most == inf and q.max_tokens is None:
            spread = hypot(self.sd, self.pace_sd)
            middle = self.mean - self.sky.pace
            seconds: Sequence[float] = [exp(middle + spread * z) for z in DECODES]
            return sum(self._p_wait(q, base, s) for s in seconds) / len(DECODES)
        total = 0.0
        limit = inf if q.max_tokens is None else float(q.max_tokens)
        paces = [self.sky.pace + self.pace_sd * z for z in PACES]
        token_s = [exp(-pace) for pace in paces if pace >= q.log_tps]
        for z in LENGTHS:
            tokens = min(exp(self.mean + self.sd * z), limit)
            if tokens <= most:
                total += sum(self._p_wait(q, base, tokens * s) for s in token_s)
        return total / (len(LENGTHS) * len(PACES))

    def _p_at_most(self, tokens: float, cut: int | None) -> float:
        if tokens == inf or (cut is not None and cut <= tokens):
            return 1.0
        if tokens <= 0:
            return 0.0
        return normal_cdf((log(tokens) - self.mean) / self.sd)

    def _p_wait(self, q: Question, base: float, decode_s: float) -> float:
        thought_s = self.thinking * decode_s
        left = min(q.e2e_s - decode_s, q.ttfat_s - thought_s)
        left = min(left, q.ttft_s - thought_s if self.hidden else q.ttft_s)
        if left <= 0:
            return 0.0
        return 1.0 if left == inf else residual_cdf(self.noise, log(left) - base)

    def late_s(self, line_s: float, *, stream: bool) -> float:
        wait = line_s * exp(self.sky.wait + LATE_QUANTILE * self.noise.spread)
        share = (self.thinking if self.hidden else 0.0) if stream else 1.0
        return wait + share * exp(self.mean - self.sky.pace + LATE_QUANTILE * self.sd)
