"""One proxy and one market for a file of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.proxy import Proxy, proxy


def pytest_configure(config: pytest.Config) -> None:
    # litellm prepares its coroutine in a thread; a request cancelled meanwhile leaves it behind.
    line = "ignore:coroutine 'AnthropicChatCompletion.*was never awaited:RuntimeWarning"
    config.addinivalue_line("filterwarnings", line)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fast() -> AsyncIterator[Proxy]:
    """The shipped market fifty times faster than life: for what does not depend on short waits."""
    async with proxy(speed=50) as running:
        yield running
