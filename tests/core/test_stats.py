"""What is learned of an endpoint from one attempt after another."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import stats
from router.core.decay import Group, Increment
from router.core.faults import FAULTS, Kind
from router.core.level import FAST
from router.core.measure import Attempt
from router.core.stats import Stats, is_outlier, learned
from tests.core.market import NOON, Sums, an_attempt, an_endpoint, empty

ENDPOINT = an_endpoint("r1@e", ttft_ms=800, ttft_ms_per_1k=50, tps=50)
BY_NAME = {group.name: group for group in stats.GROUPS}


class Learner:
    """Sums that forget, as the board keeps them, with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.sums = empty()
        self._outlier = False

    @property
    def belief(self) -> Stats:
        return stats.believed(ENDPOINT.prior, self.sums)

    def sees(self, attempt: Attempt, prompt_k: float = 0.5) -> None:
        belief = self.belief
        outlier = is_outlier(attempt, belief, prompt_k)
        moving = outlier and self._outlier
        self.adds(learned(attempt, belief, prompt_k, in_a_row=moving))
        if attempt.first is not None:
            self._outlier = outlier

    def adds(self, found: Iterable[Increment]) -> None:
        for group, amounts in found:
            for index, amount in amounts:
                self.sums[group.name][index] += amount

    def passes(self, seconds: float) -> None:
        for name, sums in self.sums.items():
            fade = 2 ** (-seconds / BY_NAME[name].half_life_s)
            self.sums[name] = [s * fade for s in sums]

    def settles(self, count: int = 200, median_s: float = 0.8, sd: float = 0.2) -> None:
        rng = Random(5)
        for _ in range(count):
            self.sees(an_attempt(ttft_s=median_s * exp(rng.gauss(0, sd))))
            self.passes(0.5)

    def expects_s(self, prompt_k: float = 0.5) -> float:
        belief = self.belief
        return exp(belief.log_line(prompt_k) + belief.level)


def amounts(attempt: Attempt, belief: Stats | None = None) -> dict[tuple[str, int], float]:
    found = learned(attempt, belief or Learner().belief, 0.5)
    return {(group.name, index): amount for group, told in found for index, amount in told}


# Forgetting and merging


def read(group: Group, parts: Iterable[dict[int, list[float]]], at: float) -> list[float]:
    """Merge cells of several processes as Redis would, and read them."""
    merged: dict[int, list[float]] = {}
    for part in parts:
        for epoch, sums in part.items():
            into = merged.setdefault(epoch, [0.0] * group.size)
            for index, amount in enumerate(sums):
                into[index] += amount
    epoch = group.epoch(at)
    return group.read(merged.get(epoch), merged.get(epoch - 1), at)


@given(
    st.lists(st.tuples(st.floats(0, 20_000), st.floats(0.01, 100), st.integers(0, 3)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_deltas_in_any_order_and_grouping_give_the_same_sums(
    observed: list[tuple[float, float, int]], rng: Random
) -> None:
    group = FAST
    end = NOON + 20_000

    def cells(observations: Iterable[tuple[float, float, int]]) -> dict[int, list[float]]:
        found: dict[int, list[float]] = {}
        for ago, amount, _ in observations:
            at = end - ago
            epoch = group.epoch(at)
            sums = found.setdefault(epoch, [0.0] * group.size)
            sums[0] += amount * group.weight(at, epoch)
        return found

    alone = read(group, [cells(observed)], end)
    shuffled = rng.sample(observed, len(observed))
    replicas = [cells(o for o in shuffled if o[2] == i) for i in range(4)]
    assert read(group, replicas, end) == pytest.approx(alone, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("group", stats.GROUPS, ids=lambda g: g.name)
def test_a_reader_of_two_epochs_loses_less_than_a_ten_thousandth(group: Group) -> None:
    """An observation every hundredth of a half-life, for ever, read at any point of an epoch."""
    step = group.half_life_s / 100
    for part in (0.0, 0.01, 0.5, 0.99):
        now = (group.epoch(NOON) + part) * group.epoch_s
        kept, true = 0.0, 0.0
        for back in range(4000):
            at = now - back * step
            weight = 2 ** (-(now - at) / group.half_life_s)
            true += weight
            if group.epoch(at) >= group.epoch(now) - 1:
                kept += weight
        assert 1 - kept / true < 1e-4


# Waits


@pytest.mark.parametrize("answer", [1, 60, 5000])
def test_the_lower_wait_wins_whatever_the_answers_length(answer: int) -> None:
    quick, slow = Learner(), Learner()
    for _ in range(50):
        quick.sees(an_attempt(ttft_s=0.5, output=answer))
        slow.sees(an_attempt(ttft_s=0.7, output=5001 - answer))
    assert quick.expects_s() < slow.expects_s()


def test_what_is_observed_replaces_the_prior() -> None:
    learner = Learner()
    learner.settles(median_s=3.0)
    assert learner.expects_s() == pytest.approx(3.0, rel=0.1)
    assert learner.belief.noise_sd == pytest.approx(0.2, abs=0.06)
    assert learner.belief.ttft_samples == pytest.approx(200, abs=5)


def test_the_wait_is_learned_against_the_prompt() -> None:
    learner, rng = Learner(), Random(2)
    for _ in range(400):
        prompt_k = rng.choice([0.5, 5.0, 50.0])
        seen = (0.4 + 0.2 * prompt_k) * exp(rng.gauss(0, 0.1))
        learner.sees(an_attempt(ttft_s=seen), prompt_k)
        learner.passes(1.0)
    for prompt_k, wait in ((1.0, 0.6), (20.0, 4.4), (50.0, 10.4)):
        assert learner.expects_s(prompt_k) == pytest.approx(wait, rel=0.15)


def test_a_wait_cut_short_counts_as_at_least() -> None:
    learner = Learner()
    learner.settles()
    before = learner.expects_s()
    for _ in range(20):
        learner.sees(an_attempt(ttft_s=None, elapsed_s=10.0, fault=Kind.FIRST_TOKEN_TIMEOUT))
        learner.passes(1.0)
    assert learner.expects_s() > 1.5 * before


@pytest.mark.parametrize(
    "kind", [Kind.CANCELLED, Kind.OUTRUN, Kind.FIRST_TOKEN_TIMEOUT, Kind.TOTAL_TIMEOUT]
)
def test_a_wait_cut_shorter_than_expected_says_nothing(kind: Kind) -> None:
    found = amounts(an_attempt(ttft_s=None, elapsed_s=0.2, fault=kind))
    assert not [key for key in found if key[0] in ("fast", "sharp", "line")]


EXPECTED = stats.Expected(visible_tokens=600, spread=0.45)
"""Answers that take the endpoint a wait of 0.8 s and twelve to decode."""


def cut_off(elapsed_s: float, expected: stats.Expected | None = EXPECTED) -> Learner:
    """A settled endpoint of which ten whole answers were cut off after ``elapsed_s``."""
    learner = Learner()
    learner.settles()
    cut = an_attempt(ttft_s=None, elapsed_s=elapsed_s, fault=Kind.OUTRUN, streamed=False)
    for _ in range(10):
        learner.adds(learned(cut, learner.belief, 0.5, expected=expected))
    return learner


def test_the_silence_of_a_whole_answer_that_was_cut_off_is_not_its_wait() -> None:
    settled, cut = Learner(), cut_off(8.0)
    settled.settles()
    assert cut.expects_s() == pytest.approx(settled.expects_s())
    assert cut.belief.speed == pytest.approx(settled.belief.speed)


def test_a_whole_answer_cut_off_late_may_have_been_long_and_slows_its_endpoint_a_little() -> None:
    settled, cut = Learner(), cut_off(25.0)
    settled.settles()
    slower = exp(settled.belief.speed - cut.belief.speed)
    assert 1 < slower < 1.5
    assert 1 < cut.expects_s() / settled.expects_s() < 1.5


def test_the_surer_the_length_the_more_a_late_whole_answer_tells() -> None:
    vague, sure = cut_off(25.0), cut_off(25.0, EXPECTED._replace(spread=0.05))
    assert sure.belief.speed < vague.belief.speed


def test_a_whole_answer_of_unknown_length_that_was_cut_off_says_nothing() -> None:
    settled = Learner()
    settled.settles()
    assert cut_off(25.0, None).belief == settled.belief


def test_who_left_during_the_answer_still_saw_its_wait_and_not_its_speed() -> None:
    found = amounts(an_attempt(ttft_s=0.9, fault=Kind.CANCELLED))
    assert ("line", 0) in found
    assert ("speed", 0) not in found
    assert ("fails", 0) not in found


def test_outliers_in_a_row_move_the_level_and_not_the_shape() -> None:
    learner = Learner()
    learner.settles()
    shape, line = list(learner.sums["shape"]), list(learner.sums["line"])
    before = learner.expects_s()
    learner.sees(an_attempt(ttft_s=8.0))
    first = sum(learner.sums["shape"]) - sum(shape)
    assert first == pytest.approx(1.0)
    for _ in range(40):
        learner.sees(an_attempt(ttft_s=8.0))
        learner.passes(0.5)
    assert learner.expects_s() > 2.5 * before
    assert sum(learner.sums["shape"]) - sum(shape) <= 2.0
    assert learner.sums["line"][0] - line[0] <= 2.0


def test_one_outlier_alone_moves_little() -> None:
    learner = Learner()
    learner.settles()
    before = learner.expects_s()
    learner.sees(an_attempt(ttft_s=80.0))
    assert learner.expects_s() < 1.35 * before


def test_a_level_nobody_looked_at_returns_to_what_hours_have_shown() -> None:
    learner = Learner()
    learner.settles()
    usual = learner.expects_s()
    for _ in range(20):
        learner.sees(an_attempt(ttft_s=8.0))
    slow = learner.expects_s()
    learner.passes(3600)
    assert abs(log(learner.expects_s() / usual)) < 0.35 * log(slow / usual)


def left_after(slow_s: float) -> Learner:
    """One that was busy and turned ten times slower for so long, whereupon everybody left."""
    learner = Learner()
    learner.settles()
    for _ in range(round(2 * slow_s)):
        learner.sees(an_attempt(ttft_s=8.0))
        learner.passes(0.5)
    return learner


def test_a_slow_down_that_everybody_left_is_believed_to_go_on_for_minutes() -> None:
    usual, learner = left_after(0).belief.level, left_after(30)
    slow = learner.belief.level - usual
    shares = []
    for _ in range(4):
        learner.passes(60)
        shares.append((learner.belief.level - usual) / slow)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.7
    assert 0.35 < shares[-1] < 0.7


def test_whoever_was_left_slow_may_have_recovered_and_is_in_more_doubt() -> None:
    usual, slow = left_after(0), left_after(30)
    for learner in (usual, slow):
        learner.passes(240)
    assert slow.belief.level_sd > 1.5 * usual.belief.level_sd


# Whole answers


def test_whole_answers_move_the_level() -> None:
    learner = Learner()
    for _ in range(60):
        learner.sees(an_attempt(ttft_s=4.0, output=100, tps=12.5, streamed=False))
    belief = learner.belief
    assert learner.expects_s() > 1.6
    assert exp(belief.speed) < 40


def test_whole_answers_say_nothing_of_the_shape() -> None:
    found = amounts(an_attempt(streamed=False))
    assert not [key for key in found if key[0] == "shape"]
    assert 0 < found["line", 0] < 1
    assert found["line", 0] + found["speed", 0] == pytest.approx(1.0)


# Speed


def test_speed_ignores_the_wait_for_the_first_token() -> None:
    attempts = [an_attempt(ttft_s=t, tps=40, output=200) for t in (0.1, 1.0, 100.0)]
    assert [a.tps for a in attempts] == pytest.approx([40, 40, 40])
    assert len({amounts(a)["speed", 1] for a in attempts}) == 1


@pytest.mark.parametrize("output", [1, 7])
def test_speed_is_undefined_under_eight_tokens(output: int) -> None:
    attempt = an_attempt(output=output)
    assert attempt.tps is None
    assert ("speed", 0) not in amounts(attempt)
    assert an_attempt(output=8).tps is not None


def test_speed_is_undefined_where_all_came_at_once() -> None:
    assert an_attempt(tps=float("inf")).tps is None


def test_a_speed_that_drifts_over_hours_is_no_noise_of_one_answer() -> None:
    """Answers differ by 10 %; the endpoint is twice as fast at noon as at the start."""
    learner, rng = Learner(), Random(3)
    for i in range(600):
        drifted = 35 * 2 ** (i / 600)
        learner.sees(an_attempt(tps=drifted * exp(rng.gauss(0, 0.1))))
        learner.passes(20)
    assert learner.belief.speed_sd == pytest.approx(0.1, abs=0.03)
    assert exp(learner.belief.speed) == pytest.approx(70, rel=0.1)


def test_a_speed_that_changed_is_seen_in_a_minute_and_believed_in_five() -> None:
    learner = Learner()
    learner.settles()
    seen = []
    for _ in range(5):
        for _ in range(60):
            learner.sees(an_attempt(tps=15))
            learner.passes(1.0)
        seen.append(exp(learner.belief.speed))
    assert seen[0] < 26
    assert seen[-1] == pytest.approx(15, rel=0.15)


# Failures


@pytest.mark.parametrize("kind", Kind)
def test_only_what_the_table_blames_counts_as_a_failure(kind: Kind) -> None:
    found = amounts(an_attempt(ttft_s=None, elapsed_s=0.1, fault=kind))
    assert (found.get(("fails", 1)) == 1.0) is FAULTS[kind].blames
    assert (("fails", 0) in found) is FAULTS[kind].blames


def test_failures_are_believed_at_once_and_forgotten_in_minutes() -> None:
    learner = Learner()
    learner.settles()
    usual = learner.belief.p_fail
    for _ in range(5):
        learner.sees(an_attempt(ttft_s=None, elapsed_s=0.1, fault=Kind.SERVER_ERROR))
    assert learner.belief.p_fail > usual + 0.03
    learner.passes(600)
    assert learner.belief.p_fail < 0.05


# Shapes


def test_a_shape_is_a_distribution() -> None:
    learner = Learner()
    for shape in (learner.belief.shape, learner.belief.wide):
        assert shape[0] == pytest.approx(0, abs=0.01)
        assert shape[-1] == pytest.approx(1, abs=0.01)
        assert list(shape) == sorted(shape)


def test_heavy_tails_are_kept_as_they_are() -> None:
    learner, rng = Learner(), Random(9)
    for _ in range(800):
        late = rng.random() < 0.1
        learner.sees(an_attempt(ttft_s=(0.8 if not late else 3.2) * exp(rng.gauss(0, 0.1))))
        learner.passes(2.0)
    belief = learner.belief
    at = int((log(3.0 / learner.expects_s()) - stats.SHAPE_LOW) / stats.SHAPE_STEP)
    assert belief.shape[at] == pytest.approx(0.91, abs=0.06)


def test_sums_of_nothing_are_the_prior() -> None:
    sums: Sums = empty()
    belief = stats.believed(ENDPOINT.prior, sums)
    assert exp(belief.log_line(1.0)) == pytest.approx(0.85)
    assert exp(belief.speed) == pytest.approx(50)
    assert (belief.level, belief.ttft_samples, belief.speed_samples) == (0, 0, 0)
    assert belief.level_sd > 0.5
