"""What is compared: strategies that say who serves next, knowing only what a proxy would know.

The loop asks, sends, and tells; a strategy decides. None of them sees the truth of the market,
the oracles excepted, whose point that is. Times are monotonic seconds of the run's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from router.core.ask import Ask
from router.core.catalogue import Endpoint, EndpointId
from router.core.measure import Attempt, Outcome

CLIENT_PATIENCE_S: Final = 600.0
"""Until when an attempt must have brought content where a strategy sets no limit of its own: the
default of OpenAI's client."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One request of a scenario, as it is known when it arrives: the need, never the truth.

    ``number`` names the request in the market, whoever serves it and whenever it comes.
    ``kind`` is the scenario's class, ``prompt_tokens`` the whole prompt as a tokeniser counts it,
    ``prefix_tokens`` how much of it the previous turn of the same conversation already held (0 in
    a first turn), ``turn`` counts from 0. ``attempts`` is the most that may be sent for it.
    """

    number: int
    kind: str
    ask: Ask
    prompt_tokens: int
    arrived: float
    attempts: int = 3
    conversation: int | None = None
    turn: int = 0
    prefix_tokens: int = 0


class Send(NamedTuple):
    """Send it there, and give up after ``patience_s`` without content (a whole answer: without
    its end). ``rescue``: what to ask if there is no content after so many seconds.
    """

    endpoint: EndpointId
    patience_s: float = CLIENT_PATIENCE_S
    rescue: tuple[float, Callable[[], Send | None]] | None = None
    """Seconds, and who is sent beside it then, if anybody; the first content wins."""


class Hold(NamedTuple):
    """Nobody serves it now; ask again in ``seconds``."""

    seconds: float


class Buyer(Protocol):
    """A strategy under test. One run has one; calls come in the order of virtual time."""

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        """Say who serves next; ``tried`` have failed for this errand, and may be tried again.

        ``None`` refuses the errand, or leaves it with the fault of its last attempt.
        """
        ...

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """Take note that an attempt is being sent."""
        ...

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        """Take note of how an attempt ended, at its end and not before."""
        ...

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """Take note of how the errand ended for its client; its last attempt was learned."""
        ...
