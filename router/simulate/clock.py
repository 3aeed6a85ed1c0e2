"""The clock of a run: it stands still until the loop moves it."""

from __future__ import annotations


class VirtualClock:
    """``ports.Clock``: ``now`` are seconds since the run began."""

    def __init__(self, start_wall: float) -> None:
        self.now = 0.0
        self._start = start_wall

    def wall(self) -> float:
        return self._start + self.now

    def mono(self) -> float:
        return self.now

    def real_s(self, seconds: float) -> float:
        return seconds
