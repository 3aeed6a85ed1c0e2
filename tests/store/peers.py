"""What the tests of sharing stand between: a plain journal, and a line that fails on command."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from redis.asyncio import Redis

from router.store.journal import Batch

Totals = dict[str, dict[int, float]]


class RealClock:
    def wall(self) -> float:
        return time.time()

    def mono(self) -> float:
        return time.monotonic()

    def real_s(self, seconds: float) -> float:
        return seconds


class Sums:
    """A journal of plain sums. Its view never loses or doubles what it added itself."""

    def __init__(self, name: str, ttl_s: int = 600) -> None:
        self.own: Totals = {}
        self.latest: dict[str, float] = {}
        self.resent = 0
        self._name, self._ttl_s, self._count = name, ttl_s, 0
        self._pending: Totals = {}
        self._news: dict[str, float] = {}
        self._batch: Batch | None = None
        self._pulled: dict[str, Mapping[int, float]] = {}

    @property
    def unpushed(self) -> int:
        return len(self._pending) + (len(self._batch.sums) if self._batch else 0)

    def add(self, key: str, field: int, amount: float) -> None:
        for sums in (self.own, self._pending):
            fields = sums.setdefault(key, {})
            fields[field] = fields.get(field, 0.0) + amount

    def note(self, name: str, at: float) -> None:
        self.latest[name] = self._news[name] = max(at, self.latest.get(name, 0.0))

    def view(self) -> Totals:
        seen: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        frozen = self._batch.sums if self._batch else {}
        for part in (self._pulled, frozen, self._pending):
            for key, fields in part.items():
                for field, amount in fields.items():
                    seen[key][field] += amount
        return {key: dict(fields) for key, fields in seen.items()}

    def take(self) -> Batch | None:
        if self._batch is not None:
            self.resent += 1
        elif self._pending or self._news:
            self._count += 1
            ttl_s = dict.fromkeys(self._pending, self._ttl_s)
            name = f"{self._name}{self._count}"
            self._batch = Batch(name, self._pending, ttl_s, self._news)
            self._pending, self._news = {}, {}
        return self._batch

    def acknowledge(self, batch: Batch) -> None:
        assert self._batch is batch
        self._batch = None

    def absorb(
        self, totals: Mapping[str, Mapping[int, float]], latest: Mapping[str, float]
    ) -> None:
        self._pulled.update(totals)
        for name, at in latest.items():
            self.latest[name] = max(at, self.latest.get(name, 0.0))
        view = self.view()
        for key, fields in self.own.items():
            for field, amount in fields.items():
                assert view[key][field] >= amount, "its own outcomes dipped"

    def rebase(self) -> None:
        self._batch, self._pulled = None, {}
        self._pending = {key: dict(fields) for key, fields in self.own.items()}
        self._news = dict(self.latest)


def merged(*journals: Sums) -> Totals:
    """What everyone should see: each contribution once."""
    seen: Totals = {}
    for journal in journals:
        for key, fields in journal.own.items():
            for field, amount in fields.items():
                into = seen.setdefault(key, {})
                into[field] = into.get(field, 0.0) + amount
    return seen


async def until(true: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Poll, with a deadline."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


async def tell(url: str, *words: str | int) -> object:
    """One command from outside."""
    async with Redis.from_url(url) as client:
        answer: object = await client.execute_command(*words)  # type: ignore[no-untyped-call]
        return answer


class BadLine:
    """A relay to a server; it breaks the next exchange as told, and is whole again."""

    def __init__(self, server: str, path: Path) -> None:
        self.url = f"unix://{path}"
        self.fault: str | None = None
        self._server = server.removeprefix("unix://")

    async def _serve(self, near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        far, to = await asyncio.open_unix_connection(self._server)
        with suppress(ConnectionError):
            while data := await near.read(1 << 20):
                fault, self.fault = self.fault, None
                if fault == "request lost":
                    break
                to.write(data)
                answer = await far.read(1 << 20)
                if fault == "answer lost":
                    break
                out.write(answer)
        to.close()
        out.close()


@asynccontextmanager
async def bad_line(server: str, path: Path) -> AsyncIterator[BadLine]:
    line = BadLine(server, path)
    async with await asyncio.start_unix_server(line._serve, path):
        yield line
