"""What LiteLLM's router asks of a routing strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.measure import Attempt


class Deployment(NamedTuple):
    """LiteLLM's unit: an endpoint under one model name. Under two names it is two of them, which
    know nothing of each other.
    """

    model: ModelName
    endpoint: EndpointId


class Picker(Protocol):
    """One strategy. Times are seconds."""

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        """Pick one of at least one healthy endpoint."""
        ...

    def sent(self, to: Deployment, now: float) -> None:
        """Take note that an attempt is being sent."""
        ...

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        """Take note of a whole answer."""
        ...

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        """Take note of a failure, before or after content."""
        ...
