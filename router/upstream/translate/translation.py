"""What a translation between two dialects is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from router.core.catalogue import Endpoint


class Speaker(Protocol):
    """One streamed answer on its way back, in the client's dialect.

    It is told whole events, in any grouping; what it says does not depend on the grouping. Errors
    never reach it. It raises ``Fault(GARBAGE)`` for an order that the client's dialect cannot tell.
    """

    def feed(self, data: bytes) -> bytes:
        """Take events of the endpoint's and return those of the client's that they make."""
        ...

    def close(self) -> bytes:
        """Return what is still to be said when the endpoint's stream has ended properly."""
        ...


class Translation(NamedTuple):
    """One client's dialect, spoken by endpoints of another.

    ``request`` takes the client's body to what the endpoint is sent, except for the endpoint's own
    model name. It raises ``Fault(BAD_BODY)`` for what is wrong in any dialect and
    ``Fault(REJECTED)`` for what the other one cannot say, both naming the field. ``stream`` and
    ``whole`` bring the answer back: the client's body, then the instant in unix seconds that
    answers are dated with, where the endpoint gives no date.
    """

    request: Callable[[bytes, Endpoint], bytes]
    stream: Callable[[bytes, int], Speaker]
    whole: Callable[[bytes, bytes, int], bytes]
