"""Hours and weekdays as an operator writes them, and the price window they stand for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from router.config.sections import Strict
from router.core.catalogue import MINUTES_PER_DAY, PriceWindow

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_LAST_MINUTE = 59


def minutes_of(hours: str) -> tuple[int, int]:
    """Read ``"22:00-04:00"`` as minutes from midnight UTC; equal times mean the whole day."""
    found = _HOURS.fullmatch(hours.strip())
    if found is None:
        raise ValueError("must be two times of day (UTC) such as '22:00-04:00'")
    h1, m1, h2, m2 = (int(part) for part in found.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if max(m1, m2) > _LAST_MINUTE or start >= MINUTES_PER_DAY or end > MINUTES_PER_DAY:
        raise ValueError("a day runs from 00:00 to 24:00")
    return start, end


def days_of(days: object) -> frozenset[int]:
    """Read ``"mon-fri"``, ``"sat,sun"`` or a list of such as ISO numbers, Monday 1."""
    words = days.split(",") if isinstance(days, str) else days
    if not isinstance(words, list | tuple | set | frozenset) or not words:
        raise ValueError("must be days such as 'mon-fri', 'sat,sun' or ['sat', 'sun']")
    found: set[int] = set()
    for word in words:
        first, dash, last = str(word).strip().lower().partition("-")
        try:
            begin, end = _DAYS.index(first.strip()), _DAYS.index((last if dash else first).strip())
        except ValueError:
            raise ValueError(f"{word!r} is no weekday; days are {', '.join(_DAYS)}") from None
        found.update((begin + i) % 7 + 1 for i in range((end - begin) % 7 + 1))
    return frozenset(found)


def _checked(hours: str) -> str:
    minutes_of(hours)
    return hours


class Window(Strict):
    """A stretch of the day in which every price is multiplied by ``factor``."""

    hours_utc: Annotated[str, AfterValidator(_checked)] = "00:00-24:00"
    weekdays: Annotated[frozenset[int], BeforeValidator(days_of)] = frozenset(range(1, 8))
    factor: float = Field(gt=0, le=100)

    def core(self) -> PriceWindow:
        start, end = minutes_of(self.hours_utc)
        return PriceWindow(start, end, self.factor, self.weekdays)
