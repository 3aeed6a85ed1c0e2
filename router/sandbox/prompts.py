"""What a row still remembers of the prompts it read: its prompt cache.

Prompts are remembered message by message, since the next turn of a conversation begins with all
messages of the last one. Only hashes are kept. A row without `cache_s` remembers nothing; reading
what is remembered keeps it for longer.
"""

from collections import OrderedDict

from router.sandbox.ask import Prefix
from router.sandbox.fleet import EndpointId, Row

BLOCK = 64
"""Cached tokens come in whole blocks of so many (DeepSeek's)."""
SHORTEST = 1024
"""Shorter beginnings are not cached (OpenAI's and Anthropic's rule; DeepSeek's is a block)."""
KEPT = 20_000


class Prompts:
    """Beginnings of prompts that were read lately, by row, the longest unread forgotten first."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[EndpointId, bytes], float] = OrderedDict()

    def cached(self, row: Row, prefixes: tuple[Prefix, ...], *, now: float) -> int:
        """Tokens of this prompt that the row remembers at `now`; from now on it does so of all."""
        if not row.cache_s:
            return 0
        known = 0
        for digest, tokens in prefixes:
            key = (row.endpoint, digest)
            if now - self._read.get(key, float("-inf")) < row.cache_s:
                known = tokens
            self._read[key] = now
            self._read.move_to_end(key)
        while len(self._read) > KEPT:
            self._read.popitem(last=False)
        return known // BLOCK * BLOCK if known >= SHORTEST else 0
