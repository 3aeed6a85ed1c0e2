"""Forecasts against Monte Carlo: whatever is told is what drawing from the beliefs would show."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from math import exp, inf, log
from random import Random

import pytest

from router.core import lengths as lengths_of
from router.core.ask import Bound, BoundKind
from router.core.catalogue import Endpoint, EndpointId, Price
from router.core.decision import Forecast
from router.core.effects import LOW, MODEL_SD, Outlook
from router.core.forecast import answers, forecast, p_keep, predictive, question
from router.core.lengths import Lengths
from router.core.stats import SHAPE_LOW, SHAPE_STEP, Stats
from tests.core.market import (
    a_belief,
    an_ask,
    an_endpoint,
    cost,
    e2e,
    empty,
    known,
    some_lengths,
    ttft,
)

PROMPT_K = 0.5
DRAWS = 20_000
ALONE, TAIL, JOINT = 0.05, 0.025, 0.05
"""Tolerances in probability: one bound; one bound where percentiles are declared (from p90);
several that share a wait, a length or a speed. Nine points stand for all lengths, four of them
for the lower 80 %: where decoding outweighs the wait, the middle of the end is a staircase."""

FAST = an_endpoint("r1@fast", 2, 4, ttft_ms=450, tps=70)
SLOW = an_endpoint("r1@slow", 0.5, 2, ttft_ms=15_000, tps=30)


def thinking(
    reasoning: float = 0.6, visible: float = 1.0, tokens: float = 600.0, sd: float = 0.45
) -> Lengths:
    sums = [0.0] * lengths_of.LENGTHS.size
    rng = Random(3)
    for _ in range(2000):
        n = max(1, round(tokens * exp(rng.gauss(0, sd))))
        cell = int((log(n) - LOW) / lengths_of.STEP)
        sums[min(max(cell, 0), lengths_of.CELLS - 1)] += 1
        sums[lengths_of.CELLS] += 1
        sums[lengths_of.CELLS + 1] += n
        sums[lengths_of.CELLS + 2] += n * reasoning
        sums[lengths_of.CELLS + 3] += n * visible
        sums[lengths_of.CELLS + 4] += log(n)
        sums[lengths_of.CELLS + 5] += log(n) ** 2
    return lengths_of.believed(
        Outlook(log(tokens), MODEL_SD), sums, [0.0] * lengths_of.LENGTHS.size
    )


class Draw:
    """One imagined answer, drawn from what is believed."""

    def __init__(self, rng: Random, stats: Stats, lengths: Lengths, price: Price) -> None:
        belief = predictive(stats)
        at = bisect_left(belief.cdf, rng.random())
        residual = SHAPE_LOW + SHAPE_STEP * (at - rng.random())
        wait = exp(stats.log_line(PROMPT_K) + belief.level + residual)
        at = bisect_left(lengths.cdf, rng.random())
        tokens = exp(LOW + lengths_of.STEP * (at - rng.random()))
        speed = exp(rng.gauss(belief.speed, belief.speed_sd))
        self.facts = {
            BoundKind.TTFT: 1000 * wait,
            BoundKind.TTFAT: 1000 * (wait + tokens * lengths.reasoning / speed),
            BoundKind.E2E: 1000 * (wait + tokens * lengths.visible / speed),
            BoundKind.TPS: speed,
            BoundKind.ANSWER_TOKENS: tokens,
            BoundKind.COST: (500 * price.input + tokens * price.output) / 1e6,
        }


@cache
def scene(name: str, *, sure: bool, sd: float = 0.2) -> tuple[Stats, Lengths, list[Draw]]:
    """What is believed of an endpoint, much or little, and what drawing from it shows."""
    endpoint = {FAST.id: FAST, SLOW.id: SLOW}[EndpointId(name)]
    stats = known(endpoint, sd=sd) if sure else a_belief(endpoint)
    lengths, rng = thinking(), Random(11)
    assert endpoint.price is not None
    return stats, lengths, [Draw(rng, stats, lengths, endpoint.price) for _ in range(DRAWS)]


def told(endpoint: Endpoint, stats: Stats, lengths: Lengths, *bounds: Bound) -> Forecast:
    assert endpoint.price is not None
    ask = an_ask(*bounds)
    q = question(bounds, None)
    return forecast(
        ask,
        q,
        endpoint,
        price=endpoint.price,
        input_tokens=500,
        stats=stats,
        lengths=lengths,
        spread=answers(lengths, stats.speed_wide_sd),
        detailed=True,
    )


def p_by_drawing(draws: list[Draw], *bounds: Bound) -> float:
    return sum(all(b.kept_by(d.facts[b.kind]) for b in bounds) for d in draws) / len(draws)


def believed_p(endpoint: Endpoint, stats: Stats, lengths: Lengths, *bounds: Bound) -> float:
    stats = stats._replace(p_fail=0.0)
    return told(endpoint, stats, lengths, *bounds).p_keep


def quantile(draws: list[Draw], kind: BoundKind, p: float) -> float:
    return sorted(d.facts[kind] for d in draws)[int(p * len(draws))]


@pytest.mark.parametrize("endpoint", [FAST, SLOW], ids=lambda e: e.id)
@pytest.mark.parametrize("sure", [True, False])
@pytest.mark.parametrize(
    "kind",
    [
        BoundKind.TTFT,
        BoundKind.TTFAT,
        BoundKind.E2E,
        BoundKind.TPS,
        BoundKind.ANSWER_TOKENS,
        BoundKind.COST,
    ],
)
def test_the_chance_of_keeping_one_bound_is_what_drawing_shows(
    endpoint: Endpoint, kind: BoundKind, *, sure: bool
) -> None:
    stats, lengths, draws = scene(endpoint.id, sure=sure)
    for p in (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99):
        bound = Bound(kind, quantile(draws, kind, p))
        assert believed_p(endpoint, stats, lengths, bound) == pytest.approx(
            p_by_drawing(draws, bound), abs=ALONE if p < 0.9 else TAIL
        )


@pytest.mark.parametrize("endpoint", [FAST, SLOW], ids=lambda e: e.id)
def test_the_chance_of_keeping_several_is_joint(endpoint: Endpoint) -> None:
    stats, lengths, draws = scene(endpoint.id, sure=True, sd=0.4)
    for p in (0.5, 0.8, 0.95):
        of = {k: Bound(k, quantile(draws, k, p)) for k in draws[0].facts}
        for kinds in (
            (BoundKind.TTFT, BoundKind.E2E),
            (BoundKind.TTFT, BoundKind.TTFAT, BoundKind.E2E),
            (BoundKind.TTFAT, BoundKind.E2E),
            (BoundKind.TTFT, BoundKind.TPS),
            (BoundKind.TTFT, BoundKind.COST),
            (BoundKind.COST, BoundKind.ANSWER_TOKENS),
        ):
            bounds = [of[k] for k in kinds]
            assert believed_p(endpoint, stats, lengths, *bounds) == pytest.approx(
                p_by_drawing(draws, *bounds), abs=JOINT
            )


@pytest.mark.parametrize(
    ("endpoint", "p", "within"),
    [(FAST, 0.5, 0.11), *((e, p, 0.025) for e in (FAST, SLOW) for p in (0.9, 0.95, 0.99))],
)
def test_what_is_predicted_at_a_percentile_is_kept_with_that_probability(
    endpoint: Endpoint, p: float, within: float
) -> None:
    """Within a step of the staircase of lengths, which is where inverting the mixture stops."""
    stats, lengths = known(endpoint)._replace(p_fail=0.0), thinking()
    kinds = (BoundKind.TTFT, BoundKind.TTFAT, BoundKind.E2E, BoundKind.TPS, BoundKind.ANSWER_TOKENS)
    for kind in kinds:
        (first,) = told(endpoint, stats, lengths, Bound(kind, 1.0, p)).expectations
        again = told(endpoint, stats, lengths, Bound(kind, first.predicted, p))
        assert again.expectations[0].p_keep == pytest.approx(p, abs=within)


@pytest.mark.parametrize("endpoint", [FAST, SLOW], ids=lambda e: e.id)
@pytest.mark.parametrize("sure", [True, False])
def test_the_predicted_end_is_what_drawing_shows(endpoint: Endpoint, *, sure: bool) -> None:
    stats, lengths, draws = scene(endpoint.id, sure=sure)
    for p, tolerance in ((0.5, 0.09), (0.9, 0.06), (0.95, 0.06)):
        predicted = told(endpoint, stats, lengths, e2e(1.0, p)).expectations[0].predicted
        assert predicted == pytest.approx(quantile(draws, BoundKind.E2E, p), rel=tolerance)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_answers_all_of_one_length_end_as_far_apart_as_their_speed(p: float) -> None:
    """Two thousand of them: what a histogram cannot tell apart is no reason to doubt more."""
    stats, lengths, rng = a_belief(SLOW), thinking(sd=0.0), Random(11)
    price = Price(0.5, 2)
    draws = [Draw(rng, stats, lengths, price) for _ in range(DRAWS)]
    bound = e2e(quantile(draws, BoundKind.E2E, p))
    assert believed_p(SLOW, stats, lengths, bound) == pytest.approx(
        p_by_drawing(draws, bound), abs=ALONE if p < 0.9 else TAIL
    )


def test_the_end_is_never_a_sum_of_quantiles() -> None:
    even = an_endpoint("r1@even", ttft_ms=9_000, tps=60)
    stats, lengths = known(even, sd=0.4), thinking()
    end = told(even, stats, lengths, e2e(1.0)).expectations[0].predicted
    wait = told(even, stats, lengths, ttft(1.0)).expectations[0].predicted
    tokens, tps = lengths.quantile(0.95), told(even, stats, lengths).tps
    assert end < 0.9 * (wait + 1000 * tokens / tps)


def test_few_samples_are_told_wider_than_many() -> None:
    at = [
        told(FAST, s, some_lengths(), ttft(1000)).ttft_ms
        for s in (a_belief(FAST), known(FAST, 4, sd=0.3), known(FAST, 400, sd=0.3))
    ]
    assert at[0] > at[1] > at[2]


def test_evidence_that_ages_is_told_wider() -> None:
    """The seconds and minutes fade, the hours stay: the same line, less sure."""
    found = []
    for fade in (1.0, 0.1, 0.01, 0.0):
        sums = empty()
        sums["line"][0] = 400
        sums["fast"] = [n * fade for n in (400, 0.0, 400, 16.0, 400, 400 * log(70))]
        sums["sharp"] = [n * fade * fade for n in (40, 0.0, 40, 40 * log(70))]
        sums["speed"] = [400, 400 * log(70), 400 * 0.01]
        found.append(a_belief(FAST, sums))
    doubts = [s.level_sd for s in found]
    assert doubts == sorted(doubts)
    assert found[-1].speed_level_sd > found[0].speed_level_sd
    waits = [told(FAST, s, some_lengths()).ttft_ms for s in found]
    assert waits[-1] > 1.2 * waits[0]


def test_a_failing_endpoint_costs_half_a_miss() -> None:
    stats = known(FAST)
    p = [
        told(FAST, stats._replace(p_fail=f), some_lengths(), ttft(5000)).p_keep for f in (0.0, 0.2)
    ]
    assert p[1] == pytest.approx(p[0] * 0.9)


def test_a_cap_on_tokens_shortens_the_end_and_the_cost() -> None:
    stats, lengths = known(FAST), some_lengths()
    q = question((), 100)
    assert FAST.price is not None
    told_capped = forecast(
        an_ask(max_tokens=100),
        q,
        FAST,
        price=FAST.price,
        input_tokens=500,
        stats=stats,
        lengths=lengths,
        spread=lengths.nodes,
    )
    free = told(FAST, stats, lengths)
    assert told_capped.output_tokens <= 100
    assert told_capped.e2e_ms < free.e2e_ms / 3
    assert told_capped.cost_usd < free.cost_usd


def test_a_cap_below_the_bound_on_tokens_keeps_it_for_sure() -> None:
    stats = known(FAST)._replace(p_fail=0.0)
    q = question([Bound(BoundKind.ANSWER_TOKENS, 200)], 200)
    assert (
        p_keep(q, 0.5, 4e-6, 1e-3, stats, some_lengths(), some_lengths().nodes, predictive(stats))
        == 1.0
    )
    q = question([Bound(BoundKind.ANSWER_TOKENS, 200)], None)
    assert (
        p_keep(q, 0.5, 4e-6, 1e-3, stats, some_lengths(), some_lengths().nodes, predictive(stats))
        < 0.05
    )


def test_time_used_up_comes_off_every_time_and_nothing_else() -> None:
    bounds = [ttft(1000), e2e(9000), Bound(BoundKind.TPS, 20), Bound(BoundKind.COST, 1)]
    fresh, late = question(bounds, None), question(bounds, None, 0.5)
    assert (late.ttft_s, late.e2e_s) == (0.5, 8.5)
    assert (late.log_tps, late.cost_usd, late.ttfat_s) == (fresh.log_tps, 1, inf)


def test_of_two_bounds_of_one_kind_the_tighter_counts() -> None:
    q = question([ttft(2000), ttft(1000, 0.5), Bound(BoundKind.TPS, 20), Bound(BoundKind.TPS, 9)],
                 None)  # fmt: skip
    assert q.ttft_s == 1
    assert exp(q.log_tps) == pytest.approx(20)


def test_the_shortest_time_that_is_left_is_what_no_wait_may_exceed() -> None:
    bounds = [e2e(9000), ttft(1500), Bound(BoundKind.TTFAT, 1200)]
    assert exp(question(bounds, None, 0.5).log_wait) == pytest.approx(0.7)
    assert question(bounds, None, 1.2).log_wait == -inf
    assert question([Bound(BoundKind.TPS, 20)], None).log_wait == inf


def test_of_several_windows_the_largest_counts_and_binds_no_chance() -> None:
    windows = [Bound(BoundKind.CONTEXT, 8000), Bound(BoundKind.CONTEXT, 32_000)]
    assert question(windows, None).context == 32_000
    assert not question(windows, None).bounded
    assert question([ttft(1000)], None).context == 0


def test_an_end_alone_forgets_the_other_times_and_nothing_else() -> None:
    speed = Bound(BoundKind.TPS, 20)
    every = question([ttft(1000), Bound(BoundKind.TTFAT, 1200), e2e(9000), speed, cost(1)], 100)
    assert every.ending(5.0) == question([e2e(5000), speed, cost(1)], 100)


def test_where_even_the_longest_answer_leaves_enough_only_the_wait_counts() -> None:
    stats, lengths = known(FAST), some_lengths()

    def chance(*bounds: Bound) -> float:
        q = question(bounds, None)
        return p_keep(q, 0.5, 4e-6, 1e-3, stats, lengths, lengths.nodes, predictive(stats))

    long_s = lengths.nodes[-1][1] / exp(stats.speed)
    wait_s = exp(stats.log_line(0.5))
    alone = chance(ttft(1000 * wait_s))
    assert chance(ttft(1000 * wait_s), e2e(1000 * (wait_s + long_s) + 1)) == alone
    assert chance(ttft(1000 * wait_s), e2e(1000 * (wait_s + long_s) - 200)) < alone
