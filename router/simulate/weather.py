"""How each endpoint truly is at every moment of a run, drawn before it begins.

Level and speed walk slowly (Ornstein-Uhlenbeck), fall in degradations, and stop in outages;
scripted events come on top. All of it is a function of (seed, endpoint), laid down in steps of
half a minute, so that no strategy can change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log, sqrt
from random import Random
from typing import Final, NamedTuple

from router.simulate.scenario import Scenario, Seller, Spells

STEP_S: Final = 30.0
LINGER_S: Final = 3600.0
"""Weather is known for so long after the last arrival; it then stays as it is."""


class Weather(NamedTuple):
    """One endpoint in one step. ``wait`` and ``pace`` are logs: of waits, added to those of its
    line, and of its tokens per second. ``limited`` is the share that gets a 429.
    """

    wait: float
    pace: float
    down: bool = False
    hangs: bool = False
    limited: float = 0.0
    retry_after_s: float | None = None


def drawn(scenario: Scenario, seller: Seller, seed: int) -> list[Weather]:
    """Draw the weather of one endpoint, a step each."""
    rng = Random(f"{seed}/{seller.id}")
    steps = int((scenario.hours * 3600 + LINGER_S) / STEP_S) + 1
    wait = _walk(rng, steps, seller.drift.ttft, seller.drift.hours)
    pace = [log(seller.tps) + x for x in _walk(rng, steps, seller.drift.tps, seller.drift.hours)]
    down, hangs = [False] * steps, [False] * steps
    limited: list[float] = [0.0] * steps
    retry: list[float | None] = [None] * steps
    deepest = log(seller.degradations.factor)
    for low, high in _spells(rng, seller.degradations, steps):
        depth = deepest * rng.uniform(0.5, 1)
        for i in range(low, high):
            wait[i] += depth
            pace[i] -= depth / 2
    for low, high in _spells(rng, seller.outages, steps):
        down[low:high] = [True] * (high - low)
    for low, high in _spells(rng, seller.rate_limits, steps):
        limited[low:high] = [seller.rate_limits.share] * (high - low)
        retry[low:high] = [seller.rate_limits.retry_after_s] * (high - low)
    for event in scenario.events:
        if event.endpoint != seller.id:
            continue
        low = min(round(event.from_minute * 60 / STEP_S), steps)
        high = min(round(event.to_minute * 60 / STEP_S), steps)
        for i in range(low, high):
            match event.kind:
                case "slow":
                    wait[i] += log(event.ttft_factor)
                    pace[i] += log(event.tps_factor)
                case "outage":
                    down[i] = True
                case "hang":
                    hangs[i] = True
                case "rate-limit":
                    limited[i], retry[i] = event.share, event.retry_after_s
    return [
        Weather(*of_step) for of_step in zip(wait, pace, down, hangs, limited, retry, strict=True)
    ]


def _walk(rng: Random, steps: int, sd: float, hours: float) -> list[float]:
    keep = exp(-STEP_S / (hours * 3600))
    kick = sd * sqrt(1 - keep * keep)
    at = rng.gauss(0, 1) * sd
    path = []
    for _ in range(steps):
        path.append(at)
        at = at * keep + kick * rng.gauss(0, 1)
    return path


def _spells(rng: Random, spells: Spells, steps: int) -> Iterator[tuple[int, int]]:
    """Yield the half-open ranges of steps that a spell covers."""
    if spells.per_day <= 0:
        return
    at = 0.0
    while True:
        at += rng.expovariate(spells.per_day / 86_400)
        low = int(at / STEP_S)
        if low >= steps:
            return
        length_s = rng.expovariate(1 / (spells.minutes * 60))
        yield low, min(steps, low + max(1, round(length_s / STEP_S)))
