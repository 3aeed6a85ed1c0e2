"""One recorded log: who asked when, and what each endpoint would have made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Protocol

from router.core.faults import Kind

ENDPOINTS = ("a", "b", "c", "d", "e")
PRICES = {"a": 3.0, "b": 1.0, "c": 1.0, "d": 2.0, "e": 1.0}
SERVES = {"a": ("m", "n"), "b": ("m",), "c": ("m", "n"), "d": ("m", "n"), "e": ("m",)}
FAULTS = (
    Kind.SERVER_ERROR,
    Kind.RATE_LIMITED,
    Kind.RATE_LIMITED,
    Kind.FIRST_TOKEN_TIMEOUT,
    Kind.CONTEXT_EXCEEDED,
    Kind.CREDENTIALS,
)


@dataclass(frozen=True)
class Result:
    """What comes of one request at one endpoint."""

    lasts_s: float
    ttft_s: float
    tokens: int
    fault: Kind | None
    retry_after_s: int | None


@dataclass(frozen=True)
class Row:
    """One request."""

    number: int
    at: float
    model: str
    stream: bool
    results: dict[str, Result]


def record(seed: int, rows: int) -> list[Row]:
    """Record quiet and busy stretches, one endpoint down for a third of the time."""
    rng, at, log = Random(seed), 0.0, []
    for number in range(rows):
        at += rng.expovariate(0.9 if (at // 300) % 2 else 0.1)
        down = "c" if (at // 600) % 3 == 1 else ""
        results = {name: _result(rng, place, name == down) for place, name in enumerate(ENDPOINTS)}
        log.append(Row(number, at, rng.choice("mmn"), rng.random() < 0.6, results))
    return log


def _result(rng: Random, place: int, down: bool) -> Result:
    fault = Kind.SERVER_ERROR if down else rng.choice(FAULTS) if rng.random() < 0.25 else None
    ttft_s = rng.lognormvariate(-0.5 + 0.2 * place, 0.5)
    tokens = round(rng.lognormvariate(5, 0.7))
    waits = fault is Kind.RATE_LIMITED and rng.random() < 0.7
    retry_after_s = rng.choice((0, 1, 20)) if waits else None
    lasts_s = ttft_s + tokens / 50 if fault is None else rng.uniform(0.1, 3)
    return Result(lasts_s, ttft_s, tokens, fault, retry_after_s)


class Chooser(Protocol):
    """A router under replay; ``now`` is in seconds."""

    async def pick(self, row: Row, now: float) -> str | None: ...
    async def ended(self, row: Row, name: str, result: Result, sent: float, now: float) -> None: ...


async def replay(log: list[Row], chooser: Chooser, set_clock: Callable[[float], None]) -> list[str]:
    """Play the log: two retries at most, every result told at its end. Returns every pick."""
    order, said = count(), list[str]()
    events: list[tuple[float, int, Row, int, str]] = []
    sent_at: dict[tuple[int, int], float] = {}
    for row in log:
        heappush(events, (row.at, next(order), row, 0, ""))
    while events:
        now, _, row, tries, name = heappop(events)
        set_clock(now)
        if name:
            result = row.results[name]
            await chooser.ended(row, name, result, sent_at.pop((row.number, tries)), now)
            if result.fault in {None, Kind.CONTEXT_EXCEEDED, Kind.CREDENTIALS} or tries == 3:
                continue
        picked = await chooser.pick(row, now)
        said.append(f"{now:.3f} {row.number} {picked}")
        if picked is not None:
            sent_at[row.number, tries + 1] = now
            ends = now + row.results[picked].lasts_s
            heappush(events, (ends, next(order), row, tries + 1, picked))
    return said
