"""One proxy, put together: what the operator said becomes parts that know only their ports.

Everything that is opened here is closed here, in reverse order. The virtual market and the
private Redis are children of this process and end with it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy

from router.config import Fleet, Settings, resolve
from router.core.catalogue import Endpoint, ModelName
from router.dispatch import Dispatcher
from router.ports import TraceContext
from router.sandbox.process import Market
from router.server.clock import SystemClock
from router.server.telling import Telling
from router.server.upstreams import open_market, open_upstreams, with_sandbox_key
from router.store.board import Board
from router.store.decisions import Decisions
from router.store.private import PrivateRedis, PrivateRedisError
from router.store.redis import Sharing
from router.surfaces.door import Door
from router.surfaces.http import make_app
from router.surfaces.kept import pack
from router.surfaces.service import Service
from router.telemetry.report import Reporter
from router.telemetry.trace import Tracer
from router.upstream.litellm import LiteLLM
from router.upstream.prices import lookup


@dataclass(slots=True)
class House:
    """A proxy that is ready to listen. ``redis`` says in words where statistics are shared."""

    app: web.Application
    settings: Settings
    fleet: Fleet
    board: Board
    dispatcher: Dispatcher
    redis: str
    market: Market | None
    clock: SystemClock
    sharing: Sharing | None
    litellm: LiteLLM | None
    decisions: Decisions
    draining: bool = False

    def opened(self) -> None:
        """Start what may be slow, now that requests are answered: adapters."""
        if self.litellm is not None:
            self.litellm.start_loading()

    def health(self) -> Mapping[str, Any]:
        """Tell the state of the parts for ``/health/ready``; a Redis that is gone is no reason
        to send requests elsewhere.
        """
        told: dict[str, Any] = {
            "ready": True,
            "endpoints": len(self.fleet.endpoints),
            "sandbox": self.fleet.sandboxed,
            "adapters": {"litellm": self.litellm.ready} if self.litellm is not None else {},
        }
        if self.sharing is None:
            told["redis"] = {"connected": False, "error": self.redis}
        else:
            state = self.sharing.state
            told["redis"] = {
                "connected": state.connected,
                "since": round(state.since_wall, 3),
                "unpushed": state.unpushed_keys,
                "last_sync_age_s": round(state.last_sync_age_s, 3),
                "error": state.error,
            }
        told["decisions"] = self.decisions.state._asdict()
        return told


@asynccontextmanager
async def open_house(
    settings: Settings, environ: Mapping[str, str], rng: random.Random | None = None
) -> AsyncIterator[House]:
    """Put a proxy together; ``rng`` is its chance. Raises ``ConfigError`` for what the operator
    must mend.
    """
    async with AsyncExitStack() as stack:
        (market, base_url_of), (redis_url, redis_told) = await asyncio.gather(
            open_market(stack, settings, environ), _redis(stack, settings)
        )
        fleet = resolve(settings, environ, table=lookup, base_url_of=base_url_of)
        fleet, environ = with_sandbox_key(fleet, environ)
        clock = SystemClock(settings.sandbox.speed if market is not None else 1.0)
        upstreams, litellm = await open_upstreams(stack, fleet, settings, environ, clock)
        board = Board(fleet.endpoints, clock, lambda dialect: upstreams[dialect].ready)
        sharing = None
        if redis_url:
            sharing = Sharing(
                redis_url,
                board.journal,
                clock=clock,
                prefix=settings.redis.prefix,
                interval_s=settings.redis.sync_interval_ms / 1000,
            )
            await stack.enter_async_context(sharing)
        decisions = Decisions(
            pack,
            clock=clock,
            url=redis_url,
            prefix=settings.redis.prefix,
            keep_s=settings.redis.decisions_s,
        )
        await stack.enter_async_context(decisions)
        reporter = Reporter(
            otlp_endpoint=settings.telemetry.otlp_endpoint,
            sample=settings.telemetry.sample,
            service_name=settings.telemetry.service_name,
            log_level=settings.telemetry.log_level,
        )
        stack.callback(reporter.close)
        telling = Telling(reporter, decisions, learn=board.catch_up)
        stack.callback(telling.tell)
        rng = rng or random.Random()
        tracer = Tracer(rng, reporter.ratio)
        default = fleet.policies[settings.routing.default_policy]
        dispatcher = Dispatcher(
            board=board,
            upstreams=upstreams,
            telemetry=telling,
            tracer=tracer,
            clock=clock,
            rng=rng,
            policies=fleet.policies,
            default_policy=default,
        )

        async def decided(name: str) -> bytes | None:
            telling.tell()
            return await decisions.find(name)

        house: House
        service = Service(
            dispatcher=dispatcher,
            served=served(fleet.endpoints),
            clock=clock,
            new_id=lambda: f"mo-{rng.getrandbits(96):024x}",
            trace=lambda headers: _context(tracer, headers),
            health=lambda: house.health(),  # noqa: PLW0108 - house is made below
            survey=board.survey,
            count=board.count,
            policies=fleet.policies,
            default_policy=default,
            classes=settings.routing.classes,
            decided=decided,
            door=Door([environ[name] for name in settings.server.api_keys]),
            draining=lambda: house.draining,
            max_body=int(settings.server.body_limit_mb * 1024 * 1024),
        )
        house = House(
            app=make_app(service),
            settings=settings,
            fleet=fleet,
            board=board,
            dispatcher=dispatcher,
            redis=redis_told,
            market=market,
            clock=clock,
            sharing=sharing,
            litellm=litellm,
            decisions=decisions,
        )
        yield house


def served(endpoints: tuple[Endpoint, ...]) -> dict[ModelName, list[Endpoint]]:
    """Return who serves each model, in the operator's order."""
    found: dict[ModelName, list[Endpoint]] = {}
    for endpoint in endpoints:
        for name in endpoint.serves:
            found.setdefault(name, []).append(endpoint)
    return found


def _context(tracer: Tracer, headers: CIMultiDictProxy[str]) -> TraceContext:
    """Read the client's trace: several ``tracestate`` are one list, several parents are none."""
    if "traceparent" not in headers:
        return tracer.accept()
    parents = headers.getall("traceparent")
    state = ",".join(headers.getall("tracestate", ()))
    return tracer.accept(parents[0] if len(parents) == 1 else None, state)


async def _redis(stack: AsyncExitStack, settings: Settings) -> tuple[str, str]:
    """Return the URL (empty: none) and where that is, in words."""
    if settings.redis.url:
        return settings.redis.url, "as configured"
    try:
        server = await stack.enter_async_context(PrivateRedis.start())
    except PrivateRedisError as error:
        return "", f"none ({error}); statistics stay in this process"
    return server.url, f"a private server, {server.url}"
