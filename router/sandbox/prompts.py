"""What a row still remembers of the prompts it read: its prompt cache.

Prompts are remembered message by message, since the next turn of a conversation begins with all
messages of the last one; where a request marks what is to be remembered (Anthropic), only that.
Only hashes are kept. A row without `cache_s` remembers nothing unasked; reading what is remembered
keeps it for longer.
"""

from collections import OrderedDict

from router.sandbox.ask import Mark, Prefix, Remembered
from router.sandbox.fleet import EndpointId, Row

BLOCK = 64
"""Tokens cached unasked come in whole blocks of so many (DeepSeek's)."""
SHORTEST = 1024
"""Shorter beginnings are not cached (OpenAI's and Anthropic's rule; DeepSeek's is a block)."""
HOUR_S = 3600.0
KEPT = 20_000


class Prompts:
    """Beginnings of prompts that were read lately, by row, the longest unread forgotten first."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[EndpointId, bytes], float] = OrderedDict()

    def read(
        self, row: Row, prefixes: tuple[Prefix, ...], marks: tuple[Mark, ...], *, now: float
    ) -> Remembered:
        """What of this prompt comes from the row's cache at `now`, and what is written to it."""
        if row.cache_s:
            return Remembered(read=self.cached(row, prefixes, now=now))
        return self._marked(row, prefixes, marks, now=now) if marks else Remembered()

    def cached(self, row: Row, prefixes: tuple[Prefix, ...], *, now: float) -> int:
        """Tokens of this prompt that the row remembers at `now`; from now on it does so of all."""
        if not row.cache_s:
            return 0
        known = 0
        for prefix in prefixes:
            if self._knows(row, prefix, now):
                known = prefix[1]
            self._keep(row, prefix, now + row.cache_s)
        return known // BLOCK * BLOCK if known >= SHORTEST else 0

    def _marked(
        self, row: Row, prefixes: tuple[Prefix, ...], marks: tuple[Mark, ...], *, now: float
    ) -> Remembered:
        marks = tuple(mark for mark in marks if prefixes[mark.place][1] >= SHORTEST)
        if not marks:
            return Remembered()
        before = prefixes[: marks[-1].place + 1]
        read = max((prefix[1] for prefix in before if self._knows(row, prefix, now)), default=0)
        for mark in marks:
            self._keep(row, prefixes[mark.place], now + mark.keep_s)
        hourly = [prefixes[mark.place][1] for mark in marks if mark.keep_s == HOUR_S]
        return Remembered(
            read=read,
            written=before[-1][1] - read,
            written_1h=max(0, max(hourly, default=0) - read),
        )

    def _knows(self, row: Row, prefix: Prefix, now: float) -> bool:
        return now < self._until.get((row.endpoint, prefix[0]), float("-inf"))

    def _keep(self, row: Row, prefix: Prefix, until: float) -> None:
        key = (row.endpoint, prefix[0])
        self._until[key] = max(until, self._until.get(key, until))
        self._until.move_to_end(key)
        while len(self._until) > KEPT:
            self._until.popitem(last=False)
