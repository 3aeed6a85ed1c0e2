"""Where an endpoint stands: it stays, or it moves far."""

from __future__ import annotations

from math import exp, inf, isfinite, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.level import (
    HEARD_N,
    LASTS_S,
    SHARP,
    SPEEDS,
    WAITS,
    Moves,
    displaced,
    level,
)
from router.core.stats import PRIOR_NOISE_VAR

SECONDS = WAITS.seconds
NOISE_VAR = 0.35**2
MOVES = st.builds(Moves, st.floats(0.02, 0.3), st.floats(0.31, 1.0), st.floats(0.01, 0.5))
counts = st.floats(0.05, 500)
means = st.floats(-3, 3)


def by_grid(n: float, mean: float, noise_var: float, moves: Moves) -> tuple[float, float]:
    """Posterior mean and variance by summing over where it may stand."""
    total = first = second = 0.0
    error_var = noise_var / n
    logs = []
    for i in range(-8000, 8001):
        at = i * 0.0005
        prior = sum(
            share / sd * exp(-at * at / (2 * sd * sd))
            for share, sd in ((moves.p_moves, moves.moves_sd), (1 - moves.p_moves, moves.stays_sd))
        )
        logs.append((at, prior, -((mean - at) ** 2) / (2 * error_var)))
    most = max(log for _, _, log in logs)
    for at, prior, log in logs:
        weight = prior * exp(log - most)
        total += weight
        first += weight * at
        second += weight * at * at
    middle = first / total
    return middle, second / total - middle * middle


@pytest.mark.parametrize("n", [0.3, 2.0, 20.0])
@pytest.mark.parametrize("mean", [0.0, 0.1, -0.4, 1.5])
@pytest.mark.parametrize("moves", [*WAITS, *SPEEDS])
def test_the_posterior_is_that_of_a_sum_over_all_places(
    n: float, mean: float, moves: Moves
) -> None:
    found = displaced(n, mean, NOISE_VAR, moves)
    middle, var = by_grid(n, mean, NOISE_VAR, moves)
    assert found.mean == pytest.approx(middle, abs=2e-3)
    assert found.var == pytest.approx(var, rel=0.02, abs=1e-5)


def test_what_noise_explains_is_hardly_believed_and_what_it_does_not_at_once() -> None:
    def believed(mean: float) -> float:
        return displaced(5, mean, NOISE_VAR, SECONDS).mean / mean

    assert believed(0.1) < 0.3
    assert believed(1.2) > 0.85


def test_of_nothing_the_prior_is_believed() -> None:
    assert displaced(0.0, 0.0, NOISE_VAR, SECONDS) == (0.0, SECONDS.var, 0.0)
    assert displaced(1e-9, 2.0, NOISE_VAR, SECONDS).var == pytest.approx(SECONDS.var, rel=1e-4)


@given(counts, means, means, MOVES)
def test_more_is_believed_of_what_lies_further_out(
    n: float, one: float, other: float, moves: Moves
) -> None:
    low, high = sorted((one, other))
    less, more = (displaced(n, mean, NOISE_VAR, moves).mean for mean in (low, high))
    assert less <= more + 1e-12


@given(counts, means, MOVES)
def test_a_belief_lies_between_nothing_and_what_was_seen(
    n: float, mean: float, moves: Moves
) -> None:
    found = displaced(n, mean, NOISE_VAR, moves)
    assert 0 <= found.trust <= 1
    assert abs(found.mean) <= abs(mean)
    assert found.var >= 0
    assert displaced(n, -mean, NOISE_VAR, moves) == found._replace(mean=-found.mean)


@given(
    st.floats(0, 1e12),
    st.floats(-1e6, 1e6),
    st.floats(1e-12, 1e6),
    st.floats(-20, 20),
    st.booleans(),
)
def test_no_evidence_however_extreme_makes_a_level_that_is_no_number(
    many: float, far: float, few: float, quick: float, of_waits: bool
) -> None:
    mean, sd = level((many, far * many), (few, quick * few), 1e-6, WAITS if of_waits else SPEEDS)
    assert isfinite(mean)
    assert 0 <= sd < inf


def test_the_last_evidence_counts_on_as_long_as_it_may_still_stand() -> None:
    """Of ten answers' worth, all 1.0 (log) further out, after so many seconds of silence."""

    def after(idle_s: float) -> float:
        kept = 2 ** (-idle_s / SHARP.half_life_s)
        return level((20.0, 0.0), (10 * kept, 10 * kept), PRIOR_NOISE_VAR, WAITS)[0]

    fresh = level((20.0, 0.0), (HEARD_N, HEARD_N), PRIOR_NOISE_VAR, WAITS)[0]
    heard_s = SHARP.half_life_s  # After which HEARD_N of ten are left.
    for more_s in (60.0, 240.0, 600.0):
        assert after(heard_s + more_s) == pytest.approx(fresh * exp(-more_s / LASTS_S), rel=1e-6)


def test_doubt_after_silence_is_that_of_all_moves() -> None:
    _, sd = level((0.0, 0.0), (0.0, 0.0), NOISE_VAR, WAITS)
    assert sd == pytest.approx(sqrt(WAITS.minutes.var + WAITS.seconds.var))
