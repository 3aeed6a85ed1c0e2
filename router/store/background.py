"""A task that exchanges with Redis over and over while it is entered, and once more when left."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_LAST_S: Final = 1.0
"""What is left is sent within this, then nobody waits any more."""


class Background(ABC):
    """``name`` is that of its task."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._leaving = False

    @abstractmethod
    async def _turn(self) -> float:
        """Exchange once; return after how many seconds again."""

    @abstractmethod
    async def _rest(self) -> None:
        """Send what is left."""

    @abstractmethod
    async def close(self) -> None:
        """Cut the connections."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=self._name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._leaving = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_S):
                    await self._rest()
        finally:
            await self.close()

    async def _run(self) -> None:
        """Go on until we leave.

        A cancellation alone may get lost: redis-py sends by `asyncio.wait_for`, which before
        Python 3.12 swallows one that comes as the sending ends.
        """
        while not self._leaving:
            pause_s = await self._turn()
            if not self._leaving:
                await asyncio.sleep(pause_s)
