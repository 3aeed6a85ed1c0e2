"""LiteLLM ``usage-based-routing-v2``: the fewest tokens in this minute.

Source: litellm 1.106.2, ``router_strategy/lowest_tpm_rpm_v2.py``. Tokens count when an answer is
complete, in the clock minute of its end; what is under way, and what failed, counts nothing. Each
minute starts at 0, and equals are drawn by lot. Nobody declares ``tpm`` or ``rpm`` here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from router.core.catalogue import Endpoint, ModelName
from router.core.measure import Attempt
from router.ports import Clock
from router.simulate.rivals.litellm_picker import Deployment


class LowestUsage:
    """``Picker`` by tokens per minute of the wall clock."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock, self._rng = clock, rng
        self._minute = 0
        self._tokens: dict[Deployment, int] = {}

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        del stream, now
        used = self._used()
        fewest = min(used[Deployment(model, e.id)] for e in healthy)
        return self._rng.choice([e for e in healthy if used[Deployment(model, e.id)] == fewest])

    def sent(self, to: Deployment, now: float) -> None:
        """What is under way counts nothing."""

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        del now
        if attempt.usage is not None:
            self._used()[at] += attempt.usage.input + attempt.usage.output

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        """What failed counts nothing."""

    def _used(self) -> dict[Deployment, int]:
        minute = int(self._clock.wall() // 60)
        if minute != self._minute:
            self._minute, self._tokens = minute, defaultdict(int)
        return self._tokens
