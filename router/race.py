"""Two attempts at one request: the first to bring content serves, the other is cancelled.

The first runs in the request's own task, since most are never rescued; a timer may start the second
in a task beside it. A winner goes on only when the loser has ended, so that books are in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from router.core.faults import Fault

Run = Coroutine[Any, Any, None]


class Race:
    """``second`` is asked, when the timer fires, for the attempt to start, if any."""

    __slots__ = ("_first_over", "_main", "_second", "_start", "_timer", "_winner")

    def __init__(self, second: Callable[[], Run | None]) -> None:
        self._start = second
        self._main = asyncio.current_task()
        self._second: asyncio.Task[None] | None = None
        self._winner: asyncio.Task[Any] | None = None
        self._first_over: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, first: Run, after_s: float) -> None:
        """Run ``first`` here, and a second once it was silent for ``after_s`` real seconds.

        Raises what ended the winner, or whoever failed last. Both have ended on return.
        """
        main = self._main
        assert main is not None  # noqa: S101 - a coroutine runs in a task
        cancels = main.cancelling()
        timer = self._timer = asyncio.get_running_loop().call_later(after_s, self._fire)
        try:
            try:
                await first
            except asyncio.CancelledError:
                if not self.is_lost or main.uncancel() > cancels:
                    raise
            except Fault:
                second = self._second
                if self._winner is main or second is None or second.done():
                    raise
            finally:
                timer.cancel()
                self._main = None  # There is nothing to cancel any more.
                if self._first_over is not None and not self._first_over.done():
                    self._first_over.set_result(None)
            if self._second is not None and self._winner is not main:
                await self._second
        finally:
            if self._second is not None:
                await self._stop(self._second)

    async def claim(self) -> None:
        """Say that the calling attempt has content: returns to the winner, and to nobody else."""
        me = asyncio.current_task()
        if self._winner is None:
            self._winner = me
            if me is not self._second:
                if self._timer is not None:
                    self._timer.cancel()
                if self._second is not None:
                    await self._stop(self._second)
            elif self._main is not None:
                self._first_over = asyncio.get_running_loop().create_future()
                self._main.cancel()
                await self._first_over
        elif self._winner is not me:
            await asyncio.get_running_loop().create_future()

    @property
    def is_lost(self) -> bool:
        """Whether somebody else than the calling attempt won."""
        return self._winner not in (None, asyncio.current_task())

    def _fire(self) -> None:
        run = self._start()
        if run is not None:
            self._second = asyncio.create_task(run, name="rescue")

    @staticmethod
    async def _stop(second: asyncio.Task[None]) -> None:
        if not second.done():
            second.cancel()
            await asyncio.wait({second})
        if not second.cancelled():
            second.exception()
