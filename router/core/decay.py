"""Sums that forget: forward decay, so that many processes can add to one sum in any order.

An observation at time t enters a sum with weight 2^((t - L)/h), where h is the sum's half-life
and L the *landmark*, the start of an epoch of 16 half-lives. Reading multiplies by
2^(-(now - L)/h), which is what an exponentially decayed sum would be (Cormode et al., "Forward
decay", ICDE 2009). Nothing stored ever has to be rescaled, so merging is plain addition,
whatever the order and grouping. A reader adds the current and the previous epoch; what an older
one still weighs is below 2^-16.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import exp2

HALF_LIVES_PER_EPOCH = 16
"""Enough that what is lost with an epoch is nothing (2^-16), and weights stay far from overflow. Of
the seconds' evidence that counts on however faded it is (``level``) it is the end: 5 to 11 minutes
after an endpoint was last used, as its epoch of 320 s happens to lie."""
TTL_SLACK_S = 60
"""A shared sum outlives its use by this, since the clocks of replicas differ. A guess."""


@dataclass(frozen=True, slots=True)
class Group:
    """A vector of ``size`` sums that share a half-life in seconds.

    ``epoch_s`` is the length of an epoch, ``ttl_s`` how long a shared sum must live after its
    last change, both in seconds.
    """

    name: str
    half_life_s: float
    size: int
    epoch_s: float = field(init=False)
    ttl_s: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "epoch_s", self.half_life_s * HALF_LIVES_PER_EPOCH)
        object.__setattr__(self, "ttl_s", int(2 * self.epoch_s) + TTL_SLACK_S)

    def epoch(self, wall_s: float) -> int:
        """Return the number of the epoch that holds ``wall_s`` (unix seconds)."""
        return int(wall_s // self.epoch_s)

    def weight(self, wall_s: float, epoch: int) -> float:
        """Return what an observation at ``wall_s`` weighs in the sums of ``epoch``."""
        return exp2((wall_s - epoch * self.epoch_s) / self.half_life_s)

    def read(
        self, current: Sequence[float] | None, previous: Sequence[float] | None, wall_s: float
    ) -> list[float]:
        """Return the sums as they weigh at ``wall_s``, from the two epochs that still count."""
        epoch = int(wall_s // self.epoch_s)
        fade = exp2((epoch * self.epoch_s - wall_s) / self.half_life_s)
        now = [0.0] * self.size if current is None else [value * fade for value in current]
        if previous is None:
            return now
        fade *= _EPOCH_FADE
        return [value + old * fade for value, old in zip(now, previous, strict=True)]


Increment = tuple[Group, Iterable[tuple[int, float]]]
"""Amounts to be added to sums of a group, by their index."""

_EPOCH_FADE = exp2(-HALF_LIVES_PER_EPOCH)
