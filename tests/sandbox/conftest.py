from collections.abc import AsyncIterator

import pytest_asyncio

from router.sandbox.process import Market


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market() -> AsyncIterator[Market]:
    """The shipped market, a hundred times faster than life."""
    async with Market.start(speed=100) as running:
        yield running
