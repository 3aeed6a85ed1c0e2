"""Everything that can be compared, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Final

from router.core.policy import Policy
from router.simulate.arrivals import Arrivals
from router.simulate.buyer import Buyer
from router.simulate.caches import Caches
from router.simulate.clairvoyant import Clairvoyant
from router.simulate.clock import VirtualClock
from router.simulate.informed import Informed
from router.simulate.ours import Engine
from router.simulate.replicas import Replicas
from router.simulate.rivals import RIVALS, Make
from router.simulate.rivals.fixed import Fixed, by_class
from router.simulate.rivals.hindsight import in_hindsight
from router.simulate.rounds import rounds
from router.simulate.world import World

OURS: Final = "meritorder"
UNHEDGED: Final = f"{OURS}-unhedged"
CLAIRVOYANT: Final = "clairvoyant"
INFORMED: Final = "true-distributions"
REPLICAS: Final = 4
SHARED: Final = f"{OURS}@{REPLICAS}-shared"
ALONE: Final = f"{OURS}@{REPLICAS}-alone"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a strategy is made from. Only oracles may look at ``world`` beyond its endpoints and
    scenario, at ``arrivals`` and at ``caches``. What must be closed is left to ``stack``, which
    ends with the run.
    """

    world: World
    arrivals: Arrivals
    clock: VirtualClock
    caches: Caches
    rng: Random
    stack: ExitStack


Maker = Callable[[Setting], Buyer]


def _informed(aim: float) -> Maker:
    return lambda s: Informed(s.world, s.clock, s.caches, aim)


def _engines(s: Setting) -> list[Engine]:
    chances = [Random(s.rng.getrandbits(64)) for _ in range(REPLICAS)]
    return [Engine(s.world.endpoints, s.clock, chance) for chance in chances]


def _shared(s: Setting) -> Replicas:
    engines = _engines(s)
    journals = [engine.board.journal for engine in engines]
    return Replicas(engines, s.stack.enter_context(rounds(journals, s.clock)).reach)


def _rival(make: Make) -> Maker:
    return lambda s: make(s.world.endpoints, s.clock, s.rng)


FRONTIER: Final[Mapping[str, float]] = {f"{INFORMED}@{aim:g}": aim for aim in (0.1, 0.5, 1.3)}
"""The same oracle aiming higher and lower: its frontier of attainment and cost."""
SUREST: Final = min(FRONTIER, key=FRONTIER.__getitem__)
"""The one that misses as little as it can."""

STRATEGIES: Final[Mapping[str, Maker]] = {
    OURS: lambda s: Engine(s.world.endpoints, s.clock, s.rng),
    UNHEDGED: lambda s: Engine(s.world.endpoints, s.clock, s.rng, Policy("", hedge=False)),
    SHARED: _shared,
    ALONE: lambda s: Replicas(_engines(s)),
    CLAIRVOYANT: lambda s: Clairvoyant(s.world, s.arrivals, s.clock, s.caches),
    INFORMED: lambda s: Informed(s.world, s.clock, s.caches),
    **{name: _informed(aim) for name, aim in FRONTIER.items()},
    **{name: _rival(make) for name, make in RIVALS.items()},
    "fixed-in-hindsight": lambda s: Fixed(
        s.clock, s.rng, by_class(in_hindsight(s.world, s.arrivals))
    ),
}
"""Ours, the oracles, what others do (``docs/rivals.md``), and what nobody could know before."""


def usual() -> list[str]:
    """Return what is compared unless somebody asks for more: replicas need a Redis, and time."""
    return [name for name in STRATEGIES if name not in {SHARED, ALONE}]


def always() -> list[str]:
    """Return what every comparison needs: the oracles that the others are measured by."""
    return [CLAIRVOYANT, INFORMED, *FRONTIER]
