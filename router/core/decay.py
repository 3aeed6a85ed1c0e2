"""Sums that forget: forward decay, so that many processes can add to one sum in any order.

An observation at time t enters a sum with weight 2^((t - L)/h), where h is the sum's half-life
and L the *landmark*, the start of an epoch of 16 half-lives. Reading multiplies by
2^(-(now - L)/h), which is what an exponentially decayed sum would be (Cormode et al., "Forward
decay", ICDE 2009). Nothing stored ever has to be rescaled, so merging is plain addition,
whatever the order and grouping. A reader adds the current and the previous epoch; what an older
one still weighs is below 2^-16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HALF_LIVES_PER_EPOCH = 16


@dataclass(frozen=True, slots=True)
class Group:
    """A vector of ``size`` sums that share a half-life in seconds."""

    name: str
    half_life_s: float
    size: int

    @property
    def epoch_s(self) -> float:
        """Length of an epoch in seconds."""
        return self.half_life_s * HALF_LIVES_PER_EPOCH

    @property
    def ttl_s(self) -> int:
        """How long a shared sum must live after its last change, in seconds."""
        return int(2 * self.epoch_s) + 60

    def epoch(self, wall_s: float) -> int:
        """Return the number of the epoch that holds ``wall_s`` (unix seconds)."""
        return int(wall_s // self.epoch_s)

    def weight(self, wall_s: float, epoch: int) -> float:
        """Return what an observation at ``wall_s`` weighs in the sums of ``epoch``."""
        return float(2.0 ** ((wall_s - epoch * self.epoch_s) / self.half_life_s))

    def read(
        self, current: Sequence[float] | None, previous: Sequence[float] | None, wall_s: float
    ) -> list[float]:
        """Return the sums as they weigh at ``wall_s``, from the two epochs that still count."""
        epoch = self.epoch(wall_s)
        if current is None:
            now = [0.0] * self.size
        else:
            fade = 1.0 / self.weight(wall_s, epoch)
            now = [value * fade for value in current]
        if previous is None:
            return now
        fade = 1.0 / self.weight(wall_s, epoch - 1)
        return [value + old * fade for value, old in zip(now, previous, strict=True)]
