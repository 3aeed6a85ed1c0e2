"""How long a provider asks us to stay away, in any of the ways providers say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
_EPOCH_FROM = 1_000_000_000
_EPOCH_MS_FROM = 1_000_000_000_000

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def retry_after_s(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return seconds to wait, or ``None`` where nobody says. ``wall`` is unix seconds.

    The finer ``retry-after-ms`` goes first, then ``Retry-After`` (seconds or a date, measured by
    the sender's own clock), then the resets of the limits that are used up.
    """
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return min(ms / 1000, LONGEST_S)
    if (after := headers.get("retry-after")) is not None:
        seconds = _number(after)
        if seconds is None and (at := _date(after)) is not None:
            seconds = max(0.0, at - (_date(headers.get("date", "")) or wall))
        if seconds is not None:
            return min(seconds, LONGEST_S)
    resets = [
        span
        for name, value in headers.items()
        if name.startswith("x-ratelimit-reset")
        and headers.get(name.replace("-reset", "-remaining"), "0").strip() in ("0", "0.0")
        and (span := _span(value, wall=wall)) is not None
    ]
    return min(max(resets), LONGEST_S) if resets else None


def _number(value: str | None) -> float | None:
    """Return a decimal number that is not negative; nothing else, ``inf`` and ``nan`` included."""
    return float(value) if value and re.fullmatch(r"\s*\d+(\.\d+)?\s*", value) else None


def _date(value: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _span(value: str, *, wall: float) -> float | None:
    """Seconds until a reset: a span (``6m0s``, ``20ms``, ``7.5``) or an instant (epoch)."""
    number = _number(value)
    if number is not None:
        if number >= _EPOCH_MS_FROM:
            number /= 1000
        return max(0.0, number - wall) if number >= _EPOCH_FROM else number
    spans = _SPAN.findall(value)
    return sum(float(n) * _UNITS[unit] for n, unit in spans) if spans else None
