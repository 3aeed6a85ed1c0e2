"""The price of a miss: raised by misses, lowered by what is kept, and never lost in a clamp."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import exp, inf, log
from random import Random

import pytest

from router.core import stakes
from router.core.stakes import (
    AIM,
    EAGER,
    FAR,
    FOLLOWS_N,
    HASTE,
    HIGHEST,
    LATER_SHARE,
    LOWEST,
    NEAR,
    PRIOR_TURNS,
    SETTLED_AFTER,
    STAKES,
    START,
    STEP,
    WASTED,
    Leeway,
    step,
)


def after(
    outcomes: Sequence[bool | None], percentile: float = 0.95, *, answers: float = 0.0
) -> list[float]:
    """The sums of a class that has had ``answers`` before, without a trace but their number."""
    sums = [0.0] * STAKES.size
    sums[1] = answers
    for missed in outcomes:
        found = stakes.learned(
            missed=missed, percentile=percentile, cost_usd=0.002, sums=sums
        )  # fmt: skip
        for index, amount in found:
            sums[index] += amount
    return sums


def test_a_class_nobody_knows_starts_in_the_middle() -> None:
    found = stakes.believed([0.0] * STAKES.size)
    assert (found.lam, found.typical_usd, found.turns) == (START, 0.0, PRIOR_TURNS)


def test_the_turns_of_a_conversation_are_learned() -> None:
    sums = [0.0] * STAKES.size
    for _ in range(50):
        for turn in range(20):
            for index, amount in stakes.turned(first=turn == 0):
                sums[index] += amount
    assert stakes.believed(sums).turns == pytest.approx(20, rel=0.05)


def test_a_miss_in_long_conversations_starts_dearer_and_can_still_come_back_from_a_clamp() -> None:
    sums = [0.0] * STAKES.size
    for turn in range(80):
        for index, amount in stakes.turned(first=turn % 8 == 0):
            sums[index] += amount
    later = LATER_SHARE * (stakes.believed(sums).turns - 1)
    assert stakes.believed(sums).lam == pytest.approx(START * (1 + later))
    for missed in [True] * 500 + [False]:
        for index, amount in stakes.learned(
            missed=missed, percentile=0.95, cost_usd=0.002, sums=sums
        ):
            sums[index] += amount
    assert HIGHEST * 0.9 < stakes.believed(sums).lam < HIGHEST


def test_the_price_rests_where_the_percentile_is_just_kept() -> None:
    """At 90 % of the misses allowed, ups and downs cancel."""
    per_miss = round(1 / (AIM * 0.05))
    sums = after(([True] + [False] * (per_miss - 1)) * 50, answers=SETTLED_AFTER)
    assert sums[0] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.95, 0.99])
def test_one_miss_weighs_as_much_as_the_kept_ones_it_is_allowed_among(percentile: float) -> None:
    up, down = after([True], percentile)[0], after([False], percentile)[0]
    allowed = AIM * (1 - percentile)
    assert up * allowed + down * (1 - allowed) == pytest.approx(0, abs=1e-12)
    assert up - down == pytest.approx(step(0))


def test_steps_shrink_from_eager_to_settled_and_no_further() -> None:
    steps = [step(n) for n in range(0, 3000, 10)]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] == pytest.approx(EAGER * STEP)
    assert step(SETTLED_AFTER) == step(10 * SETTLED_AFTER) == pytest.approx(STEP)


def test_a_price_with_leeway_moves_in_larger_steps_and_never_past_half_of_it() -> None:
    for answers in (0.0, 100.0, 10 * SETTLED_AFTER):
        usual = step(answers)
        assert step(answers, NEAR) == usual
        for leeway in (0.1, 0.5, 1.0, 2.0, 50.0):
            taken = step(answers, leeway)
            assert usual <= taken <= HASTE * usual
            assert taken == usual or taken <= leeway / 2


def test_the_leeway_of_a_class_is_that_of_its_last_decisions() -> None:
    leeway = Leeway()
    for _ in range(10):
        leeway = leeway.followed(50.0)
    assert leeway.mean == FAR
    assert leeway.followed(inf) == leeway
    for _ in range(round(FOLLOWS_N)):
        leeway = leeway.followed(0.0)
    assert leeway.mean < FAR / 2


def test_what_a_verdict_may_use_of_it_is_less_the_further_the_price_has_moved_since() -> None:
    def moved(decided_at: float | None, leeway: float = FAR) -> float:
        found = stakes.learned(
            missed=False, percentile=0.95, cost_usd=0.002, sums=[0.0] * STAKES.size,
            leeway=leeway, decided_at=decided_at,
        )  # fmt: skip
        return -dict(found)[0]

    usual = moved(START, leeway=0.0)
    assert moved(START) == moved(None) > moved(START * exp(0.2)) > usual
    assert moved(START * 3) == moved(START / 3) == pytest.approx(usual)


def test_long_conversations_take_no_large_steps() -> None:
    def moved(turns: int) -> float:
        sums = [0.0] * STAKES.size
        for turn in range(20 * turns):
            for index, amount in stakes.turned(first=turn % turns == 0):
                sums[index] += amount
        found = stakes.learned(
            missed=False, percentile=0.95, cost_usd=0.002, sums=sums, leeway=FAR
        )  # fmt: skip
        return -dict(found)[0]

    assert moved(8) == pytest.approx(step(0) * AIM * 0.05)
    assert moved(1) > 2 * moved(8)


TIERS = {
    "near": ((0.01, 1.07), (0.08, 1.0)),
    "three": ((0.005, 2.0), (0.06, 1.2), (0.3, 1.0)),
    "far": ((0.02, 3.0), (0.7, 1.0)),
}
"""(Chance of a miss, cost) of who could serve."""


@pytest.mark.parametrize("tiers", TIERS.values(), ids=TIERS)
@pytest.mark.parametrize("in_flight", [0, 100])
def test_large_steps_do_not_move_what_is_attained(
    tiers: Sequence[tuple[float, float]], in_flight: int
) -> None:
    """95.5 % at p95, also where a hundred verdicts are under way when the price moves."""
    kept = sum(_kept(tiers, in_flight, seed) for seed in range(3)) / 3
    assert kept == pytest.approx(1 - AIM * 0.05, abs=0.006)


def _kept(tiers: Sequence[tuple[float, float]], in_flight: int, seed: int) -> float:
    """Decide, and learn later: the share kept once the price has settled."""
    chance, sums, leeway = Random(seed), [0.0] * STAKES.size, Leeway()
    under_way: deque[tuple[bool, float, float]] = deque()
    kept = []
    for _ in range(12_000):
        lam, scale = stakes.believed(sums).lam, chance.uniform(0.8, 1.25)
        miss, cost = min(tiers, key=lambda tier: tier[1] * scale + lam * tier[0])
        others = [(cost - c) * scale / (m - miss) for m, c in tiers if m > miss]
        found = log(lam / max(others)) if others else inf
        under_way.append((chance.random() < miss, lam, found))
        if len(under_way) > in_flight:
            missed, decided_at, one = under_way.popleft()
            leeway = leeway.followed(one)
            kept.append(not missed)
            for index, amount in stakes.learned(
                missed=missed, percentile=0.95, cost_usd=0.002, sums=sums,
                leeway=leeway.mean, decided_at=decided_at,
            ):  # fmt: skip
                sums[index] += amount
    settled = kept[3000:]
    return sum(settled) / len(settled)


def test_a_miss_that_wastes_an_answer_never_costs_less_than_one() -> None:
    def lowest(floor: float) -> float:
        sums = [0.0] * STAKES.size
        for _ in range(20_000):
            for index, amount in stakes.learned(
                missed=False, percentile=0.95, cost_usd=0.002, sums=sums, lowest=floor
            ):
                sums[index] += amount
        return stakes.believed(sums).lam

    assert lowest(WASTED) == pytest.approx(WASTED)
    assert lowest(LOWEST) == pytest.approx(LOWEST)


def test_the_price_stays_between_its_clamps_and_comes_back_at_once() -> None:
    for always, edge in ((True, HIGHEST), (False, LOWEST)):
        sums = after([always] * 5000)
        assert stakes.believed(sums).lam == pytest.approx(edge, rel=0.05)
        back = after([always] * 5000 + [not always] * 200)
        assert abs(log(stakes.believed(back).lam / edge)) > 0.04


def test_what_teaches_nothing_still_counts_for_the_typical_cost() -> None:
    sums = after([None] * 10)
    assert sums[0] == 0
    assert stakes.believed(sums).typical_usd == pytest.approx(0.002)


def test_increments_of_replicas_add_up() -> None:
    rng = Random(1)
    outcomes = [rng.random() < 0.1 for _ in range(200)]
    one = after(outcomes, answers=2 * SETTLED_AFTER)
    halves = [after(part, answers=SETTLED_AFTER) for part in (outcomes[:80], outcomes[80:])]
    two = [a + b for a, b in zip(*halves, strict=True)]
    assert two == pytest.approx(one)
    assert exp(one[0]) * START == pytest.approx(stakes.believed(one).lam)


def test_sums_beyond_all_reason_are_read_as_the_clamp() -> None:
    assert stakes.believed([1e9, 0, 0, 0, 0]).lam == HIGHEST
    assert stakes.believed([-1e9, 0, 0, 0, 0]).lam == LOWEST
