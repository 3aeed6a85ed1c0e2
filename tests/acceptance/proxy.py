"""A real proxy on a real socket, the real market behind it, and what it told of every request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from router.config import SHIPPED, load
from router.core.measure import Attempt
from router.ports import Record, Telemetry
from router.sandbox.ledger import Entry
from router.sandbox.process import Market
from router.server.house import House, open_house
from router.surfaces.http import RUNNER

CHAT = "/v1/chat/completions"
SEED = 1
"""What the proxy draws while an endpoint is unknown to it; the market has a seed of its own."""
HELLO = [{"role": "user", "content": "What is a merit order? Think first."}]


@dataclass
class Tee:
    """Passes finished requests on to the proxy's own telemetry, and keeps them."""

    behind: Telemetry
    records: list[Record] = field(default_factory=list)

    def report(self, record: Record) -> None:
        self.records.append(record)
        self.behind.report(record)


@dataclass(frozen=True)
class Reply:
    """What a client read; ``broken`` if its connection ended before the answer did."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    broken: bool = False

    @property
    def id(self) -> str:
        return self.headers["X-Request-Id"]

    @property
    def endpoint(self) -> str:
        return self.headers["X-SLA-Endpoint"]

    @cached_property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> dict[str, Any]:
        found = self.json["error"]
        assert isinstance(found, dict)
        return found

    @cached_property
    def data(self) -> list[str]:
        """The data of the events of a stream, ``[DONE]`` included."""
        lines = self.raw.decode().replace("\r\n", "\n").split("\n")
        return [line[6:] for line in lines if line.startswith("data: ")]

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.data if text != "[DONE]"]

    @property
    def text(self) -> str:
        """The visible answer, whichever way it came."""
        if "event-stream" not in self.headers.get("Content-Type", ""):
            return str(self.json["choices"][0]["message"]["content"] or "")
        deltas = (c["delta"] for e in self.events for c in e.get("choices") or ())
        return "".join(delta.get("content") or "" for delta in deltas)


@dataclass
class Proxy:
    """A running proxy. Its clock runs as fast as the market's."""

    url: str
    house: House
    session: aiohttp.ClientSession
    told: Tee

    @property
    def market(self) -> Market:
        assert self.house.market is not None
        return self.house.market

    @property
    def speed(self) -> float:
        return self.house.settings.sandbox.speed

    async def virtual(self, seconds: float) -> None:
        """Let so many seconds of the market pass."""
        await asyncio.sleep(seconds / self.speed)

    async def ask(
        self,
        model: str = "deepseek-r1",
        *,
        sla: Mapping[str, object] | None = None,
        fault: str = "",
        headers: Mapping[str, str] | None = None,
        path: str = CHAT,
        limit_s: float = 20.0,
        **fields: Any,
    ) -> Reply:
        """Ask and read to the end. ``sla`` names headers without their ``X-SLA-``."""
        body = {"model": model, "messages": HELLO, **fields}
        sent = {f"X-SLA-{name}": str(value) for name, value in (sla or {}).items()}
        if fault:
            sent["x-sandbox-fault"] = fault
        return await self.post(
            path, json.dumps(body).encode(), {**sent, **(headers or {})}, limit_s
        )

    async def explain(self, model: str = "deepseek-r1", **more: Any) -> dict[str, Any]:
        reply = await self.ask(model, path="/v1/route/explain", **more)
        assert reply.status == 200, reply.raw
        assert isinstance(reply.json, dict)
        return reply.json

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str], limit_s: float = 20.0
    ) -> Reply:
        async with (
            asyncio.timeout(limit_s),
            self.session.post(
                self.url + path, data=body, headers={"Content-Type": "application/json", **headers}
            ) as response,
        ):
            return await read(response)

    async def record(self, request_id: str, limit_s: float = 5.0) -> Record:
        """The one record of a request, as soon as it is told."""
        async with asyncio.timeout(limit_s):
            while not (found := [r for r in self.told.records if r.ask.id == request_id]):
                await asyncio.sleep(0.005)
        assert len(found) == 1
        return found[0]

    async def next_record(self, after: int, limit_s: float = 5.0) -> Record:
        """The record told after the first ``after`` ones: of a client that read no id."""
        async with asyncio.timeout(limit_s):
            while len(self.told.records) <= after:
                await asyncio.sleep(0.005)
        assert len(self.told.records) == after + 1
        return self.told.records[after]

    async def entries(self, request_id: str, count: int, limit_s: float = 5.0) -> list[Entry]:
        """What the providers entered for a request, as soon as it is ``count`` attempts."""
        async with asyncio.timeout(limit_s):
            while True:
                found = [e for e in await self.market.ledger() if belongs(e, request_id)]
                if len(found) >= count:
                    break
                await asyncio.sleep(0.01)
        assert len(found) == count
        return sorted(found, key=lambda e: e.id)

    async def adapters(self, limit_s: float = 60.0) -> None:
        """Wait until litellm is loaded."""
        async with asyncio.timeout(limit_s):
            while not all(self.house.health()["adapters"].values()):
                await asyncio.sleep(0.05)


async def read(response: aiohttp.ClientResponse) -> Reply:
    """Read an answer to its end, also one whose connection breaks."""
    raw, broken = b"", False
    try:
        async for chunk in response.content.iter_any():
            raw += chunk
    except aiohttp.ClientPayloadError:
        broken = True
    return Reply(response.status, response.headers, raw, broken)


def belongs(entry: Entry, request_id: str) -> bool:
    return entry.id.rpartition("-")[0] == request_id


def attempt_ids(record: Record) -> dict[str, Attempt]:
    """The attempts of a request under the names they had upstream."""
    return {f"{record.ask.id}-{a.number}": a for a in record.outcome.attempts}


@asynccontextmanager
async def proxy(
    *,
    speed: float = 50.0,
    config: Path = SHIPPED / "config.toml",
    environ: Mapping[str, str] | None = None,
    adapters: bool = True,
    **sections: Mapping[str, object],
) -> AsyncIterator[Proxy]:
    """A proxy in this process, from listening to closed."""
    world = dict(environ or {})
    overrides: dict[str, Mapping[str, object]] = {
        "sandbox": {"speed": speed},
        "telemetry": {"log_level": "error"},
        **sections,
    }
    settings = load(config, overrides=overrides, environ=world)
    async with open_house(settings, world, Random(SEED)) as house:
        told = Tee(house.dispatcher._telemetry)
        house.dispatcher._telemetry = told
        runner = web.AppRunner(house.app, **{**RUNNER, "shutdown_timeout": 2.0})
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                running = Proxy(f"http://127.0.0.1:{port}", house, session, told)
                if adapters:
                    house.opened()
                    await running.adapters()
                yield running
        finally:
            await runner.cleanup()
