"""Answer lengths: learned per model and kind of request, starting from what is known elsewhere."""

from __future__ import annotations

from math import exp, hypot, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import lengths
from router.core.answer import Usage
from router.core.effects import CLASS_SD, HIGH, LOW, MODEL_SD, Outlook, fitted
from router.core.faults import Kind
from router.core.lengths import CELLS, LENGTHS, NODES, Lengths
from tests.core.market import an_attempt

EXPECTED = Outlook(log(900), MODEL_SD)
NONE = [0.0] * LENGTHS.size


def sums(median: float, count: int = 500, sd: float = 0.4) -> list[float]:
    found, rng = list(NONE), Random(4)
    for _ in range(count):
        output = max(1, round(median * exp(rng.gauss(0, sd))))
        for index, amount in lengths.learned(an_attempt(output=output)):
            found[index] += amount
    return found


def test_before_anything_was_seen_the_declared_prior_stands() -> None:
    found = lengths.believed(EXPECTED, NONE, NONE)
    assert found.quantile(0.5) == pytest.approx(900, rel=0.05)
    assert found.mean == pytest.approx(900 * exp(0.5**2 / 2), rel=0.05)
    assert (found.samples, found.visible, found.reasoning) == (0, 1.0, 0.0)


def test_what_was_seen_replaces_the_prior() -> None:
    own = sums(200)
    told = lengths.seen(own)
    assert told is not None
    outlook = fitted({("r1", "chat"): told}, {"r1": log(900)}).outlook(("r1", "chat"), log(900))
    found = lengths.believed(outlook, own, own)
    assert found.quantile(0.5) == pytest.approx(200, rel=0.05)
    assert found.mean == pytest.approx(200 * exp(0.4**2 / 2), rel=0.05)
    assert found.quantile(0.95) == pytest.approx(200 * exp(0.4 * 1.645), rel=0.15)
    assert found.samples == 500


def test_the_mean_is_in_doubt_until_enough_answers_came() -> None:
    doubts = [lengths.believed(EXPECTED, sums(900, n), NONE).doubt for n in (0, 3, 20, 59)]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[0] == pytest.approx(hypot(MODEL_SD, CLASS_SD))
    assert 0 < doubts[-1] < 0.06
    assert lengths.believed(EXPECTED, sums(900, 60), NONE).doubt == 0


def test_the_spread_is_that_of_the_answers_seen() -> None:
    for sd in (0.2, 0.4, 0.8):
        found = lengths.believed(EXPECTED, sums(900, 500, sd), NONE)
        assert found.spread == pytest.approx(sd, rel=0.1)


@given(factor=st.floats(0.01, 100), tokens=st.floats(1, 1e6))
def test_answers_twice_as_long_keep_twice_the_bound_as_often(factor: float, tokens: float) -> None:
    found = lengths.believed(EXPECTED, sums(300, 40), sums(300))
    longer = found.scaled(factor)
    assert longer.p_at_most(tokens * factor) == pytest.approx(found.p_at_most(tokens), abs=1e-9)
    assert longer.quantile(0.9) == pytest.approx(factor * found.quantile(0.9))
    assert longer.mean_capped(None) == pytest.approx(factor * found.mean)


def test_a_quantile_inverts_the_probability() -> None:
    found = lengths.believed(EXPECTED, sums(300, 40), sums(300))
    for p in (0.05, 0.3, 0.5, 0.9, 0.99):
        assert found.p_at_most(found.quantile(p)) == pytest.approx(p, abs=1e-9)


def test_probabilities_stay_within_their_bounds() -> None:
    found = lengths.believed(EXPECTED, NONE, NONE)
    assert found.p_at_most(0) == found.p_at_most(-5) == 0
    assert found.p_at_most(1) == pytest.approx(0, abs=1e-6)
    assert found.p_at_most(exp(HIGH)) == found.p_at_most(1e12) == 1
    assert list(found.cdf) == sorted(found.cdf)


def test_the_points_of_integration_rise_and_weigh_one() -> None:
    assert sum(weight for weight, _ in NODES) == pytest.approx(1)
    found = lengths.believed(EXPECTED, sums(300), sums(300))
    tokens = [n for _, n in found.nodes]
    assert tokens == sorted(tokens)


def test_a_client_who_cuts_answers_shortens_the_mean() -> None:
    found = lengths.believed(EXPECTED, NONE, NONE)
    capped = [found.mean_capped(n) for n in (1, 10, 100, 1000, 10_000)]
    assert capped == sorted(capped)
    assert all(mean <= n for mean, n in zip(capped, (1, 10, 100, 1000, 10_000), strict=True))
    assert found.mean_capped(None) == found.mean


def test_only_complete_answers_with_reported_usage_teach() -> None:
    assert lengths.learned(an_attempt())
    assert not lengths.learned(an_attempt(fault=Kind.BROKEN))
    assert not lengths.learned(an_attempt(usage=Usage(1, text=5, estimated=True)))
    assert not lengths.learned(an_attempt(usage=Usage(1)))
    assert not lengths.learned(an_attempt(ttft_s=None))


@pytest.mark.parametrize("output", [1, 3, 4, 15_999, 16_000, 10**7])
def test_extreme_lengths_fall_into_the_last_cells(output: int) -> None:
    index, amount = lengths.learned(an_attempt(output=output))[0]
    assert amount == 1
    assert (index in (0, CELLS - 1)) is (output <= 4 or output > 13_000)


def _shares(usage: Usage, visible: int, answers: int = 50, *, declared: float = 0.0) -> Lengths:
    found = list(NONE)
    attempt = an_attempt(usage=usage, output=visible)
    for _ in range(answers):
        for index, amount in lengths.learned(attempt):
            found[index] += amount
    return lengths.believed(EXPECTED, found, found, declared)


def test_streamed_and_hidden_reasoning_are_told_apart() -> None:
    shown = _shares(Usage(1, text=100, reasoning=300), 400)
    assert (shown.visible, shown.reasoning) == pytest.approx((1.0, 0.75), rel=0.01)
    hidden = _shares(Usage(1, text=100, reasoning=300), 100)
    assert (hidden.visible, hidden.reasoning) == pytest.approx((0.25, 0.0), abs=0.01)


def test_what_a_model_declares_to_hide_counts_until_a_few_answers_were_seen() -> None:
    usage = Usage(1, text=100, reasoning=300)
    assert _shares(usage, 400, 0, declared=0.6).visible == pytest.approx(0.4)
    assert _shares(usage, 400, 20, declared=0.6).visible == pytest.approx(1.0, abs=0.01)


def test_low_and_high_span_any_answer() -> None:
    assert (exp(LOW), exp(HIGH)) == pytest.approx((4, 16_000))
