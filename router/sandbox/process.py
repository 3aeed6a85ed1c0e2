"""The market as a child process: what a test, a demo or `make run` starts and talks to."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

import aiohttp
import msgspec

from router.sandbox.fleet import Dialect, EndpointId, Row
from router.sandbox.ledger import Entry
from router.sandbox.script import Order

_START_S = 20.0
_STOP_S = 5.0
_PACKAGE_ROOT = Path(__file__).parents[2]


Shape = TypeVar("Shape")


class StartError(Exception):
    """The market did not start; the message is what it said on stderr."""


class _Ready(msgspec.Struct):
    ready: bool
    port: int


class _Fleet(msgspec.Struct):
    speed: float
    now: float
    rows: list[Row]


def _command(speed: float, seed: int, market: Path | None, host: str, port: int) -> list[str]:
    """The child's command line."""
    chosen = [] if market is None else ["--market", str(market)]
    line = [sys.executable, "-m", "router.sandbox", "--speed", str(speed), "--seed", str(seed)]
    return [*line, "--host", host, "--port", str(port), *chosen]


async def _first_line(child: asyncio.subprocess.Process, stderr: IO[bytes]) -> _Ready:
    """What the child says when it listens. Raises StartError with its stderr."""
    if child.stdout is None:
        raise StartError("the sandbox has no stdout")
    try:
        line = await asyncio.wait_for(child.stdout.readline(), _START_S)
        return msgspec.json.decode(line, type=_Ready)
    except (TimeoutError, msgspec.DecodeError):
        stderr.seek(0)
        said = stderr.read().decode(errors="replace").strip()
        raise StartError(f"the sandbox did not start: {said or 'it said nothing'}") from None


async def _fetch(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    shape: type[Shape],
    orders: Sequence[Order] = (),
) -> Shape:
    """One of the sandbox's own paths. Raises ValueError with what it said if it refuses."""
    body = msgspec.json.encode(orders) if orders else None
    async with session.request(method, path, data=body) as response:
        raw = await response.read()
        if response.status != 200:
            raise ValueError(raw.decode())
        return msgspec.json.decode(raw, type=shape)


async def _stop(child: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL if that is not heard."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _STOP_S)
    except TimeoutError:
        child.kill()
        await child.wait()


@dataclass(frozen=True, slots=True)
class Market:
    """A running market. Its times are virtual: `speed` times faster than real ones."""

    host: str
    port: int
    pid: int
    speed: float
    rows: dict[EndpointId, Row]
    _session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        speed: float = 1.0,
        seed: int = 1,
        market: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> AsyncIterator["Market"]:
        """The market, from ready to stopped. Raises StartError."""
        paths = filter(None, [str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH")])
        with TemporaryFile() as stderr:
            child = await asyncio.create_subprocess_exec(
                *_command(speed, seed, market, host, port),
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
            try:
                ready = await _first_line(child, stderr)
                async with aiohttp.ClientSession(f"http://{host}:{ready.port}") as session:
                    fleet = await _fetch(session, "GET", "/sandbox/fleet", _Fleet)
                    rows = {row.endpoint: row for row in fleet.rows}
                    yield cls(host, ready.port, child.pid, speed, rows, session)
            finally:
                await _stop(child)

    @property
    def root(self) -> str:
        """Where the market listens."""
        return f"http://{self.host}:{self.port}"

    def base_url(self, endpoint: str) -> str:
        """What a client of this row's dialect takes as its base URL."""
        row = self.rows[EndpointId(endpoint)]
        return f"{self.root}/{endpoint}" + ("/v1" if row.dialect is Dialect.OPENAI else "")

    async def ledger(self, since: int = 0) -> list[Entry]:
        """Entries after the one numbered `since`, oldest first."""
        return await _fetch(self._session, "GET", f"/sandbox/ledger?since={since}", list[Entry])

    async def script(self, *orders: Order) -> None:
        """Add events, in virtual seconds from now. Raises ValueError for a wrong one."""
        await _fetch(self._session, "POST", "/sandbox/script", object, orders)

    async def clear(self) -> None:
        """Forget all events."""
        await _fetch(self._session, "DELETE", "/sandbox/script", object)
