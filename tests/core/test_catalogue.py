"""Prices at an instant, and what makes two endpoints two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.core.catalogue import Price, PriceWindow
from tests.core.market import NOON, an_endpoint

HOUR = 3600.0
MIDNIGHT = NOON + 12 * HOUR
"""The start of Friday."""


@pytest.mark.parametrize(
    ("at", "inside"),
    [(59, False), (60, True), (239, True), (239.99, True), (240, False)],
)
def test_a_window_holds_from_its_minute_to_before_its_end(at: float, *, inside: bool) -> None:
    window = PriceWindow(60, 240, 2.0)
    assert window.covers(MIDNIGHT + at * 60) is inside


@pytest.mark.parametrize(
    ("hours", "inside"),
    [(21.9, False), (22, True), (24, True), (25.9, True), (26, False), (45, False), (46, False)],
)
def test_a_window_over_midnight_belongs_to_the_day_it_starts_on(
    hours: float, *, inside: bool
) -> None:
    """Friday only: the hours after midnight are Saturday's, the window's still."""
    window = PriceWindow(22 * 60, 2 * 60, 2.0, frozenset({5}))
    assert window.covers(MIDNIGHT + hours * HOUR) is inside


def test_friday_morning_belongs_to_thursdays_window() -> None:
    thursday = PriceWindow(22 * 60, 2 * 60, 2.0, frozenset({4}))
    assert thursday.covers(MIDNIGHT + HOUR)
    sunday = PriceWindow(22 * 60, 2 * 60, 2.0, frozenset({7}))
    monday_morning = MIDNIGHT + 3 * 24 * HOUR + HOUR
    assert sunday.covers(monday_morning)


def test_windows_multiply_every_price_and_each_other() -> None:
    day = PriceWindow(0, 1440, 2.0)
    price = Price(1, 2, 0.5, 1.5, 0.01, windows=(day, day))
    now = price.at(NOON)
    assert (now.input, now.output, now.cached_input, now.cache_write) == (4, 8, 2, 6)
    assert now.fee == pytest.approx(0.04)
    assert now.windows == ()


def test_outside_its_windows_a_price_is_itself() -> None:
    price = Price(1, 2, windows=(PriceWindow(0, 1, 2.0),))
    assert price.at(NOON) is price
    assert Price(1, 2).at(NOON).cached_input is None


def test_a_dollar_per_million_is_a_thousand_nano_usd_a_token() -> None:
    price = Price(1.0, 2.0, fee=0.001)
    assert price.nano_usd(fresh=1, cache_read=0, cache_write=0, output=0) == 1_001_000
    assert price.nano_usd(fresh=0, cache_read=3, cache_write=2, output=1) == 1_007_000


def test_statistics_start_afresh_with_another_model_url_quantization_or_region() -> None:
    one = an_endpoint("r1@e")
    changed = [
        replace(one, upstream_model="r2"),
        replace(one, base_url="http://else"),
        replace(one, quantization="fp4"),
        replace(one, region="eu"),
    ]
    assert len({e.fingerprint for e in (one, *changed)}) == 5
    assert replace(one, price=Price(9, 9), context=1).fingerprint == one.fingerprint
