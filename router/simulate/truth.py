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
from router.core.numbers import normal_cdf
from router.simulate.buyer import Errand
from router.simulate.draws import normal, residual_cdf
from router.simulate.scenario import Noise
from router.simulate.weather import Weather
from router.simulate.world import Site, World


def _nodes(count: int, low: float = 0.0, high: float = 1.0) -> tuple[float, ...]:
    """Return standard normal deviates that stand for those of probability ``low`` to ``high``."""
    step = (high - low) / count
    return tuple([normal(low + (i + 0.5) * step) for i in range(count)])


DECODES: Final = _nodes(48)
"""Nodes of tokens over speed, one lognormal, where no bound tells the two apart."""
LENGTHS: Final = 32
PACES: Final = 9
"""How many nodes of each where one does: all of them within its bounds."""
UNLIKELY: Final = 1e-9
"""A chance below which there is none."""
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

    def usd(fresh: float, read: float, output: float) -> float:
        return price.nano_usd(fresh=fresh, cache_read=read, cache_write=0, output=output) / 1e9

    prompt_usd = usd(prompt, 0.0, 0.0)
    waits = _Waits(seller.noise, sky, mean, sd, seller.tps_spread, thinking, seller.hides_thinking)
    token_usd = price.output / 1e6
    line = seller.ttft_s + seller.ttft_s_per_1k * prompt / 1000
    if q.bounded:
        keeps = waits.p_keep(q, line, prompt_usd, token_usd)
        if hit:
            short = seller.ttft_s + seller.ttft_s_per_1k * (prompt - cached) / 1000
            read_usd = usd(prompt - cached, cached, 0.0)
            keeps += hit * (waits.p_keep(q, short, read_usd, token_usd) - keeps)
    else:
        keeps = 1.0
    served = 1 - sky.limited
    again = sky.limited + served * seller.failures
    hung = 1 - again if sky.hangs else served * seller.hangs
    stalled = 0.0 if sky.hangs else served * seller.stalls
    made = 1.0
    if again < 1 and not seller.bills_after_cancel:
        made = max(0.0, 1 - (hung + stalled / 2) / (1 - again))
    read = hit * cached
    cost = usd(prompt - read, read, made * mean_length(mean, sd, q.max_tokens)) * (1 - again)
    chance = max(0.0, 1 - again - hung - stalled)
    return Prospect(keeps * chance, again, cost, waits.late_s(line, stream=errand.ask.stream))


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
        slow = normal_cdf((q.log_tps - self.sky.pace) / self.pace_sd)
        brief = self._p_at_most(most, q.max_tokens)
        within = (1 - slow) * brief
        if within < UNLIKELY:
            return 0.0
        limit = inf if q.max_tokens is None else float(q.max_tokens)
        token_s = [exp(-self.sky.pace - self.pace_sd * z) for z in _nodes(PACES, low=slow)]
        total = 0.0
        for z in _nodes(LENGTHS, high=brief):
            tokens = min(exp(self.mean + self.sd * z), limit)
            total += sum(self._p_wait(q, base, tokens * s) for s in token_s)
        return within * total / (LENGTHS * PACES)

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
