"""Finished requests, told a few at a time to everybody who wants to know.

Each request leaves a record; what is made of it (a line of the log, spans, a decision to be asked
for) is made a moment later for all records that came meanwhile. The same code several times in a
row takes a third of what it takes once between two requests, whose code drives it out of the core's
cache. Nobody's answer waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from router.ports import Record, Telemetry

PAUSE_S: Final = 0.02
"""Long enough for some to gather, and so short that nobody notices. A guess; 5 ms did as well."""


class Telling:
    """``ports.Telemetry`` for several ``parts``. Needs a running loop.

    ``learn`` is called before they are told: for what can wait as long to be learned from them.
    """

    def __init__(self, *parts: Telemetry, learn: Callable[[], None] = lambda: None) -> None:
        self._parts = parts
        self._learn = learn
        self._held: list[Record] = []

    def report(self, record: Record) -> None:
        """Hold the record until the next telling."""
        if not self._held:
            asyncio.get_running_loop().call_later(PAUSE_S, self.tell)
        self._held.append(record)

    def tell(self) -> None:
        """Tell at once what is held."""
        held, self._held = self._held, []
        self._learn()
        for part in self._parts:
            for record in held:
                part.report(record)
