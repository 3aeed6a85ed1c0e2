"""Processes under measurement: started, asked what CPU they used, ended."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PEERS = Path(__file__).with_name("peers")
ROOT = Path(__file__).parent.parent
_READY_S = 30.0
_LOOK_EVERY_S = 0.005


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads together, to the nanosecond.

    Every process has a clock of its own, and Linux lets everybody read it: clock_getcpuclockid(3).
    """
    return time.clock_gettime((~pid << 3) | 2)


@dataclass(frozen=True, slots=True)
class Child:
    """A process that listens on ``port``."""

    pid: int
    port: int

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.pid)


def environment(**more: str) -> dict[str, str]:
    """Ours without anybody's keys and settings, so that every machine measures the same."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**found, "PYTHONPATH": str(ROOT), **more}


@asynccontextmanager
async def started(
    command: Sequence[str], environ: Mapping[str, str], *, errors: IO[bytes] | int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python command from start to end (SIGTERM, then SIGKILL)."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=dict(environ),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


@asynccontextmanager
async def peer(name: str, *arguments: str) -> AsyncIterator[Child]:
    """Run one of ``peers/``, which prints its port."""
    async with started([str(PEERS / f"{name}.py"), *arguments], environment()) as process:
        assert process.stdout is not None
        yield Child(process.pid, int(await process.stdout.readline()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


async def until_ready(process: asyncio.subprocess.Process, port: int) -> None:
    """Return when ``/health/ready`` answers 200."""
    deadline = time.monotonic() + _READY_S
    while not await _is_ready(port):
        if process.returncode is not None:
            raise RuntimeError(f"the proxy ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the proxy was not ready within {_READY_S:g} s")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /health/ready HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


async def fetch(port: int, path: str) -> bytes:
    """GET a small thing from a peer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return await reader.readexactly(length)
    finally:
        writer.close()
