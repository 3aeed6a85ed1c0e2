"""The trading floor: the one mutable state of the process.

Books, calendar, and how many attempts each row has seen. Chance is counted per row, so that the
order in which requests reach different rows does not change what any of them draws.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from aiohttp import web

from router.sandbox.clock import Clock
from router.sandbox.fleet import EndpointId, Fleet, Row
from router.sandbox.ledger import Ledger
from router.sandbox.prompts import Prompts
from router.sandbox.script import Event


@dataclass(slots=True)
class Floor:
    """What the handlers share."""

    fleet: Fleet
    clock: Clock
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    prompts: Prompts = field(default_factory=Prompts)
    events: tuple[Event, ...] = ()
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _seen: Counter[EndpointId] = field(default_factory=Counter)

    def chance(self, row: Row) -> Random:
        """The dice of this row's next attempt: the same for the same seed and turn."""
        self._seen[row.endpoint] += 1
        return Random(f"{self.seed}/{row.id}/{self._seen[row.endpoint]}")


FLOOR = web.AppKey("floor", Floor)
