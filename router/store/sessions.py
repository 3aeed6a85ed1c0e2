"""Which endpoint read how much of a conversation lately: where its prompt may still be cached.

Kept by this process alone, for as long as providers keep caches, and for a bounded number of
conversations, the longest silent forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from router.core.candidate import COLD, Warm
from router.core.catalogue import EndpointId

CACHE_LASTS_S: Final = 300.0
"""Five minutes: what Anthropic and OpenAI promise at least; a learned hit rate tells the rest."""
MOST_SESSIONS: Final = 20_000


class Sessions:
    """Conversations under way: endpoint -> (unix seconds of its last turn, tokens it read)."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, dict[EndpointId, tuple[float, float]]] = OrderedDict()

    def __contains__(self, session: str) -> bool:
        return session in self._turns

    def warm(self, session: str, wall: float) -> Warm:
        """Return the tokens each endpoint should still remember at ``wall``."""
        turns = self._turns.get(session)
        if not turns:
            return COLD
        return {e: tokens for e, (at, tokens) in turns.items() if wall - at < CACHE_LASTS_S}

    def turn(self, session: str, endpoint: EndpointId, tokens: float, wall: float) -> None:
        """Note that an endpoint read ``tokens`` of the conversation at ``wall``."""
        self._turns.setdefault(session, {})[endpoint] = (wall, tokens)
        self._turns.move_to_end(session)
        if len(self._turns) > MOST_SESSIONS:
            self._turns.popitem(last=False)
