"""CPU of one decision over 20 endpoints, each with 2,000 observations behind it.

Board and core run in this process on a clock of our own, at 100 requests a second: a decision,
then the observation of its answer, so that beliefs are prepared anew as often as under load. Only
the call in question is timed (CPU of this thread).
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Final, ParamSpec, TypeVar

from benchmarks.finding import Finding
from benchmarks.table import table
from router.core.answer import Usage
from router.core.ask import Ask, Bound, BoundKind, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price, Prior
from router.core.decide import decide
from router.core.decision import Decision
from router.core.measure import Attempt, Outcome
from router.core.numbers import deviates
from router.store.board import Board

P = ParamSpec("P")
T = TypeVar("T")

BOUND_US: Final = 100.0
SANITY_US: Final = 300.0
_ENDPOINTS: Final = 20
_OBSERVED: Final = 2000
_MODEL: Final = ModelName("bench-model")
_EVERY_S: Final = 0.01


@dataclass(slots=True)
class _Clock:
    """Moves when it is told to."""

    now: float = 1.75e9

    def wall(self) -> float:
        return self.now

    def mono(self) -> float:
        return self.now

    def real_s(self, seconds: float) -> float:
        return seconds


_BOUNDS: Final = {
    "none": (),
    "ttft": (Bound(BoundKind.TTFT, 900.0),),
    "ttft, tight": (Bound(BoundKind.TTFT, 90.0),),
    "ttft + e2e": (Bound(BoundKind.TTFT, 900.0), Bound(BoundKind.E2E, 12_000.0)),
    "all five": (
        Bound(BoundKind.TTFT, 900.0),
        Bound(BoundKind.TTFAT, 1500.0),
        Bound(BoundKind.E2E, 12_000.0),
        Bound(BoundKind.TPS, 25.0),
        Bound(BoundKind.ANSWER_TOKENS, 900.0),
    ),
}
"""Declared bounds. 900 ms are kept by about half of the endpoints, 90 ms by the dearest at best."""

_BOUNDED: Final = ("ttft", "ttft + e2e")


@dataclass(slots=True)
class _World:
    """A board over a virtual market in which the dearer endpoint is the faster one."""

    rng: random.Random
    clock: _Clock = field(default_factory=_Clock)
    endpoints: tuple[Endpoint, ...] = ()
    board: Board = field(init=False)
    chance: Callable[[], float] = field(init=False)

    def __post_init__(self) -> None:
        self.chance = deviates(self.rng.getrandbits)
        self.endpoints = tuple(_endpoint(i) for i in range(_ENDPOINTS))
        self.board = Board(self.endpoints, self.clock)

    def attempt(self, index: int) -> Attempt:
        """An answer as endpoint ``index`` gives them, ended now."""
        ttft = _ttft_s(index) * math.exp(self.rng.gauss(0.0, 0.25))
        tokens = min(4000, max(10, round(300 * math.exp(self.rng.gauss(0.0, 0.4)))))
        speed = (40 + 5 * index) * math.exp(self.rng.gauss(0.0, 0.1))
        ended = self.clock.now
        last = ended - 0.001
        first = last - (tokens - 1) / speed
        return Attempt(
            endpoint=self.endpoints[index].id,
            number=1,
            started_wall=first - ttft,
            sent=first - ttft,
            ended=ended,
            first=first,
            first_answer=first,
            last=last,
            usage=Usage(fresh_input=250, text=tokens),
            visible_tokens=float(tokens),
            visible_chars=4 * tokens,
            cost_nano_usd=500_000,
            status=200,
            finish="stop",
        )

    def fill(self) -> None:
        """Observe every endpoint 2,000 times."""
        ask = _ask(())
        for _ in range(_OBSERVED):
            self.clock.now += 1.0
            for index in range(_ENDPOINTS):
                self.board.observe(self.attempt(index), ask, None)


def _ttft_s(index: int) -> float:
    return 2.0 * 0.86**index


def _endpoint(index: int) -> Endpoint:
    return Endpoint(
        id=EndpointId(f"endpoint-{index}"),
        provider=f"provider-{index}",
        model=f"provider-{index}/bench-model",
        upstream_model="bench-model",
        family=f"family-{index % 4}",
        serves=(_MODEL,),
        base_url=f"http://provider-{index}.test/v1",
        context=131_072,
        price=Price(0.5 + 0.1 * index, 2.0 + 0.4 * index),
        prior=Prior(ttft_ms=1000 * _ttft_s(index), tps=40 + 5 * index, answer_tokens=300),
    )


def _ask(bounds: tuple[Bound, ...]) -> Ask:
    return Ask(
        id="mo-benchmark",
        model=_MODEL,
        sla=Sla(bounds=bounds),
        prompt=PromptSize(1000),
        stream=True,
        params=frozenset({"model", "messages", "stream"}),
    )


def measure(bare_us: float, *, short: bool) -> Finding:
    """Time decisions, observations and settlements; ``bare_us`` is a bare relay's request."""
    calls = 1500 if short else 10_000
    world = _World(random.Random(7))
    world.fill()
    finding = Finding(f"decide: CPU over {_ENDPOINTS} endpoints, {_OBSERVED} observations each")
    rows: list[list[str]] = []
    gc.collect()
    observed: list[float] = []
    settled: list[float] = []
    for name, bounds in _BOUNDS.items():
        seen, ranks = _decisions(world, _ask(bounds), calls, observed, settled)
        verdict = ""
        if name in _BOUNDED:
            limit = SANITY_US if short else BOUND_US
            verdict = finding.hold(f"decide {name}", median(seen), limit, " us")
        rows.append(
            [f"decide, {name}", *_row(finding, name, seen, bare_us), f"{fmean(ranks):.1f}", verdict]
        )
    rows.append(["observe", *_row(finding, "observe", observed, bare_us), "", ""])
    rows.append(["settle", *_row(finding, "settle", settled, bare_us), "", ""])
    head = ["", "p5", "median", "mean", "p99", "of a bare relay's", "rank", "bound"]
    finding.text.append(table(head, rows))
    finding.text.append(
        f"  a bare relay's request: {bare_us:.0f} us; rank: of the chosen, by price, 0 the cheapest"
    )
    return finding


def _decisions(
    world: _World, ask: Ask, calls: int, observed: list[float], settled: list[float]
) -> tuple[list[float], list[int]]:
    board, clock = world.board, world.clock
    seen: list[float] = []
    ranks: list[int] = []
    for _ in range(calls):
        clock.now += _EVERY_S
        decision, spent = _timed(_decide, world, ask)
        seen.append(spent)
        chosen = decision.plan[0].endpoint
        index = world.endpoints.index(chosen)
        ranks.append(index)
        board.begun(chosen)
        attempt = world.attempt(index)
        observed.append(_timed(_observe, board, attempt, ask)[1])
        outcome = Outcome((attempt,), attempt.sent, attempt.ended, None, ask.sla)
        settled.append(_timed(board.settle, outcome, decision, ask)[1])
    return seen, ranks


def _observe(board: Board, attempt: Attempt, ask: Ask) -> None:
    """Book an outcome and learn from it, which the proxy does a few milliseconds later."""
    board.observe(attempt, ask, None)
    board.catch_up()


def _decide(world: _World, ask: Ask) -> Decision:
    board, wall = world.board, world.clock.now
    stakes, candidates = board.stakes(ask.kind), board.candidates(ask)
    return decide(ask, candidates, stakes, wall=wall, chance=world.chance)


def _timed(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> tuple[T, float]:
    """Return what ``call`` returns, and the CPU it took in us."""
    before = time.thread_time_ns()
    result = call(*arguments, **named)
    return result, (time.thread_time_ns() - before) / 1000


def _row(finding: Finding, name: str, seen: list[float], bare_us: float) -> list[str]:
    ordered = sorted(seen)
    p5, p99 = ordered[len(ordered) * 5 // 100], ordered[len(ordered) * 99 // 100]
    middle, mean = median(ordered), fmean(ordered)
    finding.figures[name] = {"p5_us": p5, "median_us": middle, "mean_us": mean, "p99_us": p99}
    figures = [f"{value:.1f} us" for value in (p5, middle, mean, p99)]
    return [*figures, f"{middle / bare_us:.2f}"]
