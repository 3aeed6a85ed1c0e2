"""Everybody in turn, per model: what is left when nothing is measured.

After a failure the next in turn. No source: it is the default of load balancers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.measure import Attempt, Outcome
from router.simulate.buyer import Errand, Hold, Send


class RoundRobin:
    """``Buyer`` that takes turns."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._turn: dict[ModelName, int] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        model = errand.ask.model
        group = [e for e in self._endpoints if model in e.serves]
        for _ in group:
            turn = self._turn.get(model, 0)
            self._turn[model] = turn + 1
            endpoint = group[turn % len(group)]
            if endpoint.id not in tried and errand.prompt_tokens <= endpoint.context:
                return Send(endpoint.id)
        return None

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        """Nothing is kept."""

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        """Nothing is kept."""

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        """Nothing is kept."""
