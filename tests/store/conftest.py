from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from router.store.private import PrivateRedis


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for sockets, which pytest's own are not everywhere."""
    with TemporaryDirectory(prefix="mo-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
async def server() -> AsyncIterator[PrivateRedis]:
    async with PrivateRedis.start() as running:
        yield running
