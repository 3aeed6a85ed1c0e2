"""LiteLLM ``simple-shuffle``, the default: any healthy deployment, without memory.

Source: litellm 1.106.2, ``router_strategy/simple_shuffle.py``. Weights, ``rpm`` and ``tpm`` are
declared by nobody here, so every deployment is as likely as the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from router.core.catalogue import Endpoint, ModelName
from router.core.measure import Attempt
from router.simulate.rivals.litellm_picker import Deployment


class SimpleShuffle:
    """``Picker`` by lot."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        del model, stream, now
        return self._rng.choice(healthy)

    def sent(self, to: Deployment, now: float) -> None:
        """Nothing is kept."""

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        """Nothing is kept."""

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        """Nothing is kept."""
