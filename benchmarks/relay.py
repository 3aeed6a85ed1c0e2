"""CPU per request of the proxy, everything on, against a bare aiohttp relay.

Both stand before the same stub and get the same load in turns, round by round, the order changing
every round: what else the machine does hits both. CPU time is counted, not wall time, of the one
process in question; half a second is waited after each load so that what it left to do (telemetry,
Redis) is counted too. Redis runs beside and is told apart.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.child import (
    PEERS,
    Child,
    cpu_s,
    environment,
    fetch,
    free_port,
    peer,
    started,
    until_ready,
)
from benchmarks.finding import Finding
from benchmarks.fleet import ENVIRON, config
from benchmarks.load import BURST, PACED, WHOLE, Load, drive
from benchmarks.table import table
from router.store.private import PrivateRedis

BOUNDS: Final = {WHOLE.name: 2.0, PACED.name: 1.5}
SANITY: Final = 4.0
_SETTLE_S: Final = 0.5
_US: Final = 1e6


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    bare: Child
    proxy: Child
    redis_pid: int
    sink: Child


@dataclass(slots=True)
class Rounds:
    """Microseconds of CPU per request, one entry a round."""

    bare: list[float] = field(default_factory=list)
    proxy: list[float] = field(default_factory=list)
    redis: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [p / b for p, b in zip(self.proxy, self.bare, strict=True)]


@asynccontextmanager
async def stage(*, sampled: Path | None = None) -> AsyncIterator[Stage]:
    """Start stub, sink, Redis, bare relay and proxy; ``sampled``: the proxy under the sampler."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        upstream = await stack.enter_async_context(peer("stub"))
        sink = await stack.enter_async_context(peer("stub"))
        redis = await stack.enter_async_context(PrivateRedis.start())
        url = f"http://127.0.0.1:{upstream.port}/v1/chat/completions"
        bare = await stack.enter_async_context(peer("bare", url))
        port = free_port()
        file = folder / "config.toml"
        file.write_text(
            config(port=port, upstream=upstream.port, redis_url=redis.url, sink=sink.port)
        )
        log = stack.enter_context((folder / "proxy.log").open("wb"))
        serve = ["-m", "router"] if sampled is None else [str(PEERS / "sampled.py"), str(sampled)]
        command = [*serve, "serve", "--config", str(file)]
        process = await stack.enter_async_context(
            started(command, environment(**ENVIRON), errors=log)
        )
        await until_ready(process, port)
        yield Stage(bare, Child(process.pid, port), redis.pid, sink)


async def measure(*, short: bool) -> Finding:
    """Run the rounds and judge them."""
    rounds = 5 if short else 15
    requests = {
        WHOLE: 600 if short else 1000,
        PACED: PACED.connections,
        BURST: 80 if short else 160,
    }
    found: dict[str, Rounds] = {load.name: Rounds() for load in requests}
    async with stage() as parts:
        for child in (parts.bare, parts.proxy):
            await drive(WHOLE, child.port, 1000)
            await drive(PACED, child.port, PACED.connections)
            await drive(BURST, child.port, 80)
        for number in range(rounds):
            for load, count in requests.items():
                await _round(parts, load, count, found[load.name], proxy_first=number % 2 == 1)
        traces = int(await fetch(parts.sink.port, "/count"))
    return _judge(found, list(requests), rounds, traces, short=short)


async def bare_us(*, short: bool) -> float:
    """Return what a whole answer costs the bare relay, where that is all that is wanted."""
    async with peer("stub") as upstream:
        url = f"http://127.0.0.1:{upstream.port}/v1/chat/completions"
        async with peer("bare", url) as bare:
            await drive(WHOLE, bare.port, 1000)
            seen = [await _cost(bare, bare.pid, WHOLE, 800) for _ in range(3 if short else 7)]
    return median(cost for cost, _ in seen)


async def profile(load: Load, requests: int, file: Path) -> None:
    """Load the proxy under the sampler; ``file`` gets its stacks."""
    async with stage(sampled=file) as parts:
        await drive(WHOLE, parts.proxy.port, 1000)
        await drive(load, parts.proxy.port, load.connections)
        os.kill(parts.proxy.pid, signal.SIGUSR1)
        await drive(load, parts.proxy.port, requests)


async def _round(parts: Stage, load: Load, count: int, found: Rounds, *, proxy_first: bool) -> None:
    for child in (parts.proxy, parts.bare) if proxy_first else (parts.bare, parts.proxy):
        cost, redis = await _cost(child, parts.redis_pid, load, count)
        if child is parts.bare:
            found.bare.append(cost)
        else:
            found.proxy.append(cost)
            found.redis.append(redis)


async def _cost(child: Child, beside: int, load: Load, count: int) -> tuple[float, float]:
    """Return the CPU per request in us, of the child and of the process beside it."""
    before, beside_before = child.cpu_s, cpu_s(beside)
    answered = await drive(load, child.port, count)
    await asyncio.sleep(_SETTLE_S)
    spent, beside_spent = child.cpu_s - before, cpu_s(beside) - beside_before
    return spent / answered * _US, beside_spent / answered * _US


def _judge(
    found: dict[str, Rounds], loads: list[Load], rounds: int, traces: int, *, short: bool
) -> Finding:
    finding = Finding(f"relay: CPU per request, {rounds} rounds, proxy and bare relay in turns")
    rows = []
    for load in loads:
        seen = found[load.name]
        ratios = seen.ratios
        middle = median(ratios)
        bound = BOUNDS.get(load.name)
        verdict = "reported only"
        if bound is not None:
            verdict = finding.hold(
                f"relay {load.name}", middle, max(SANITY, bound) if short else bound, "x"
            )
        finding.figures[load.name] = {
            "bare_us": median(seen.bare),
            "proxy_us": median(seen.proxy),
            "redis_us": median(seen.redis),
            "ratio": {"min": min(ratios), "median": middle, "max": max(ratios)},
        }
        rows.append(
            [
                load.title,
                f"{median(seen.bare):.0f} us",
                f"{median(seen.proxy):.0f} us",
                f"{median(seen.redis):.0f} us",
                f"{min(ratios):.2f}",
                f"{middle:.2f}",
                f"{max(ratios):.2f}",
                verdict,
            ]
        )
    head = ["", "bare", "proxy", "redis", "ratio min", "median", "max", "bound"]
    finding.text.append(table(head, rows))
    finding.text.append(f"  bodies of traces that reached the sink: {traces}")
    if not traces:
        finding.broken.append("relay: no trace reached the sink, so telemetry was not on")
    return finding
