"""Prices at an instant, and what makes two endpoints two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.core.catalogue import Price, PriceWindow, Tier
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


FEE = 0.002
TIERED = Price(
    1.0,
    4.0,
    0.25,
    1.5,
    FEE,
    cache_write_1h=2.0,
    reasoning=8.0,
    above=((100_000, Price(2, 6, 0.5, 3, FEE)), (200_000, Price(4, 12, fee=FEE))),
    tiers=(
        (Tier.FLEX, Price(0.5, 2, 0.125, fee=FEE, above=((200_000, Price(2, 6, fee=FEE)),))),
        (Tier.PRIORITY, Price(3, 12, fee=FEE)),
    ),
)


@pytest.mark.parametrize(
    ("prompt", "tier", "expected"),
    [
        (100_000, Tier.STANDARD, (1, 4)),
        (100_001, Tier.STANDARD, (2, 6)),
        (200_000, Tier.STANDARD, (2, 6)),
        (900_000, Tier.STANDARD, (4, 12)),
        (100_001, Tier.FLEX, (0.5, 2)),
        (200_001, Tier.FLEX, (2, 6)),
        (900_000, Tier.PRIORITY, (3, 12)),
        (10, Tier.BATCH, (1, 4)),
    ],
)
def test_a_long_prompt_and_a_tier_of_service_change_the_price_of_the_whole_request(
    prompt: int, tier: Tier, expected: tuple[float, float]
) -> None:
    rate = TIERED.rate(prompt, tier)
    assert (rate.input, rate.output) == expected
    quoted = TIERED.quoted(NOON, prompt, tier)
    assert (quoted.input, quoted.output, quoted.fee) == (*expected, FEE)
    cost = TIERED.nano_usd(fresh=prompt, cache_read=0, cache_write=0, output=10, tier=tier)
    assert cost == prompt * expected[0] * 1000 + 10 * expected[1] * 1000 + 2_000_000


def test_all_prompt_tokens_count_for_a_step_however_they_are_billed() -> None:
    cost = TIERED.nano_usd(fresh=1, cache_read=100_000, cache_write=0, output=0)
    assert cost == 2000 + 100_000 * 500 + 2_000_000


def test_what_is_kept_for_an_hour_and_what_is_thought_have_prices_of_their_own() -> None:
    cost = TIERED.nano_usd(
        fresh=0, cache_read=0, cache_write=10, cache_write_1h=4, output=7, reasoning=3
    )
    assert cost == 6 * 1500 + 4 * 2000 + 4 * 4000 + 3 * 8000 + 2_000_000
    plain = Price(1, 4, cache_write=1.5)
    cost = plain.nano_usd(
        fresh=0, cache_read=0, cache_write=10, cache_write_1h=4, output=7, reasoning=3
    )
    assert cost == 10 * 1500 + 7 * 4000


def test_a_window_multiplies_steps_and_tiers_at_the_pinned_instant_and_is_gone() -> None:
    """DeepSeek's peak: working hours of Beijing cost twice as much, weekends never."""
    peak = PriceWindow(60, 240, 2.0, frozenset(range(1, 6)))
    price = replace(TIERED, windows=(peak,))
    friday, saturday = MIDNIGHT + 2 * HOUR, MIDNIGHT + 26 * HOUR
    for wall, factor in ((friday, 2), (friday + 2 * HOUR, 1), (saturday, 1)):
        pinned = price.at(wall)
        for prompt in (1, 100_001, 200_001):
            for tier in Tier:
                counts = {"fresh": prompt, "cache_read": 0, "cache_write": 0, "output": 9}
                once = TIERED.nano_usd(**counts, tier=tier)
                assert pinned.nano_usd(**counts, tier=tier) == pytest.approx(factor * once)
                assert price.quoted(wall, prompt, tier).input == (
                    factor * TIERED.rate(prompt, tier).input
                )


def test_a_quote_mixes_what_is_thought_and_what_is_said() -> None:
    assert TIERED.quoted(NOON, 1, thinking=0.5).output == 6.0
    assert TIERED.quoted(NOON, 1, Tier.FLEX, thinking=0.5).output == 2.0
    assert Price(1, 4).quoted(NOON, 1, thinking=0.5) == Price(1, 4)


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("flex", Tier.FLEX),
        ("default", Tier.STANDARD),
        ("on_demand", Tier.STANDARD),
        ("priority", Tier.PRIORITY),
        ("gold", None),
        (7, None),
        (None, None),
    ],
)
def test_tiers_are_known_by_the_words_of_providers(word: object, tier: Tier | None) -> None:
    assert Tier.named(word) is tier


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
