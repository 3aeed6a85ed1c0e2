from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from router.core.catalogue import Dialect, Endpoint, EndpointId
from router.core.surface import Surface
from router.ports import Upstream
from router.sandbox.process import Market
from router.upstream.connector import open_connector
from router.upstream.litellm import LiteLLM
from router.upstream.relay import Relay
from router.upstream.translating import Translating
from tests.upstream.asking import an_endpoint

ENVIRON = {"THE_KEY": "k-secret"}


@dataclass(frozen=True)
class Subject:
    """An upstream under contract, and the endpoint of the market it reaches."""

    upstream: Upstream
    endpoint: Endpoint
    market: Market

    def word(self, finish: str) -> str:
        """What the endpoint itself calls a finish reason of chat's."""
        native = self.endpoint.dialect is Dialect.ANTHROPIC
        return _ANTHROPICS[finish] if native else finish


_ANTHROPICS = {"stop": "end_turn", "tool_calls": "tool_use"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market() -> AsyncIterator[Market]:
    async with Market.start(speed=50, seed=1) as running:
        yield running


@pytest_asyncio.fixture(
    scope="session", loop_scope="session", params=["relay", "translating", "litellm"]
)
async def subject(request: pytest.FixtureRequest, market: Market) -> AsyncIterator[Subject]:
    if request.param == "relay":
        row = EndpointId("deepseek-r1@parasail")
        endpoint = an_endpoint(market.base_url(row), id=row, dialect=Dialect.OPENAI)
        async with open_connector() as connector:
            relay = Relay(connector, [endpoint], environ=ENVIRON, wall=lambda: 0.0)
            yield Subject(relay, endpoint, market)
        return
    row = EndpointId("claude-sonnet-4@anthropic")
    if request.param == "translating":
        endpoint = an_endpoint(
            f"{market.base_url(row)}/v1",
            id=row,
            dialect=Dialect.ANTHROPIC,
            speaks=frozenset((Surface.MESSAGES, Surface.COUNT_TOKENS)),
            auth_header="x-api-key",
            upstream_model="claude-sonnet-4-20250514",
        )
        async with open_connector() as connector:
            relay = Relay(connector, [endpoint], environ=ENVIRON, wall=lambda: 0.0)
            yield Subject(Translating(relay, lambda: 0.0), endpoint, market)
        return
    endpoint = an_endpoint(
        market.base_url(row),
        id=row,
        dialect=Dialect.LITELLM,
        model="anthropic/claude-sonnet-4-20250514",
        upstream_model="claude-sonnet-4-20250514",
    )
    litellm = LiteLLM([endpoint], environ=ENVIRON, wall=lambda: 0.0)
    litellm.start_loading().join()
    assert litellm.ready, litellm.error
    yield Subject(litellm, endpoint, market)
    await litellm.close()
