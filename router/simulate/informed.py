"""The oracle of true distributions: knows everything but the noise, and buys as we do.

It minimises expected cost + price of a miss x P(miss) with the same feedback, but for steps that
know of no leeway and a price that never falls below a whole answer's. ``aim`` moves it along its
own frontier of attainment and cost, so that both can be compared at equal attainment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import exp

from router.core import stakes
from router.core.catalogue import Endpoint, EndpointId, Price
from router.core.decide import FAILURE_COST_SHARE
from router.core.forecast import Question, question
from router.core.measure import Attempt, Outcome, Verdict
from router.core.patience import FIRST_TOKEN_FACTOR, FIRST_TOKEN_LEAST_S
from router.simulate.ahead import later_usd
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.scenario import Conversation
from router.simulate.truth import Prospect, mean_length, prospect
from router.simulate.world import Site, World

TURNS_AHEAD = 12
"""Later turns that are looked at; what lies beyond weighs little."""


class Informed:
    """``Buyer`` with the true distributions. ``aim`` is the share of the misses that the
    percentile allows which it tries to use up.
    """

    def __init__(
        self, world: World, clock: VirtualClock, caches: Caches, aim: float = stakes.AIM
    ) -> None:
        self._world, self._clock, self._caches = world, clock, caches
        self._aim = aim
        self._sums: dict[str, list[float]] = {}
        self._steers: dict[int, bool] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        ask, now, wall = errand.ask, self._clock.now, self._clock.wall()
        sites = [
            site
            for site in self._world.sites.values()
            if ask.model in site.endpoint.serves
            and site.endpoint.id not in tried
            and not site.at(now).down
            and self._world.prompt_tokens(site, errand) < site.seller.context
        ]
        if not sites:
            return None
        q = question(ask.sla.bounds, ask.max_tokens, now - errand.arrived)
        prices = [site.endpoint.price.at(wall) for site in sites if site.endpoint.price]
        seen = [
            prospect(self._world, site, errand, q, price, now, self._caches.warm(site, errand, now))
            for site, price in zip(sites, prices, strict=True)
        ]
        stake = self._stake(errand, min(p.cost_usd for p in seen), bounded=q.bounded)
        scores = [p.cost_usd + stake * (1 - p.p_keep) for p in seen]
        talk = self._world.scenario.classes[errand.kind].conversation
        if talk is not None:
            ahead = self._later(errand, talk, q, sites, prices, stake)
            scores = [s + later for s, later in zip(scores, ahead, strict=True)]
        # A fault that comes early is followed by the best there is.
        best = min(scores)
        scores = [
            s + p.p_again * (best - stake) if best < stake else s
            for s, p in zip(scores, seen, strict=True)
        ]
        at = min(range(len(sites)), key=scores.__getitem__)
        most = max(p.p_keep + p.p_again for p in seen)
        self._steers.setdefault(errand.number, most >= ask.sla.percentile)
        return Send(sites[at].endpoint.id, _patience_s(seen[at]))

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """It knows already."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        """It knows already."""

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        verdict, percentile = outcome.verdict(), errand.ask.sla.percentile
        steers = self._steers.pop(errand.number, False)
        judged = verdict in (Verdict.KEPT, Verdict.MISSED)
        sums = self._sums.setdefault(errand.kind, [0.0] * stakes.STAKES.size)
        # `stakes` aims at AIM of what the percentile allows; another aim is another percentile.
        allowed = (1 - percentile) * self._aim / stakes.AIM
        for index, amount in stakes.learned(
            missed=verdict is Verdict.MISSED if steers and judged else None,
            percentile=1 - allowed,
            cost_usd=outcome.cost_nano_usd / 1e9,
            sums=sums,
            lowest=stakes.WASTED,
        ):
            sums[index] += amount

    def _stake(self, errand: Errand, cheapest_usd: float, *, bounded: bool) -> float:
        if not bounded:
            return FAILURE_COST_SHARE * cheapest_usd
        at = stakes.believed(self._sums.get(errand.kind, [0.0] * stakes.STAKES.size))
        return at.lam * (at.typical_usd or cheapest_usd)

    def _later(  # noqa: PLR0917 - called once, with what was just computed
        self,
        errand: Errand,
        talk: Conversation,
        q: Question,
        sites: Sequence[Site],
        prices: Sequence[Price],
        stake: float,
    ) -> list[float]:
        """Expected cost of the turns to come, misses included, by who serves this one."""
        world, now = self._world, self._clock.now
        growth = talk.growth.mean
        warm: list[list[float]] = [[] for _ in range(TURNS_AHEAD)]
        cold: list[list[float]] = [[] for _ in range(TURNS_AHEAD)]
        following = _next(errand, growth)
        for site, price in zip(sites, prices, strict=True):
            missing = [
                stake * (1 - prospect(world, site, following, q, price, now, held).p_keep)
                for held in (errand.prompt_tokens, 0)
            ]
            factor = world.scenario.model(site.seller.family).prompt_factor
            cache, found = site.seller.cache, 0.0
            if cache is not None:
                found = cache.hit_rate * (1 - exp(-cache.minutes * 60 / talk.pause_s))
            output = mean_length(*world.log_length(site, errand.kind), q.max_tokens)
            for k in range(TURNS_AHEAD):
                before = factor * (errand.prompt_tokens + k * growth)
                prompt = before + factor * growth
                for table, read, miss in (
                    (warm, found * before, missing[0]),
                    (cold, 0.0, missing[1]),
                ):
                    nano = price.nano_usd(
                        fresh=prompt - read, cache_read=read, cache_write=0, output=output
                    )
                    table[k].append(nano / 1e9 + miss)
        return later_usd(warm, cold, 1 - 1 / talk.turns)[0]


def _next(errand: Errand, growth: float) -> Errand:
    """Return the turn that may follow."""
    return Errand(
        number=errand.number + 1,
        kind=errand.kind,
        ask=errand.ask,
        prompt_tokens=round(errand.prompt_tokens + growth),
        arrived=errand.arrived,
        attempts=errand.attempts,
        conversation=errand.conversation,
        turn=errand.turn + 1,
        prefix_tokens=errand.prompt_tokens,
    )


def _patience_s(seen: Prospect) -> float:
    return max(FIRST_TOKEN_LEAST_S, FIRST_TOKEN_FACTOR * seen.late_s)
