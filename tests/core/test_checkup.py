"""What is booked against what a provider says it charged."""

from __future__ import annotations

import pytest

from router.core.answer import Usage
from router.core.catalogue import Price, PriceWindow, Tier
from router.core.checkup import Checkup, Finding, Suspect, check
from tests.core.market import NOON

USAGE = Usage(fresh_input=1000, text=500)
PRICE = Price(1, 4)
BOOKED = 3_000_000


def checked(reported: int | None, price: Price | None = PRICE, usage: Usage = USAGE) -> Checkup:
    return check(usage._replace(reported_cost_nano_usd=reported), price, wall=NOON)


def test_equal_costs_agree_and_rounding_is_no_difference() -> None:
    assert checked(BOOKED) == Checkup(Finding.AGREES, BOOKED, BOOKED)
    assert checked(BOOKED - 20_000).finding is Finding.AGREES
    tiny = Usage(fresh_input=1)
    assert checked(950, usage=tiny).finding is Finding.AGREES


def test_what_cannot_be_compared_says_why() -> None:
    assert checked(None) == Checkup(Finding.UNREPORTED, BOOKED)
    assert checked(7, price=None) == Checkup(Finding.UNPRICED, None, 7)
    assert check(None, PRICE, wall=NOON) == Checkup(Finding.UNCOUNTED)


def test_each_price_that_alone_explains_a_difference_is_told() -> None:
    found = checked(5_000_000)
    assert found.finding is Finding.DIFFERS
    assert found.factor == pytest.approx(5 / 3)
    assert found.suspects == (Suspect("output", 4, 8), Suspect("input", 1, 3))


def test_no_price_is_negative_and_free_is_a_price() -> None:
    assert [s.what for s in checked(1_500_000).suspects] == ["output"]
    free = checked(500_000, Price(0, 0))
    assert free.factor is None
    assert free.suspects[0] == Suspect("output", 0, 1)


def test_a_price_nobody_said_is_suspected_first() -> None:
    usage = Usage(fresh_input=100, cache_read=900, text=500)
    found = checked(100_000 + 90_000 + 2_000_000, usage=usage)
    assert found.suspects[0][:2] == ("cached_input", None)
    assert found.suspects[0].would_be == pytest.approx(0.1)


def test_an_hours_cache_that_costs_more_than_five_minutes_is_found() -> None:
    usage = Usage(fresh_input=0, cache_write=1000, cache_write_1h=1000, text=1)
    found = checked(2_004_000, Price(1, 4, cache_write=1.25), usage)
    assert found.suspects[0] == Suspect("cache_write_1h", None, 2.0)


def test_a_window_that_does_not_hold_explains_it_without_another_price() -> None:
    price = Price(1, 4, windows=(PriceWindow(0, 1440, 0.5),))
    assert checked(BOOKED, price).suspects == (Suspect("price_windows"),)


def test_a_tier_nobody_told_of_explains_it_without_another_price() -> None:
    price = Price(1, 4, tiers=((Tier.PRIORITY, Price(2, 8)),))
    assert checked(2 * BOOKED, price).suspects == (Suspect("tiers.priority"),)
    served = USAGE._replace(tier=Tier.PRIORITY)
    assert checked(BOOKED, price, served).suspects == (Suspect("tiers.standard"),)


def test_thinking_with_a_price_of_its_own_is_a_suspect_of_its_own() -> None:
    usage = Usage(text=100, reasoning=400)
    found = checked(400_000 + 400_000 * 8, Price(1, 4, reasoning=6), usage)
    assert Suspect("reasoning", 6, 8) in found.suspects
