"""Several replicas of ours behind a load balancer, each deciding from a board of its own.

Requests are dealt round robin as they arrive, the turns of a conversation too; what follows of a
request (retries, its end) stays where it was dealt to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import cycle

from router.core.catalogue import Endpoint, EndpointId
from router.core.measure import Attempt, Outcome
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.ours import Engine


class Replicas:
    """``Buyer`` of several engines.

    ``reach`` is told which engine is about to act, by its place, to bring it the others' news.
    """

    def __init__(
        self, engines: Sequence[Engine], reach: Callable[[int], None] = lambda _: None
    ) -> None:
        self._engines = engines
        self._reach = reach
        self._next = cycle(range(len(engines)))
        self._dealt: dict[int, int] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        if errand.number not in self._dealt:
            self._dealt[errand.number] = next(self._next)
        return self._acting(errand).choose(errand, tried)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        self._acting(errand).begun(endpoint, errand)

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        self._acting(errand).learn(attempt, errand, retry_after_s)

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        self._acting(errand).settle(outcome, errand)
        del self._dealt[errand.number]

    def _acting(self, errand: Errand) -> Engine:
        place = self._dealt[errand.number]
        self._reach(place)
        return self._engines[place]
