"""Replicas in virtual time that share through a real Redis, by the code the proxy shares with.

Each makes its rounds four times a second, as in the proxy, one replica after the other within the
quarter. A round takes no virtual time. Most of them could change nothing and are left out: who
acted pushes at its first round after it, and who is about to act has pulled at its last round
before. So nobody ever knows anything sooner than all the rounds would have told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from math import floor, inf

from router.simulate.clock import VirtualClock
from router.store.journal import Journal
from router.store.private import PrivateRedis
from router.store.redis import Sharing

INTERVAL_S = 0.25
"""What ``redis.sync_interval_ms`` is unless it is configured."""
TRIES = 5
"""A busy machine may keep an answer back for longer than the proxy waits; virtual time stands."""

Await = Callable[[Coroutine[None, None, bool]], bool]


class Rounds:
    """The rounds of several replicas, made when they are needed and in the order of their times."""

    def __init__(self, sharings: Sequence[Sharing], wait: Await, clock: VirtualClock) -> None:
        self._sharings, self._await, self._clock = sharings, wait, clock
        self._acted = [-inf] * len(sharings)
        self._made = [-inf] * len(sharings)

    def reach(self, acting: int) -> None:
        """Make every round until now that matters to the replica in this place, which then acts.

        Raises RuntimeError when Redis fails: what follows would be no sharing.
        """
        now = self._clock.now
        due = {
            (self._last(place, acted) + INTERVAL_S, place)
            for place, acted in enumerate(self._acted)
            if acted > self._made[place]
        }
        for at, place in sorted(due | {(self._last(acting, now), acting)}):
            if self._made[place] < at <= now:
                self._sync(self._sharings[place])
                self._made[place] = at
        self._acted[acting] = now

    def _sync(self, sharing: Sharing) -> None:
        if not any(self._await(sharing.sync()) for _ in range(TRIES)):
            raise RuntimeError(f"sharing failed: {sharing.state.error}")

    def _last(self, place: int, until: float) -> float:
        """Return when a replica's last round before a time is."""
        first = INTERVAL_S * place / len(self._sharings)
        return first + INTERVAL_S * floor((until - first) / INTERVAL_S)


@contextmanager
def rounds(journals: Sequence[Journal], clock: VirtualClock) -> Iterator[Rounds]:
    """Let journals share through a server of their own. Raises PrivateRedisError.

    Where an event loop runs already, this cannot.
    """
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            server = runner.run(stack.enter_async_context(PrivateRedis.start()))
            sharings = [Sharing(server.url, journal, clock=clock) for journal in journals]
            for sharing in sharings:
                stack.push_async_exit(sharing)
            yield Rounds(sharings, runner.get_loop().run_until_complete, clock)
        finally:
            runner.run(stack.aclose())
