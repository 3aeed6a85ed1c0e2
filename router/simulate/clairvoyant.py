"""The oracle that knows what will happen: the cheapest endpoint that *will* keep the bounds.

Where none will, the cheapest that answers. In a conversation it knows every later turn as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from router.core.catalogue import Endpoint, EndpointId
from router.core.measure import Attempt, Outcome, Verdict
from router.simulate.ahead import later_usd
from router.simulate.arrivals import Arrivals, Talk
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.trial import tried as tried_at
from router.simulate.world import Site, World

MISS_USD, NOTHING_USD = 1e3, 1e6
"""Dearer than any answer: bounds that are missed, and no answer at all."""
ANSWERED_S = 10.0
"""How long a later turn is taken to last when its moment is guessed."""


class Clairvoyant:
    """``Buyer`` that knows every fate."""

    def __init__(
        self, world: World, arrivals: Arrivals, clock: VirtualClock, caches: Caches
    ) -> None:
        self._world, self._arrivals = world, arrivals
        self._clock, self._caches = clock, caches
        self._later: dict[int, list[list[float]]] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        sites = self._serving(errand)
        number, now = len(tried) + 1, self._clock.now
        wall = self._clock.wall()
        costs = [
            self._usd(site, errand, number, now, wall, self._caches.warm(site, errand, now))
            if site.endpoint.id not in tried
            else NOTHING_USD
            for site in sites
        ]
        if min(costs) >= NOTHING_USD:
            return None
        later = self._after(errand, sites)
        at = min(range(len(sites)), key=lambda i: costs[i] + later[i])
        return Send(sites[at].endpoint.id)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """It knows already."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        """It knows already."""

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """It knows already."""

    def _serving(self, errand: Errand) -> list[Site]:
        return [s for s in self._world.sites.values() if errand.ask.model in s.endpoint.serves]

    def _usd(  # noqa: PLR0917 - called for every endpoint of every request
        self, site: Site, errand: Errand, number: int, now: float, wall: float, warm: int
    ) -> float:
        """What this attempt will cost, a miss and a failure included."""
        trial = tried_at(
            site, errand, self._world.fate(site, errand, number, now, warm),
            number=number, now=now, wall=wall, patience_s=site.endpoint.limits.total_s,
        )  # fmt: skip
        attempt = trial.attempt
        cost = trial.bill_nano_usd / 1e9
        if attempt.fault is not None:
            return cost + NOTHING_USD
        outcome = Outcome((attempt,), errand.arrived, attempt.ended, None, errand.ask.sla)
        return cost + (MISS_USD if outcome.verdict() is Verdict.MISSED else 0.0)

    def _after(self, errand: Errand, sites: Sequence[Site]) -> list[float]:
        """What all later turns will cost, by who serves this one."""
        if errand.conversation is None:
            return [0.0] * len(sites)
        talk = self._arrivals.talks[errand.conversation]
        levels = self._later.get(talk.place)
        if levels is None:
            levels = self._later[talk.place] = self._foreseen(talk, errand, sites)
        at = levels[errand.turn]
        if errand.turn + 1 == len(talk.turns):
            del self._later[talk.place]
        return at

    def _foreseen(self, talk: Talk, errand: Errand, sites: Sequence[Site]) -> list[list[float]]:
        now, start = self._clock.now, self._clock.wall() - self._clock.now
        warm: list[list[float]] = []
        cold: list[list[float]] = []
        for turn in range(errand.turn + 1, len(talk.turns)):
            pause_s = talk.turns[turn].pause_s
            now += ANSWERED_S + pause_s
            then = self._arrivals.errand(talk, turn, now)
            held = [
                then.prefix_tokens
                if s.seller.cache is not None and s.seller.cache.minutes * 60 > pause_s
                else 0
                for s in sites
            ]
            cold.append([self._usd(s, then, 1, now, start + now, 0) for s in sites])
            warm.append([
                self._usd(s, then, 1, now, start + now, h) if h else c
                for s, h, c in zip(sites, held, cold[-1], strict=True)
            ])  # fmt: skip
        levels = later_usd(warm, cold)
        if not warm:
            levels = [[0.0] * len(sites)]
        return [[0.0] * len(sites)] * errand.turn + levels
