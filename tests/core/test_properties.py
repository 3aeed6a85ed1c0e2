"""What holds of every decision, whatever the market: properties, not examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.ask import Ask, Bound, BoundKind
from router.core.catalogue import Endpoint
from router.core.decide import LIKELY, decide
from router.core.decision import Decision, Option
from router.core.forecast import question
from router.core.numbers import deviates
from router.core.stakes import Stakes
from tests.core.market import (
    NOON,
    a_belief,
    a_candidate,
    an_ask,
    an_endpoint,
    known,
    ttft,
)

endpoints = st.builds(
    lambda i, o, t, s, n: an_endpoint(
        f"r1@{i}-{o}-{t}-{s}", i, o, ttft_ms=t, tps=s, answer_tokens=n, family=f"{n}"
    ),
    st.floats(0.01, 20),
    st.floats(0.01, 80),
    st.floats(20, 60_000),
    st.floats(5, 500),
    st.floats(50, 5000),
)
fleets = st.lists(endpoints, min_size=1, max_size=6, unique_by=lambda e: e.id)
stakes_of = st.builds(Stakes, st.floats(0.1, 300), st.floats(0, 0.05))
LIMITS = {
    BoundKind.TTFT: st.floats(50, 90_000),
    BoundKind.TTFAT: st.floats(50, 90_000),
    BoundKind.E2E: st.floats(200, 300_000),
    BoundKind.TPS: st.floats(2, 500),
    BoundKind.CONTEXT: st.floats(100, 200_000),
    BoundKind.ANSWER_TOKENS: st.floats(20, 10_000),
    BoundKind.COST: st.floats(1e-5, 0.5),
}
a_bound = st.sampled_from(BoundKind).flatmap(
    lambda kind: st.builds(Bound, st.just(kind), LIMITS[kind])
)
some_bounds = st.lists(a_bound, min_size=1, max_size=3)


def choose(ask: Ask, fleet: Sequence[Endpoint], stakes: Stakes) -> Decision:
    return decide(ask, [a_candidate(e) for e in fleet], stakes, wall=NOON)


def eased(bound: Bound, factor: float) -> Bound:
    return replace(bound, limit=bound.limit * factor ** (-1 if bound.kind.is_floor else 1))


def a_better(worse: Endpoint, name: str, *, cheaper: float = 0.9, faster: float = 1.25) -> Endpoint:
    """The same model for less, and sooner."""
    price, prior = worse.price, worse.prior
    assert price is not None
    return an_endpoint(
        name,
        price.input * cheaper,
        price.output * cheaper,
        ttft_ms=prior.ttft_ms / faster,
        ttft_ms_per_1k=prior.ttft_ms_per_1k / faster,
        tps=prior.tps * faster,
        answer_tokens=prior.answer_tokens,
        family=worse.family,
    )


# Order


@given(fleets, st.lists(a_bound, max_size=3), stakes_of, st.randoms(use_true_random=False))
def test_the_order_of_the_fleet_is_irrelevant(
    fleet: list[Endpoint], bounds: list[Bound], stakes: Stakes, rng: Random
) -> None:
    """But for ties, which keep it."""
    ask = an_ask(*bounds)
    shuffled = rng.sample(fleet, len(fleet))
    one, other = (choose(ask, f, stakes) for f in (fleet, shuffled))
    assert {r.endpoint for r in one.out} == {r.endpoint for r in other.out}
    assert (one.status, len(one.plan)) == (other.status, len(other.plan))
    if one.plan:
        assert one.plan[0].score_usd == pytest.approx(other.plan[0].score_usd)
    if not _tied(one.plan):
        assert one.chosen is other.chosen


def _tied(plan: Sequence[Option]) -> bool:
    scores = sorted(o.score_usd for o in plan)
    return any(b - a <= 1e-12 * b for a, b in pairwise(scores))


# Looser bounds


@given(endpoints, some_bounds, st.floats(1.0, 20), stakes_of, st.data())
def test_a_looser_bound_is_never_kept_less(
    endpoint: Endpoint, bounds: list[Bound], factor: float, stakes: Stakes, data: st.DataObject
) -> None:
    """What holds for one endpoint: P(keep) rises with the limit, and the score falls."""
    tight, loose = _loosened([endpoint], bounds, factor, stakes, data)
    if tight.plan:
        assert loose.plan[0].p_keep >= tight.plan[0].p_keep - 1e-12
        assert loose.plan[0].score_usd <= tight.plan[0].score_usd * (1 + 1e-12)


@settings(max_examples=200)
@given(fleets, some_bounds, st.floats(1.0, 20), stakes_of, st.data())
def test_a_looser_bound_never_costs_more_in_expectation(
    fleet: list[Endpoint],
    bounds: list[Bound],
    factor: float,
    stakes: Stakes,
    data: st.DataObject,
) -> None:
    """Misses priced in: what is paid for and what is missed together only fall.

    The *cost* alone may rise, where more is saved in misses. And what was hopeless everywhere, so
    that it went to the closest, may come into the reach of a dearer one: that score is no
    successor of the other. Where only lengths count, who likely misses may serve all the same.
    """
    tight, loose = _loosened(fleet, bounds, factor, stakes, data)
    assert bool(loose.plan) >= bool(tight.plan)
    if not tight.plan:
        return
    before, after = tight.plan[0], loose.plan[0]
    if question(bounds, None).timed:
        assert (after.p_keep >= LIKELY) >= (before.p_keep >= LIKELY)
    if (after.p_keep >= LIKELY) == (before.p_keep >= LIKELY):
        assert after.score_usd <= before.score_usd * (1 + 1e-12)


def _loosened(
    fleet: Sequence[Endpoint],
    bounds: list[Bound],
    factor: float,
    stakes: Stakes,
    data: st.DataObject,
) -> tuple[Decision, Decision]:
    """Decide as declared, and with any one of the bounds eased."""
    at = data.draw(st.integers(0, len(bounds) - 1))
    looser = [eased(b, factor) if i == at else b for i, b in enumerate(bounds)]
    return choose(an_ask(*bounds), fleet, stakes), choose(an_ask(*looser), fleet, stakes)


# The price of a miss


@given(fleets, some_bounds, stakes_of)
def test_the_price_of_a_miss_may_fall_by_its_leeway_and_no_further_before_another_serves(
    fleet: list[Endpoint], bounds: list[Bound], stakes: Stakes
) -> None:
    ask = an_ask(*bounds)
    decision = choose(ask, fleet, stakes)
    leeway = decision.leeway
    assert leeway >= 0
    if leeway == 0 or _tied(decision.plan):
        return
    within = stakes._replace(lam=stakes.lam * exp(-0.99 * min(leeway, 50)))
    assert choose(ask, fleet, within).chosen is decision.chosen
    if leeway < 50:
        beyond = stakes._replace(lam=stakes.lam * exp(-1.01 * leeway - 1e-9))
        assert choose(ask, fleet, beyond).chosen is not decision.chosen


# Who is better in everything


@given(fleets, some_bounds, stakes_of, st.data())
def test_a_strictly_better_and_cheaper_endpoint_is_never_passed_over(
    fleet: list[Endpoint], bounds: list[Bound], stakes: Stakes, data: st.DataObject
) -> None:
    """Without chance, and at the same knowledge of both."""
    worse = data.draw(st.sampled_from(fleet))
    better = a_better(worse, "r1@better")
    for ask in (an_ask(*bounds), an_ask()):
        assert choose(ask, [*fleet, better], stakes).chosen is not worse


@given(
    endpoints,
    st.lists(st.tuples(st.floats(1.01, 5), st.floats(1.01, 5)), max_size=4),
    some_bounds,
    st.floats(1.0, 20),
    stakes_of,
    st.data(),
)
def test_a_looser_bound_never_changes_who_is_better_in_everything_nor_the_cost(  # noqa: PLR0917
    best: Endpoint,
    dominated: list[tuple[float, float]],
    bounds: list[Bound],
    factor: float,
    stakes: Stakes,
    data: st.DataObject,
) -> None:
    fleet = [
        a_better(best, f"r1@{i}", cheaper=dearer, faster=1 / slower)
        for i, (dearer, slower) in enumerate(dominated)
    ]
    for decision in _loosened([*fleet, best], bounds, factor, stakes, data):
        assert decision.chosen in (best, None)


@pytest.mark.parametrize("limit_ms", [500, 1000, 4000])
@pytest.mark.parametrize("rivals", [1, 4])
@pytest.mark.parametrize("sure", [True, False])
def test_exploring_passes_over_a_better_and_cheaper_one_only_in_a_share(
    limit_ms: float, rivals: int, *, sure: bool
) -> None:
    """Hardly ever where all are known; where all are new, it gets more than an equal's share."""
    worse = [an_endpoint(f"r1@{i}", 1, 4, ttft_ms=800) for i in range(rivals)]
    better = a_better(worse[0], "r1@better", cheaper=0.8, faster=1.5)
    fleet = [a_candidate(e, known(e) if sure else a_belief(e)) for e in (*worse, better)]
    chance = deviates(Random(3).getrandbits)
    by = [
        decide(an_ask(ttft(limit_ms)), fleet, Stakes(30, 0.003), wall=NOON, chance=chance).chosen
        for _ in range(1000)
    ]
    passed_over = sum(e is not better for e in by) / len(by)
    assert passed_over <= (0.01 if sure else rivals / (rivals + 1) - 0.05)
