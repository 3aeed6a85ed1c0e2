"""The best fixed endpoint of each class, chosen after the fact: no rival, but what one could have
been told by somebody who had seen the whole run.

Every endpoint first serves everybody in the same market; then each class takes the cheapest that
reached its percentile, or else the one that came nearest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from random import Random
from statistics import fmean

from router.core.catalogue import EndpointId
from router.core.measure import Verdict
from router.simulate.arrivals import Arrivals
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.loop import Run, Served
from router.simulate.rivals.fixed import Fixed, first_listed
from router.simulate.world import World


def best_fixed(
    served: Iterable[Served], percentiles: Mapping[str, float]
) -> Mapping[str, EndpointId]:
    """Return the endpoint of each class from recorded runs in which each one served it.

    A request that kept or missed its bounds counts, one that nobody could measure only costs.
    """
    each: dict[tuple[str, str], list[Served]] = defaultdict(list)
    for one in served:
        if one.endpoint:
            each[one.kind, one.endpoint].append(one)

    def standing(kind: str, endpoint: str) -> tuple[float, float]:
        met = each[kind, endpoint]
        missed = fmean(one.verdict is Verdict.MISSED for one in met)
        cost = fmean(one.cost_nano_usd for one in met)
        return max(0.0, missed - (1 - percentiles[kind]) - 1e-9), cost

    kinds: dict[str, list[str]] = defaultdict(list)
    for kind, endpoint in each:
        kinds[kind].append(endpoint)
    return {
        kind: EndpointId(min(endpoints, key=lambda e: standing(kind, e)))
        for kind, endpoints in kinds.items()
    }


def in_hindsight(world: World, arrivals: Arrivals) -> Mapping[str, EndpointId]:
    """Play every endpoint through the market and return the best one of each class."""
    scenario, served = world.scenario, list[Served]()
    for endpoint in world.endpoints:
        clock = VirtualClock(scenario.start_wall)
        buyer = Fixed(clock, Random(f"{world.seed}/hindsight"), first_listed([endpoint]))
        served += Run(world, arrivals, clock, Caches(), buyer).play()
    percentiles = {name: table.core(name).percentile for name, table in scenario.classes.items()}
    warm_up_s = scenario.warm_up_hours * 3600
    return best_fixed((s for s in served if s.arrived >= warm_up_s), percentiles)
