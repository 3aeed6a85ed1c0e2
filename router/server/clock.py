"""The clocks of a running proxy, which may run faster than the world's.

A market played at twenty times its speed moves everything together: waits, half-lives, limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class SystemClock:
    """``ports.Clock``. ``factor`` seconds of this clock pass in each real one.

    ``wall()`` gives unix seconds, ``mono()`` monotonic ones; at factor 1 they are the system's own
    functions, since the stream asks for every chunk.
    """

    __slots__ = ("_factor", "mono", "wall")

    mono: Callable[[], float]
    wall: Callable[[], float]

    def __init__(self, factor: float = 1.0) -> None:
        self._factor = factor
        if factor == 1.0:
            self.mono, self.wall = time.monotonic, time.time
            return
        wall, mono = time.time(), time.monotonic()
        self.mono = lambda: time.monotonic() * factor
        self.wall = lambda: wall + (time.monotonic() - mono) * factor

    def real_s(self, seconds: float) -> float:
        """Real seconds that ``seconds`` of this clock take."""
        return seconds / self._factor
