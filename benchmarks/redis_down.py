"""What a Redis that is frozen, dead or silent adds to a request: nothing, or this measures it.

Two proxies stand side by side, one on a healthy Redis and one whose Redis is broken on purpose:
stopped by SIGSTOP, ended by SIGKILL, or a port that accepts and never answers. One client asks
them in turn, request by request, so that whatever the machine does hits both. *Added* is a
request's time less the median of the same request sent to the provider directly; compared are the
99th percentiles of what the two add.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from benchmarks.child import environment, free_port, peer, started, until_ready
from benchmarks.finding import Finding
from benchmarks.fleet import ENVIRON, config
from benchmarks.load import WHOLE
from benchmarks.table import table
from router.store.private import PrivateRedis

BOUND, SHORT_BOUND = 1.2, 2.0
ROUNDS, SHORT_ROUNDS = 7, 5
REQUESTS, SHORT_REQUESTS = 1500, 400
FAULTS: Final = ("frozen", "killed", "silent")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: p99 of what was added in ms, healthy and broken, and the median of the ratios."""

    fault: str
    healthy_ms: float
    broken_ms: float
    ratio: float


class _Asking:
    """One kept connection that asks one thing after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._request = WHOLE.request(port)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def seconds(self) -> float:
        """Ask once; how long the whole answer took."""
        begun = time.perf_counter()
        self._writer.write(self._request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"no proper answer: {head[:200]!r}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return time.perf_counter() - begun


@asynccontextmanager
async def _proxy(folder: Path, upstream: int, redis_url: str) -> AsyncIterator[int]:
    port = free_port()
    file = folder / f"config-{port}.toml"
    file.write_text(config(port=port, upstream=upstream, redis_url=redis_url, sink=upstream))
    command = ["-m", "router", "serve", "--config", str(file)]
    async with started(
        command, environment(**ENVIRON, MERITORDER_TELEMETRY__LOG_LEVEL="error")
    ) as p:
        await until_ready(p, port)
        yield port


@asynccontextmanager
async def _broken_redis(fault: str) -> AsyncIterator[tuple[str, int]]:
    """A URL, and the process to break once the proxy runs (0: broken from the start)."""
    if fault != "silent":
        async with PrivateRedis.start() as server:
            try:
                yield server.url, server.pid
            finally:
                if fault == "frozen":
                    os.kill(server.pid, signal.SIGCONT)
        return
    held: list[asyncio.StreamWriter] = []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}", 0
    finally:
        silent.close()
        for writer in held:
            writer.close()


async def _compare(fault: str, rounds: int, requests: int) -> Row:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        stub = await stack.enter_async_context(peer("stub"))
        good = await stack.enter_async_context(PrivateRedis.start())
        url, pid = await stack.enter_async_context(_broken_redis(fault))
        ports = [
            await stack.enter_async_context(_proxy(folder, stub.port, at)) for at in (good.url, url)
        ]
        direct, healthy, broken = [
            await stack.enter_async_context(_Asking(port)) for port in (stub.port, *ports)
        ]
        for _ in range(200):
            for one in (direct, healthy, broken):
                await one.seconds()
        if pid:
            os.kill(pid, signal.SIGSTOP if fault == "frozen" else signal.SIGKILL)
        tails: list[tuple[float, float]] = []
        for _ in range(rounds):
            times: tuple[list[float], ...] = ([], [], [])
            for _ in range(requests):
                for into, one in zip(times, (direct, healthy, broken), strict=True):
                    into.append(await one.seconds())
            base = statistics.median(times[0])
            p99 = [statistics.quantiles(t, n=100)[98] - base for t in times[1:]]
            tails.append((1000 * p99[0], 1000 * p99[1]))
        return Row(
            fault,
            statistics.median(t[0] for t in tails),
            statistics.median(t[1] for t in tails),
            statistics.median(t[1] / t[0] for t in tails),
        )


async def measure(*, short: bool) -> Finding:
    """Measure every fault; ``short`` holds a loose bound only."""
    rounds = SHORT_ROUNDS if short else ROUNDS
    requests = SHORT_REQUESTS if short else REQUESTS
    finding = Finding(f"redis: p99 added to a request, {rounds} rounds of {requests} a side")
    lines = []
    for fault in FAULTS:
        row = await _compare(fault, rounds, requests)
        held = finding.hold(f"redis {fault}", row.ratio, SHORT_BOUND if short else BOUND, "x")
        finding.figures[fault] = {
            "healthy_ms": row.healthy_ms,
            "broken_ms": row.broken_ms,
            "ratio": row.ratio,
        }
        lines.append(
            (fault, f"{row.healthy_ms:.2f} ms", f"{row.broken_ms:.2f} ms", f"{row.ratio:.2f}", held)
        )
    finding.text.append(table(("", "healthy", "broken", "ratio", "bound"), lines))
    return finding
