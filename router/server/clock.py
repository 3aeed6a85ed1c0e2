"""The clocks of a running proxy, which may run faster than the world's.

A market played at twenty times its speed moves everything together: waits, half-lives, limits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SystemClock:
    """``ports.Clock``. ``factor`` seconds of this clock pass in each real one."""

    factor: float = 1.0
    _wall: float = field(default_factory=time.time)
    _mono: float = field(default_factory=time.monotonic)

    def wall(self) -> float:
        """Unix seconds."""
        if self.factor == 1.0:
            return time.time()
        return self._wall + (time.monotonic() - self._mono) * self.factor

    def mono(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() * self.factor

    def real_s(self, seconds: float) -> float:
        """Real seconds that ``seconds`` of this clock take."""
        return seconds / self.factor
