"""What a buyer could use instead, by name; each file says where its rules come from.

A rival is made from the fleet, a clock and chance, and learns only what the loop tells every
buyer. What it is for, and what it cannot see: docs/rivals.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from router.core.catalogue import Endpoint
from router.ports import Clock
from router.simulate.buyer import Buyer
from router.simulate.rivals.fixed import Fixed, cheapest, first_listed
from router.simulate.rivals.litellm_busy import LeastBusy
from router.simulate.rivals.litellm_cost import LowestCost
from router.simulate.rivals.litellm_latency import LowestLatency
from router.simulate.rivals.litellm_router import LiteLLM
from router.simulate.rivals.litellm_shuffle import SimpleShuffle
from router.simulate.rivals.litellm_usage import LowestUsage
from router.simulate.rivals.openrouter import OpenRouter, Sort
from router.simulate.rivals.peak_ewma import PeakEwma
from router.simulate.rivals.recent_quantile import RecentQuantile
from router.simulate.rivals.round_robin import RoundRobin

Make = Callable[[Sequence[Endpoint], Clock, Random], Buyer]


def _openrouter(sort: Sort | None = None, preferred: float | None = None) -> Make:
    return lambda fleet, clock, rng: OpenRouter(fleet, clock, rng, sort=sort, preferred=preferred)


RIVALS: Final[Mapping[str, Make]] = {
    "litellm-shuffle": lambda fleet, clock, rng: LiteLLM(fleet, clock, SimpleShuffle(rng)),
    "litellm-latency": lambda fleet, clock, rng: LiteLLM(fleet, clock, LowestLatency(rng)),
    "litellm-cost": lambda fleet, clock, _: LiteLLM(fleet, clock, LowestCost()),
    "litellm-usage": lambda fleet, clock, rng: LiteLLM(fleet, clock, LowestUsage(clock, rng)),
    "litellm-busy": lambda fleet, clock, _: LiteLLM(fleet, clock, LeastBusy()),
    "openrouter": _openrouter(),
    "openrouter-floor": _openrouter(Sort.PRICE),
    "openrouter-nitro": _openrouter(Sort.THROUGHPUT),
    "openrouter-preferred@p90": _openrouter(None, 0.9),
    "openrouter-preferred@p99": _openrouter(None, 0.99),
    "openrouter-price-preferred@p90": _openrouter(Sort.PRICE, 0.9),
    "openrouter-price-preferred@p99": _openrouter(Sort.PRICE, 0.99),
    "peak-ewma": PeakEwma,
    "recent-quantile": lambda fleet, clock, _: RecentQuantile(fleet, clock),
    "always-official": lambda fleet, clock, rng: Fixed(clock, rng, first_listed(fleet)),
    "always-cheapest": lambda fleet, clock, rng: Fixed(clock, rng, cheapest(fleet, clock)),
    "round-robin": lambda fleet, *_: RoundRobin(fleet),
}
