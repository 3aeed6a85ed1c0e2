"""Sums that forget by half in a half-life, whoever adds and whenever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.decay import Group
from tests.core.market import NOON

GROUP = Group("g", 60.0, 1)


def weighed(at: float, now: float) -> float:
    epoch = GROUP.epoch(at)
    sums = [GROUP.weight(at, epoch)]
    current = sums if epoch == GROUP.epoch(now) else None
    previous = sums if epoch == GROUP.epoch(now) - 1 else None
    return GROUP.read(current, previous, now)[0]


@given(st.floats(0, 1e6), st.floats(0, 900))
def test_an_observation_weighs_half_after_each_half_life(start: float, age: float) -> None:
    """Over the edge of an epoch too."""
    at = NOON + start
    assert weighed(at, at + age) == pytest.approx(2 ** (-age / 60), rel=1e-6)


def test_an_epoch_lasts_sixteen_half_lives_and_its_sums_live_two() -> None:
    assert GROUP.epoch_s == 16 * 60
    assert GROUP.ttl_s >= 2 * GROUP.epoch_s


def test_nothing_stored_reads_as_nothing() -> None:
    assert GROUP.read(None, None, NOON) == [0.0]


def test_weights_stay_within_what_doubles_hold() -> None:
    for epoch in (0, 10, GROUP.epoch(NOON)):
        start = epoch * GROUP.epoch_s
        assert GROUP.weight(start, epoch) == pytest.approx(1)
        assert GROUP.weight(start + GROUP.epoch_s, epoch) == pytest.approx(2**16)
