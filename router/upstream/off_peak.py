"""Off-peak prices of LiteLLM's table as price windows, where one factor says it all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from router.core.catalogue import MINUTES_PER_DAY, Price, PriceWindow

_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")

_MINUTES_EAST: Final[Mapping[str, int]] = {
    "UTC": 0,
    "Asia/Hong_Kong": 480,
    "Asia/Shanghai": 480,
    "Asia/Singapore": 480,
    "Asia/Tokyo": 540,
}
"""Where weekdays are counted: places without summer time."""


class OffPeakHours(msgspec.Struct, frozen=True):
    """Stretches of the day, on ISO weekdays (Monday 1)."""

    hours_utc: str | list[str]
    weekdays: list[int] = msgspec.field(default_factory=lambda: list(range(1, 8)))


class OffPeak(msgspec.Struct, frozen=True):
    """Prices in USD per token that hold in the windows."""

    windows: list[OffPeakHours] = []
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    weekday_timezone: str = "UTC"


def discount_windows(off_peak: OffPeak, peak: Price) -> tuple[PriceWindow, ...] | None:
    """Return the windows, or ``None`` where one factor on every price would not be the truth."""
    pairs = (
        (off_peak.input_cost_per_token, peak.input),
        (off_peak.output_cost_per_token, peak.output),
        (off_peak.cache_read_input_token_cost, peak.cached_input),
    )
    factors = [cheap * 1e6 / usual for cheap, usual in pairs if cheap is not None and usual]
    silent = any(usual and cheap is None for cheap, usual in pairs)
    east = _MINUTES_EAST.get(off_peak.weekday_timezone)
    if not factors or silent or east is None:
        return None
    if not all(math.isclose(f, factors[0], rel_tol=1e-6) for f in factors):
        return None
    found: list[PriceWindow] = []
    for window in off_peak.windows:
        each = [window.hours_utc] if isinstance(window.hours_utc, str) else window.hours_utc
        days = frozenset(window.weekdays)
        for hours in each:
            match = _HOURS.fullmatch(hours)
            if match is None:
                return None
            h1, m1, h2, m2 = (int(part) for part in match.groups())
            factor = round(factors[0], 6)
            found.extend(_windows(h1 * 60 + m1, h2 * 60 + m2, factor, days, east))
    return tuple(found)


def _windows(
    start: int, end: int, factor: float, days: frozenset[int], east: int
) -> Iterator[PriceWindow]:
    """Cut hours at both midnights: the table means the weekday of the instant, over there."""
    hours = [(start, end)] if start < end else [(start, MINUTES_PER_DAY), (0, end)]
    midnight = MINUTES_PER_DAY - east
    before = frozenset((day - 2) % 7 + 1 for day in days)
    for first, last in hours:
        if first < min(last, midnight):
            yield PriceWindow(first, min(last, midnight), factor, days)
        if max(first, midnight) < last:
            yield PriceWindow(max(first, midnight), last, factor, before)
