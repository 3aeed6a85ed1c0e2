"""The providers as they are reached: real ones by their keys, else the virtual market's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from router.config import Fleet, Settings, needs_sandbox
from router.core.catalogue import Dialect
from router.ports import Upstream
from router.sandbox.process import Market
from router.server.clock import SystemClock
from router.upstream.connector import open_connector
from router.upstream.litellm import LiteLLM
from router.upstream.relay import Relay
from router.upstream.translating import Translating

_SANDBOX_KEY = "MERITORDER_SANDBOX_KEY"


async def open_market(
    stack: AsyncExitStack, settings: Settings, environ: Mapping[str, str]
) -> tuple[Market | None, Callable[[str], str | None] | None]:
    """Start the virtual market where it is to serve; return where its endpoints are."""
    if not needs_sandbox(settings, environ):
        return None, None
    market = await stack.enter_async_context(
        Market.start(speed=settings.sandbox.speed, seed=settings.sandbox.seed)
    )

    by_relay = {row.id for row in settings.endpoints if row.wire is not Dialect.LITELLM}

    def base_url_of(endpoint: str) -> str | None:
        if endpoint not in market.rows:
            return None
        url = market.base_url(endpoint)  # Anthropic's clients put the version there themselves
        return url if endpoint not in by_relay else url.removesuffix("/v1") + "/v1"

    return market, base_url_of


def with_sandbox_key(fleet: Fleet, environ: Mapping[str, str]) -> tuple[Fleet, Mapping[str, str]]:
    """Give every virtual provider a key, since real ones refuse who brings none."""
    if not fleet.sandboxed:
        return fleet, environ
    endpoints = tuple(replace(e, api_key_env=_SANDBOX_KEY) for e in fleet.endpoints)
    return replace(fleet, endpoints=endpoints), {**environ, _SANDBOX_KEY: "sandbox"}


async def open_upstreams(
    stack: AsyncExitStack,
    fleet: Fleet,
    settings: Settings,
    environ: Mapping[str, str],
    clock: SystemClock,
) -> tuple[dict[Dialect, Upstream], LiteLLM | None]:
    """Open a way to every endpoint; litellm, where one needs it, is still to be loaded."""
    ca_file = Path(settings.upstream.ca_file) if settings.upstream.ca_file else None
    connector = await stack.enter_async_context(open_connector(ca_file=ca_file, environ=environ))
    relayed = [e for e in fleet.endpoints if e.dialect is not Dialect.LITELLM]
    relay = Translating(Relay(connector, relayed, environ=environ, wall=clock.wall), clock.wall)
    upstreams: dict[Dialect, Upstream] = {Dialect.OPENAI: relay, Dialect.ANTHROPIC: relay}
    foreign = [e for e in fleet.endpoints if e.dialect is Dialect.LITELLM]
    if not foreign:
        return upstreams, None
    litellm = LiteLLM(foreign, environ=environ, wall=clock.wall, ca_file=ca_file)
    stack.push_async_callback(litellm.close)
    upstreams[Dialect.LITELLM] = Translating(litellm, clock.wall)
    return upstreams, litellm
