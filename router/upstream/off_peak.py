"""Off-peak prices of LiteLLM's table as price windows, where one factor says it all."""

from __future__ import annotations

import math
import re

import msgspec

from router.core.catalogue import PriceWindow

_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


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


def discount_windows(
    off_peak: OffPeak, peak: tuple[float | None, float | None, float | None]
) -> tuple[PriceWindow, ...] | None:
    """Return the windows, or ``None`` where one factor on every price would not be the truth.

    ``peak`` holds the usual prices of input, output and cached input, in USD per token.
    """
    cheap = (
        off_peak.input_cost_per_token,
        off_peak.output_cost_per_token,
        off_peak.cache_read_input_token_cost,
    )
    factors = [c / p for c, p in zip(cheap, peak, strict=True) if c is not None and p]
    silent = any(p and c is None for c, p in zip(cheap, peak, strict=True))
    if not factors or silent or off_peak.weekday_timezone != "UTC":
        return None
    if not all(math.isclose(f, factors[0], rel_tol=1e-6) for f in factors):
        return None
    found = []
    for window in off_peak.windows:
        each = [window.hours_utc] if isinstance(window.hours_utc, str) else window.hours_utc
        for hours in each:
            match = _HOURS.fullmatch(hours)
            if match is None:
                return None
            h1, m1, h2, m2 = (int(part) for part in match.groups())
            days = frozenset(window.weekdays)
            found.append(PriceWindow(h1 * 60 + m1, h2 * 60 + m2, round(factors[0], 6), days))
    return tuple(found)
