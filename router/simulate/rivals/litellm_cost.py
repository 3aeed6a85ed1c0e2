"""LiteLLM ``cost-based-routing``: the lowest list price of an input and an output token together.

Source: litellm 1.106.2, ``router_strategy/lowest_cost.py``. A long prompt and a long answer weigh
the same, cached input and price windows are unknown to it, and an unknown price counts as 5 USD a
token. Equal prices go to whoever was first seen within ten minutes (the cache's default time to
live), so not by lot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.measure import Attempt
from router.simulate.rivals.expiring import Expiring
from router.simulate.rivals.litellm_picker import Deployment

FORGOTTEN_AFTER_S: Final = 600.0
UNKNOWN_PRICE: Final = 5e6
"""USD per million tokens."""


class LowestCost:
    """``Picker`` by list price."""

    def __init__(self) -> None:
        self._seen: dict[ModelName, Expiring[dict[EndpointId, None]]] = defaultdict(
            lambda: Expiring(FORGOTTEN_AFTER_S)
        )

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        del stream
        seen = self._read(model, now)
        seen.update(dict.fromkeys(e.id for e in healthy))
        at_hand = {e.id: e for e in healthy}
        return min((at_hand[i] for i in seen if i in at_hand), key=_list_price)

    def sent(self, to: Deployment, now: float) -> None:
        """Nothing is kept of what is under way."""

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        del attempt
        seen = self._read(at.model, now)
        seen[at.endpoint] = None
        self._seen[at.model].write(seen, now)

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        """Nothing is kept of failures."""

    def _read(self, model: ModelName, now: float) -> dict[EndpointId, None]:
        seen = self._seen[model].read(now)
        return {} if seen is None else seen


def _list_price(endpoint: Endpoint) -> float:
    price = endpoint.price
    if price is None:
        return 2 * UNKNOWN_PRICE
    # A price of 0 is "not given" to it, as a missing one is.
    return (price.input or UNKNOWN_PRICE) + (price.output or UNKNOWN_PRICE)
