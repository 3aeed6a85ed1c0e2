"""The truth: what an endpoint does with a request that is sent to it now.

A fate depends on nothing but the seed, the request, which attempt it is, the endpoint, the moment
and what the endpoint's prompt cache holds. It does not depend on who asks or in what order.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, sqrt
from typing import Final, NamedTuple

from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import Kind
from router.simulate.buyer import Errand
from router.simulate.draws import normal, residual, uniforms
from router.simulate.scenario import Scenario, Seller
from router.simulate.weather import STEP_S, Weather, drawn

SHARED_LENGTH: Final = 0.5
"""Share of the variance of an answer's log length that lies in the question: a long answer here
would have been long elsewhere."""
_OF_THE_REQUEST: Final = -1
"""Stands for an endpoint where a draw belongs to the request."""
REFUSED_S: Final = (0.1, 1.0)
"""How long a refusal takes to come (s, uniform): a 429, an outage, a prompt that is too long."""
FAILED_S: Final = (0.2, 3.0)
"""The same of an ordinary failure."""


class Fate(NamedTuple):
    """What will come of an attempt. Times in seconds from sending.

    ``first`` is the first visible content, ``answer`` the first that is no reasoning, ``last``
    the end; all are infinite where nothing comes. ``stalls_at`` is the share of the answer after
    which nothing more comes (1: all comes). ``fault`` comes at ``fault_s``, before any content.
    """

    first: float
    answer: float
    last: float
    fresh: int
    cached: int
    text: int
    reasoning: int
    visible: int
    stalls_at: float = 1.0
    fault: Kind | None = None
    fault_s: float = 0.0
    retry_after_s: float | None = None


NEVER: Final = float("inf")


class Site(NamedTuple):
    """An endpoint of the market: its place, what a proxy knows of it, and what is true."""

    place: int
    endpoint: Endpoint
    seller: Seller
    weather: list[Weather]

    def at(self, now: float) -> Weather:
        """Return its weather ``now`` seconds into the run."""
        step = int(now / STEP_S)
        return self.weather[step] if step < len(self.weather) else self.weather[-1]


class World:
    """One market: a scenario at a seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.sites: Mapping[EndpointId, Site] = {
            EndpointId(row.id): Site(i, row.core(), row, drawn(scenario, row, seed))
            for i, row in enumerate(scenario.endpoints)
        }
        self.endpoints = tuple(site.endpoint for site in self.sites.values())

    def prompt_tokens(self, site: Site, errand: Errand) -> int:
        """Count the prompt as this endpoint's model does."""
        factor = self.scenario.model(site.seller.family).prompt_factor
        return max(1, round(errand.prompt_tokens * factor))

    def log_length(self, site: Site, kind: str) -> tuple[float, float]:
        """Return mean and sd of the log of an answer's output tokens."""
        size, model = self.scenario.classes[kind].answer, self.scenario.model(site.seller.family)
        verbosity = model.by_class.get(kind, model.verbosity) * site.seller.verbosity
        return log(size.median * verbosity), size.sigma

    def warm_tokens(self, site: Site, errand: Errand, warm: int) -> int:
        """How much of the prompt a cache hit covers where ``warm`` scenario tokens are held."""
        held = min(warm, errand.prefix_tokens)
        return round(held * self.scenario.model(site.seller.family).prompt_factor)

    def fate(self, site: Site, errand: Errand, attempt: int, now: float, warm: int) -> Fate:
        """Say what comes of sending ``errand`` there ``now``.

        ``warm`` are the tokens of its conversation that the endpoint's cache still holds.
        """
        seller, sky = site.seller, site.at(now)
        u = uniforms(self.seed, errand.number, attempt, site.place)
        if sky.down:
            return _fault(Kind.SERVER_ERROR, REFUSED_S, u[6])
        if u[0] < sky.limited:
            return _fault(Kind.RATE_LIMITED, REFUSED_S, u[6], sky.retry_after_s)
        chance = (u[0] - sky.limited) / (1 - sky.limited) if sky.limited < 1 else 1.0
        if chance < seller.failures:
            return _fault(Kind.SERVER_ERROR, FAILED_S, u[6])
        prompt = self.prompt_tokens(site, errand)
        if prompt >= seller.context:
            return _fault(Kind.CONTEXT_EXCEEDED, REFUSED_S, u[6])
        hit = seller.cache is not None and warm > 0 and u[5] < seller.cache.hit_rate
        cached = self.warm_tokens(site, errand, warm) if hit else 0
        output = min(self._output(site, errand, u[3]), seller.context - prompt)
        thinking = self.scenario.model(seller.family).thinking
        reasoning = round(output * thinking)
        if sky.hangs or chance < seller.failures + seller.hangs:
            return Fate(
                NEVER, NEVER, NEVER, prompt - cached, cached, output - reasoning, reasoning, 0
            )
        line = seller.ttft_s + seller.ttft_s_per_1k * (prompt - cached) / 1000
        wait = line * exp(sky.wait + residual(seller.noise, u[1], u[2]))
        speed = exp(sky.pace + seller.tps_spread * normal(u[4]))
        if seller.hides_thinking:
            first = answer = wait + reasoning / speed
            visible = output - reasoning
        else:
            first, answer = wait, wait + reasoning / speed
            visible = output
        stalls = chance < seller.failures + seller.hangs + seller.stalls
        return Fate(
            first,
            answer,
            first + max(0, visible - 1) / speed,
            prompt - cached,
            cached,
            output - reasoning,
            reasoning,
            visible,
            u[7] if stalls else 1.0,
        )

    def _output(self, site: Site, errand: Errand, u: float) -> int:
        mean, sd = self.log_length(site, errand.kind)
        shared = normal(uniforms(self.seed, errand.number, 0, _OF_THE_REQUEST)[0])
        z = sqrt(SHARED_LENGTH) * shared + sqrt(1 - SHARED_LENGTH) * normal(u)
        tokens = max(1, round(exp(mean + sd * z)))
        most = errand.ask.max_tokens
        return tokens if most is None else min(tokens, most)


def _fault(
    kind: Kind, between: tuple[float, float], u: float, retry_after_s: float | None = None
) -> Fate:
    low, high = between
    return Fate(
        NEVER, NEVER, NEVER, 0, 0, 0, 0, 0,
        fault=kind, fault_s=low + (high - low) * u, retry_after_s=retry_after_s,
    )  # fmt: skip
