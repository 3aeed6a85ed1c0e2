"""From the spawn of ``meritorder serve`` to the first 200 of ``/health/ready``.

With the shipped configuration, as ``make run`` starts it: sandbox market and private Redis are
children that it waits for. CPU is the proxy's own. What was imported by then is told by
``peers/watched.py`` in a run of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.child import PEERS, ROOT, cpu_s, environment, free_port, started, until_ready
from benchmarks.finding import Finding
from benchmarks.table import table

BOUND_S: Final = 1.5
SANITY_S: Final = 4.5
_HEAVY: Final = ("litellm", "openai", "redis", "opentelemetry", "pydantic", "aiohttp")


async def measure(*, short: bool) -> Finding:
    """Start it a few times, and once more to look inside."""
    runs = 3 if short else 5
    await _start(["-m", "router"])  # the first start of all reads the disk
    seen = [await _start(["-m", "router"]) for _ in range(runs)]
    walls, cpus = [wall for wall, _ in seen], [cpu for _, cpu in seen]
    finding = Finding(f"start: spawn to ready, shipped configuration, {runs} runs")
    verdict = finding.hold("start", median(walls), SANITY_S if short else BOUND_S, " s")
    rows = [["until ready", *(f"{x:.2f} s" for x in _spread(walls)), verdict]]
    rows.append(["CPU of the proxy", *(f"{x:.2f} s" for x in _spread(cpus)), ""])
    finding.text.append(table(["", "min", "median", "max", "bound"], rows))
    modules = await _modules()
    loaded = [name for name in _HEAVY if name in modules]
    finding.text.append(f"  {len(modules)} modules when it listens, of these {', '.join(loaded)}")
    if "litellm" in modules:
        finding.broken.append("start: litellm was loaded before the proxy was ready")
    finding.figures = {"wall_s": walls, "cpu_s": cpus, "modules": len(modules), "loaded": loaded}
    return finding


async def _start(command: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds until ready."""
    port = free_port()
    arguments = [*command, "serve", "--config", str(ROOT / "config.toml"), "--port", str(port)]
    begun = time.monotonic()
    async with started(arguments, environment(), errors=asyncio.subprocess.DEVNULL) as process:
        await until_ready(process, port)
        return time.monotonic() - begun, cpu_s(process.pid)


async def _modules() -> set[str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "modules"
        await _start([str(PEERS / "watched.py"), str(file)])
        return set(file.read_text(encoding="utf-8").split("\n"))


def _spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)
