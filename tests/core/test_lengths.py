"""Answer lengths: learned per model and kind of request, starting from what is known elsewhere."""

from __future__ import annotations

from math import exp
from random import Random

import pytest

from router.core import lengths
from router.core.answer import Usage
from router.core.faults import Kind
from router.core.lengths import CELLS, HIGH, LENGTHS, LOW, NODES, Lengths
from tests.core.market import an_attempt

NONE = [0.0] * LENGTHS.size


def sums(median: float, count: int = 500, sd: float = 0.4) -> list[float]:
    found, rng = list(NONE), Random(4)
    for _ in range(count):
        output = max(1, round(median * exp(rng.gauss(0, sd))))
        for index, amount in lengths.learned(an_attempt(output=output)):
            found[index] += amount
    return found


def test_before_anything_was_seen_the_declared_prior_stands() -> None:
    found = lengths.believed(900, NONE, NONE)
    assert found.quantile(0.5) == pytest.approx(900, rel=0.05)
    assert found.mean == pytest.approx(900 * exp(0.5**2 / 2), rel=0.05)
    assert (found.samples, found.visible, found.reasoning) == (0, 1.0, 0.0)


def test_what_was_seen_replaces_the_prior() -> None:
    found = lengths.believed(900, sums(200), sums(200))
    assert found.quantile(0.5) == pytest.approx(200, rel=0.05)
    assert found.mean == pytest.approx(200 * exp(0.4**2 / 2), rel=0.05)
    assert found.quantile(0.95) == pytest.approx(200 * exp(0.4 * 1.645), rel=0.15)
    assert found.samples == 500


def test_a_new_kind_of_request_starts_from_the_models_other_answers() -> None:
    found = lengths.believed(900, NONE, sums(100))
    assert found.quantile(0.5) < 200
    assert found.samples == 0


def test_a_quantile_inverts_the_probability() -> None:
    found = lengths.believed(900, sums(300, 40), sums(300))
    for p in (0.05, 0.3, 0.5, 0.9, 0.99):
        assert found.p_at_most(found.quantile(p)) == pytest.approx(p, abs=1e-9)


def test_probabilities_stay_within_their_bounds() -> None:
    found = lengths.believed(900, NONE, NONE)
    assert found.p_at_most(0) == found.p_at_most(-5) == 0
    assert found.p_at_most(1) == pytest.approx(0, abs=1e-6)
    assert found.p_at_most(exp(HIGH)) == found.p_at_most(1e12) == 1
    assert list(found.cdf) == sorted(found.cdf)


def test_the_points_of_integration_rise_and_weigh_one() -> None:
    assert sum(weight for weight, _ in NODES) == pytest.approx(1)
    found = lengths.believed(900, sums(300), sums(300))
    tokens = [n for _, n in found.nodes]
    assert tokens == sorted(tokens)


def test_a_client_who_cuts_answers_shortens_the_mean() -> None:
    found = lengths.believed(900, NONE, NONE)
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


def _shares(usage: Usage, visible: int) -> Lengths:
    found = list(NONE)
    attempt = an_attempt(usage=usage, output=visible)
    for index, amount in lengths.learned(attempt):
        found[index] += amount
    return lengths.believed(600, found, found)


def test_streamed_and_hidden_reasoning_are_told_apart() -> None:
    shown = _shares(Usage(1, text=100, reasoning=300), 400)
    assert (shown.visible, shown.reasoning) == (1.0, 0.75)
    hidden = _shares(Usage(1, text=100, reasoning=300), 100)
    assert (hidden.visible, hidden.reasoning) == (0.25, 0.0)


def test_low_and_high_span_any_answer() -> None:
    assert (exp(LOW), exp(HIGH)) == pytest.approx((4, 16_000))
