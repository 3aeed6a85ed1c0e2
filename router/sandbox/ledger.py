"""The providers' own books: every attempt that reached one is entered exactly once, at its end.

It is priced from the market file alone, in whole nano-USD, so that it can convict the accounts of
the proxy. No text of any prompt or answer is kept.
"""

from collections import deque
from itertools import count

import msgspec

from router.sandbox.fleet import Price, Row

KEPT = 200_000
COMPLETE = "complete"
CANCELLED = "cancelled"


class Usage(msgspec.Struct, frozen=True):
    """Billed tokens; `prompt` counts all input, cached and cache-written tokens included, and
    `cache_write` those that are kept for an hour.
    """

    prompt: int = 0
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    text: int = 0

    @property
    def output(self) -> int:
        """All billed output."""
        return self.reasoning + self.text


class Entry(msgspec.Struct, frozen=True):
    """One attempt. `at` is its arrival in virtual unix seconds; `ttft_s` None where none came.

    `end` is "complete", "cancelled" (the client went) or "fault:KIND".
    """

    seq: int
    id: str
    endpoint: str
    model: str
    at: float
    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    text_tokens: int
    cost_nano_usd: int
    stream: bool
    end: str
    ttft_s: float | None
    duration_s: float


class Tab(msgspec.Struct):
    """What one attempt owes so far; it changes until the attempt ends, then it is entered."""

    id: str
    at: float
    model: str = ""
    stream: bool = False
    usage: Usage = Usage()
    ttft_s: float | None = None
    end: str = CANCELLED


def cost_nano_usd(usage: Usage, price: Price) -> int:
    """What the usage costs, in nano-USD, rounded half to even."""
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    written_1h = written if price.cache_write_1h is None else price.cache_write_1h
    fresh = usage.prompt - usage.cached - usage.cache_write
    per_million = (
        fresh * price.input
        + usage.cached * cached
        + (usage.cache_write - usage.cache_write_1h) * written
        + usage.cache_write_1h * written_1h
        + usage.output * price.output
    )
    return round(per_million * 1000)


class Ledger:
    """The last 200,000 entries; `seq` counts from 1 and never skips."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._seq = count(1)

    def enter(self, row: Row, tab: Tab, *, now: float) -> None:
        """Close the tab into the books."""
        usage = tab.usage
        self._entries.append(
            Entry(
                seq=next(self._seq),
                id=tab.id,
                endpoint=row.id,
                model=tab.model or row.model,
                at=tab.at,
                prompt_tokens=usage.prompt,
                cached_tokens=usage.cached,
                cache_write_tokens=usage.cache_write,
                reasoning_tokens=usage.reasoning,
                text_tokens=usage.text,
                cost_nano_usd=cost_nano_usd(usage, row.price),
                stream=tab.stream,
                end=tab.end,
                ttft_s=tab.ttft_s,
                duration_s=now - tab.at,
            )
        )

    def since(self, seq: int) -> list[Entry]:
        """Entries after `seq`, oldest first."""
        return [entry for entry in self._entries if entry.seq > seq]
