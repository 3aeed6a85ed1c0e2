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
    """The shipped market twenty times faster than life: a quarter of a real second is five there,
    which a machine that is busy with something else may take to pass a word on.
    """
    async with proxy(speed=20) as running:
        yield running
