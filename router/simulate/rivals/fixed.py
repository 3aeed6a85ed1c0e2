"""One endpoint, whatever happens: what most applications do today.

After a failure the same endpoint again, as the OpenAI SDK does (openai-python
``_base_client.py``): after Retry-After where it is at most a minute, else after half a second,
doubling to eight, less a quarter by lot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Final

from router.core.catalogue import Endpoint, EndpointId
from router.core.measure import Attempt, Outcome
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.rivals.list_price import blended

OBEYED_S: Final = 60.0
PAUSE_FIRST_S: Final = 0.5
PAUSE_MOST_S: Final = 8.0
JITTER: Final = 0.25

Chooser = Callable[[Errand], EndpointId | None]


class Fixed:
    """``Buyer`` that asks ``chooser`` once per errand."""

    def __init__(self, clock: Clock, rng: Random, chooser: Chooser) -> None:
        self._clock, self._rng, self._chooser = clock, rng, chooser
        self._chosen: dict[int, EndpointId] = {}
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, float] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        del tried
        wait_s = self._not_before.get(errand.number, 0.0) - self._clock.mono()
        if wait_s > 0:
            return Hold(wait_s)
        endpoint = self._chosen.get(errand.number) or self._chooser(errand)
        if endpoint is None:
            return None
        self._chosen[errand.number] = endpoint
        return Send(endpoint)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """Nothing is kept of what is under way."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        if attempt.complete:
            return
        failures = self._failures.get(errand.number, 0)
        pause_s = min(PAUSE_MOST_S, PAUSE_FIRST_S * 2**failures)
        pause_s *= 1 - JITTER * self._rng.random()
        if retry_after_s is not None and 0 < retry_after_s <= OBEYED_S:
            pause_s = retry_after_s
        self._failures[errand.number] = failures + 1
        self._not_before[errand.number] = self._clock.mono() + pause_s

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        del outcome
        for kept in (self._chosen, self._failures, self._not_before):
            kept.pop(errand.number, None)


def first_listed(endpoints: Sequence[Endpoint]) -> Chooser:
    """The official provider: by convention a fleet lists a model's own maker first."""
    return lambda errand: next((e.id for e in endpoints if errand.ask.model in e.serves), None)


def cheapest(endpoints: Sequence[Endpoint], clock: Clock) -> Chooser:
    """The lowest price in force whose window holds the prompt."""

    def choose(errand: Errand) -> EndpointId | None:
        able = [
            e
            for e in endpoints
            if errand.ask.model in e.serves and errand.prompt_tokens <= e.context
        ]
        wall = clock.wall()
        return min(able, key=lambda e: blended(e, wall)).id if able else None

    return choose


def by_class(chosen: Mapping[str, EndpointId]) -> Chooser:
    """A table of class and endpoint, such as `hindsight` makes."""
    return lambda errand: chosen.get(errand.kind)
