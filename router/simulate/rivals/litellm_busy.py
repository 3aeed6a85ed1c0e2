"""LiteLLM ``least-busy``: the fewest attempts under way; of equals, the first in the list.

Source: litellm 1.106.2, ``router_strategy/least_busy.py``. A count lives an hour from its first
attempt and then starts at 0 again; it never falls below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from router.core.catalogue import Endpoint, ModelName
from router.core.measure import Attempt
from router.simulate.rivals.expiring import Expiring
from router.simulate.rivals.litellm_picker import Deployment

FORGOTTEN_AFTER_S: Final = 3600.0


class LeastBusy:
    """``Picker`` by attempts under way."""

    def __init__(self) -> None:
        self._pending: dict[Deployment, Expiring[int]] = defaultdict(
            lambda: Expiring(FORGOTTEN_AFTER_S)
        )

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        del stream
        return min(healthy, key=lambda e: self._pending[Deployment(model, e.id)].read(now) or 0)

    def sent(self, to: Deployment, now: float) -> None:
        self._add(to, 1, now)

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        del attempt
        self._add(at, -1, now)

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        del timed_out
        self._add(at, -1, now)

    def _add(self, deployment: Deployment, change: int, now: float) -> None:
        cell = self._pending[deployment]
        cell.write(max(0, (cell.read(now) or 0) + change), now)
