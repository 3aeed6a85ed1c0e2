"""Price windows as written, and the hours they cover."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.window import Window


def covers(window: Window, day: int, hour: int, minute: int = 0) -> bool:
    """Ask for a day of June 2026, whose 1st is a Monday."""
    return window.core().covers(datetime(2026, 6, day, hour, minute, tzinfo=UTC).timestamp())


def test_a_window_holds_from_its_first_minute_to_before_its_last() -> None:
    window = Window(hours_utc="01:00-04:00", factor=2)
    assert [covers(window, 1, h) for h in (0, 1, 3, 4)] == [False, True, True, False]
    assert covers(window, 1, 3, 59)


def test_a_window_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    window = Window.model_validate({"hours_utc": "22:00-04:00", "weekdays": "fri", "factor": 0.5})
    assert covers(window, 5, 22)
    assert covers(window, 6, 3)
    assert not covers(window, 6, 22)
    assert not covers(window, 5, 3)
    assert not covers(window, 6, 4)


@pytest.mark.parametrize("hours", ["00:00-24:00", "00:00-00:00", None])
def test_a_whole_day_can_be_said_in_three_ways(hours: str | None) -> None:
    said = {"factor": 2} if hours is None else {"factor": 2, "hours_utc": hours}
    window = Window.model_validate(said)
    assert all(covers(window, 1, h) for h in range(24))


def test_a_window_may_end_at_midnight() -> None:
    for hours in ("20:00-24:00", "20:00-00:00"):
        window = Window(hours_utc=hours, factor=2)
        assert [covers(window, 1, h) for h in (19, 20, 23, 0)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("sat, sun", {6, 7}),
        (["Sat", "sun"], {6, 7}),
        ("fri-mon", {5, 6, 7, 1}),
        ("mon,wed-thu", {1, 3, 4}),
    ],
)
def test_weekdays_are_read_as_people_write_them(said: object, days: set[int]) -> None:
    assert Window.model_validate({"weekdays": said, "factor": 2}).weekdays == days


@pytest.mark.parametrize("said", [[], "", 5, "8", "mon-"])
def test_what_is_no_weekday_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="day"):
        Window.model_validate({"weekdays": said, "factor": 2})
