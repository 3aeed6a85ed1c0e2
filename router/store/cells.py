"""Decaying sums as a process holds them: what it decides from, what it has not pushed yet.

For every sum three figures are kept: ``total``, what decisions read (all that was pulled plus all
that is unpushed); ``pending``, what Redis has not been sent; and ``own``, everything this process
ever put into a batch, so that a Redis that lost its data gets it back exactly once from each
replica.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.core.decay import Group

MAX_CELLS: Final = 20_000
"""Bound on subjects x groups, since class names partly come from clients."""


class Slot:
    """The sums of one cell in one epoch."""

    __slots__ = ("group", "inflight", "key", "own", "pending", "total")

    def __init__(self, key: str, group: Group) -> None:
        self.key = key
        self.group = group
        self.total = [0.0] * group.size
        self.own = [0.0] * group.size
        self.pending = [0.0] * group.size
        self.inflight: dict[int, float] = {}

    def freeze(self) -> dict[int, float]:
        """Turn what is pending into what is on its way."""
        self.inflight = {index: amount for index, amount in enumerate(self.pending) if amount}
        self.pending = [0.0] * self.group.size
        for index, amount in self.inflight.items():
            self.own[index] += amount
        return self.inflight

    def recall(self) -> None:
        """Make everything of our own pending again, and all there is."""
        self.pending = [a + b for a, b in zip(self.own, self.pending, strict=True)]
        self.own = [0.0] * self.group.size
        self.inflight = {}
        self.total = list(self.pending)


class Cell:
    """All epochs of one (subject, group) that still count."""

    __slots__ = ("group", "slots", "subject")

    def __init__(self, subject: str, group: Group) -> None:
        self.subject = subject
        self.group = group
        self.slots: dict[int, Slot] = {}

    def slot(self, epoch: int) -> Slot:
        """Return the slot of an epoch, made on first use."""
        found = self.slots.get(epoch)
        if found is None:
            key = f"{self.subject}/{self.group.name}/{epoch}"
            found = self.slots[epoch] = Slot(key, self.group)
        return found

    def read(self, wall_s: float) -> list[float]:
        """Return the sums as they weigh at ``wall_s``."""
        group, slots = self.group, self.slots
        epoch = int(wall_s // group.epoch_s)
        current, previous = slots.get(epoch), slots.get(epoch - 1)
        return group.read(
            current.total if current else None, previous.total if previous else None, wall_s
        )

    def absorb(self, epoch: int, totals: Mapping[int, float]) -> None:
        """Replace what was pulled before by Redis' totals; what is unpushed stays on top."""
        slot = self.slot(epoch)
        fresh = list(slot.pending)
        for more in (totals, slot.inflight):
            for index, amount in more.items():
                if 0 <= index < len(fresh):
                    fresh[index] += amount
        slot.total = fresh

    def forget(self, wall_s: float) -> None:
        """Drop epochs too old to weigh anything."""
        oldest = self.group.epoch(wall_s) - 1
        for epoch in [e for e in self.slots if e < oldest]:
            del self.slots[epoch]
