"""Virtual time: the market's clock runs `speed` times faster than the wall.

It starts at the wall's time and drifts away from it by design, so that durations, scripts and
ledger times are all in the seconds a real market would show.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Virtual unix seconds, from a real monotonic clock."""

    speed: float
    started_unix_s: float
    started_mono_s: float
    mono: Callable[[], float]

    def now(self) -> float:
        """Virtual unix seconds."""
        return self.started_unix_s + (self.mono() - self.started_mono_s) * self.speed

    async def sleep_until(self, at_s: float) -> None:
        """Return when it is `at_s` (virtual unix seconds), at once if that has passed."""
        await asyncio.sleep(max(0.0, (at_s - self.now()) / self.speed))
        # A loop may wake its sleepers a little early, and at 50 times the speed that is a token.
        while (left_s := at_s - self.now()) > 0:  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(left_s / self.speed)


def start_clock(speed: float, *, wall: Callable[[], float], mono: Callable[[], float]) -> Clock:
    """A clock that shows the wall's time now and runs `speed` times faster from here."""
    return Clock(speed=speed, started_unix_s=wall(), started_mono_s=mono(), mono=mono)
