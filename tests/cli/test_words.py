"""Numbers as people read them."""

from __future__ import annotations

import pytest

from router.cli import words


@pytest.mark.parametrize(
    ("ms", "said"), [(350, "0.35 s"), (3210, "3.2 s"), (27_000, "27 s"), (None, "-")]
)
def test_times_have_two_figures(ms: float | None, said: str) -> None:
    assert words.seconds(ms) == said


@pytest.mark.parametrize(
    ("amount", "said"), [(0.00361, "0.00361"), (1.5e-6, "0.0000015"), (0, "0.00000")]
)
def test_money_never_has_an_exponent_and_small_sums_do_not_vanish(amount: float, said: str) -> None:
    assert words.usd(amount) == said


@pytest.mark.parametrize(
    ("p", "said"), [(0.9999, "99 %"), (1.0, "100 %"), (0.001, "<1 %"), (0, "0 %")]
)
def test_nothing_is_called_certain_that_is_not(p: float, said: str) -> None:
    assert words.share(p) == said


def test_a_bound_is_told_with_forecast_and_limit() -> None:
    told = {"bound": "ttft_ms", "limit": 1000, "predicted": 33_000}
    assert words.failed(told) == "first token 33 s, limit 1.0 s"


def test_a_window_says_what_it_has_and_what_is_needed() -> None:
    told = {"bound": "min_context", "limit": 106_503, "predicted": 65_536}
    assert words.failed(told) == "window 65,536, needs 106,503"


def test_a_fact_without_numbers_is_told_in_its_own_words() -> None:
    assert words.failed({"bound": "capability", "detail": "does not offer tools"}) == (
        "does not offer tools"
    )
