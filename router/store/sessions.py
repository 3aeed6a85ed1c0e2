"""Which endpoint read how much of a conversation lately: where its prompt may still be cached.

Kept for as long as providers keep caches, and for a bounded number of conversations, the longest
silent forgotten first. A conversation goes by a short name without colons (`surfaces/sessions.py`
hashes what clients say).

Replicas tell each other every turn as one number, so that it merges like any time they note: the
greatest counts, whoever tells it and whenever. It is the second of the turn and, behind the
point, its tokens in units of 2^-22, which is what a double has left beside the seconds of this
century.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from math import floor
from typing import Final

from router.core.candidate import COLD, Warm
from router.core.catalogue import EndpointId

CACHE_LASTS_S: Final = 300
"""Five minutes: what Anthropic and OpenAI promise at least; a learned hit rate tells the rest."""
MOST_SESSIONS: Final = 20_000
TURN: Final = "w:"
"""What names of turns begin with, among those of other times."""

_UNITS: Final = 2**22
_NEVER: Final = (0.0, 0.0)


class Sessions:
    """Conversations under way: endpoint -> (unix seconds of its last turn, tokens it read)."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, dict[EndpointId, tuple[float, float]]] = OrderedDict()
        self._untold: dict[str, float] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._turns

    def warm(self, session: str, wall: float) -> Warm:
        """Return the tokens each endpoint should still remember at ``wall``."""
        turns = self._turns.get(session)
        if not turns:
            return COLD
        return {e: n for e, (at, n) in turns.items() if n and wall - at < CACHE_LASTS_S}

    def turn(self, session: str, endpoint: EndpointId, tokens: float, wall: float) -> None:
        """Note that an endpoint read ``tokens`` of the conversation at ``wall``."""
        self._note(session, endpoint, wall, tokens)
        self._untold[f"{TURN}{session}:{endpoint}"] = floor(wall) + min(tokens, _UNITS - 1) / _UNITS
        if len(self._untold) > MOST_SESSIONS:
            del self._untold[next(iter(self._untold))]

    def forget(self, session: str, wall: float) -> None:
        """Note that the conversation was begun anew: nothing that was read of it counts."""
        for endpoint in self._turns.get(session, ()):
            self.turn(session, endpoint, 0.0, wall)

    def news(self, wall: float) -> Mapping[str, float]:
        """Return the turns here that were not returned before and are warm still, by name."""
        told, self._untold = self._untold, {}
        return {name: turn for name, turn in told.items() if wall - turn < CACHE_LASTS_S}

    def hear(self, name: str, turn: float) -> None:
        """Note what a replica told."""
        _, session, endpoint = name.split(":", 2)
        second = floor(turn)
        self._note(session, EndpointId(endpoint), second, (turn - second) * _UNITS)

    def _note(self, session: str, endpoint: EndpointId, wall: float, tokens: float) -> None:
        turns = self._turns.setdefault(session, {})
        turns[endpoint] = max(turns.get(endpoint, _NEVER), (wall, tokens))
        self._turns.move_to_end(session)
        if len(self._turns) > MOST_SESSIONS:
            self._turns.popitem(last=False)
