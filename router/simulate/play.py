"""Play scenarios: every strategy through every seed, several processes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import NamedTuple

from router.simulate.arrivals import Arrivals
from router.simulate.caches import Caches
from router.simulate.calibration import Noted
from router.simulate.clock import VirtualClock
from router.simulate.loop import Run, Served
from router.simulate.ours import Engine
from router.simulate.scenario import Scenario
from router.simulate.strategies import STRATEGIES, Setting
from router.simulate.world import World


class Task(NamedTuple):
    """One strategy through one market."""

    scenario: Scenario
    seed: int
    strategy: str


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it: every request, and what was forecast of some (ours only)."""

    seed: int
    strategy: str
    served: Sequence[Served]
    noted: Sequence[Noted] = ()


def play(task: Task) -> Played:
    """Play one. The same task always gives the same.

    Raises PrivateRedisError where a strategy shares and no server can be started.
    """
    scenario, seed, name = task
    world, arrivals = World(scenario, seed), Arrivals(scenario, seed)
    clock, caches = VirtualClock(scenario.start_wall), Caches()
    with ExitStack() as stack:
        rng = Random(f"{seed}/{name}")
        buyer = STRATEGIES[name](Setting(world, arrivals, clock, caches, rng, stack))
        served = Run(world, arrivals, clock, caches, buyer).play()
    noted = buyer.noted if isinstance(buyer, Engine) else ()
    return Played(seed, name, served, noted)


def play_all(tasks: Sequence[Task], jobs: int) -> Iterator[Played]:
    """Yield every play as it ends, in any order."""
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(play, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from (done.result() for done in as_completed([pool.submit(play, t) for t in tasks]))
