"""What an endpoint did lately: numbers with their times, within a window of time and number."""

from __future__ import annotations

from collections import deque
from math import ceil


class Seen:
    """The last ``most`` samples, none older than ``window_s``."""

    def __init__(self, window_s: float, most: int | None = None) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque(maxlen=most)

    def add(self, value: float, now: float) -> None:
        self._samples.append((now, value))

    def values(self, now: float) -> list[float]:
        """Return the samples that still count, oldest first."""
        while self._samples and self._samples[0][0] < now - self._window_s:
            self._samples.popleft()
        return [value for _, value in self._samples]


def quantile(values: list[float], p: float) -> float:
    """Return the smallest of at least one value that a share ``p`` of them does not exceed."""
    return sorted(values)[max(0, ceil(p * len(values) - 1e-9) - 1)]
