"""Who is asked first where the application says so: order, attribute, soft preferences, models."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from router.core.ask import Ask, Bound, BoundKind, Mode, Preferences, Sort
from router.core.candidate import Candidate, Standing
from router.core.catalogue import Capability, Endpoint, ModelName, Price
from router.core.decide import decide
from router.core.decision import Decision, Explained, Reason
from router.core.explain import explain
from router.core.stakes import Stakes
from tests.core.market import (
    NOON,
    R1,
    a_belief,
    a_candidate,
    an_ask,
    an_endpoint,
    named,
    ttft,
)

USUAL = Stakes(10.0, 0.003)
SLOW = an_endpoint("r1@lambda", 0.5, 2, ttft_ms=12_000, tps=35)
FAIR = an_endpoint("r1@azure", 1.4, 5.5, ttft_ms=2_000, tps=60)
QUICK = an_endpoint("r1@parasail", 2, 4, ttft_ms=450, tps=70)
FAST = an_endpoint("r1@friendli", 3, 4, ttft_ms=900, tps=90)
FLEET = (SLOW, FAIR, QUICK, FAST)


def wishing(*bounds: Bound, mode: Mode = Mode.BEST_EFFORT, **wishes: object) -> Ask:
    return an_ask(*bounds, mode=mode)._replace(preferences=Preferences(**wishes))  # type: ignore[arg-type]


def choose(ask: Ask, *fleet: Endpoint | Candidate) -> Decision:
    candidates = [c if isinstance(c, Candidate) else a_candidate(c) for c in fleet or FLEET]
    return decide(ask, candidates, USUAL, wall=NOON)


def line(ask: Ask, *fleet: Endpoint | Candidate) -> list[str]:
    return [o.endpoint.provider for o in choose(ask, *fleet).plan]


def told(ask: Ask, *fleet: Endpoint) -> Explained:
    candidates = [a_candidate(e) for e in fleet or FLEET]
    decision = decide(ask, candidates, USUAL, wall=NOON)
    return explain(ask, candidates, decision, USUAL, wall=NOON)


# Order


def test_those_named_go_first_in_that_order_and_the_others_by_cost() -> None:
    found = line(wishing(order=("azure", "r1@friendli")))
    assert found == ["azure", "friendli", "lambda", "parasail"]


def test_without_fallbacks_only_those_named_are_asked() -> None:
    decision = choose(wishing(order=("azure", "friendli"), fallbacks=False))
    assert [o.endpoint for o in decision.plan] == [FAIR, FAST]
    assert {r.reason for r in decision.out} == {Reason.NOT_PREFERRED}


def test_who_is_named_first_and_cools_is_passed_over() -> None:
    cooling = Standing(Reason.COOLING, NOON + 10, "failing")
    fleet = (SLOW, a_candidate(FAIR, standing=cooling), QUICK)
    assert line(wishing(order=("azure", "parasail")), *fleet) == ["parasail", "lambda"]


def test_a_declared_bound_wins_over_an_order() -> None:
    assert line(wishing(ttft(1500), order=("lambda", "friendli")))[0] == "friendli"
    assert line(wishing(ttft(1), order=("lambda", "friendli")))[:2] == ["lambda", "friendli"]


def test_names_are_compared_without_case() -> None:
    capital = replace(FAIR, provider="Azure")
    assert choose(wishing(order=("azure",)), SLOW, capital).chosen is capital
    assert choose(wishing(ignore=frozenset({"azure"})), SLOW, capital).chosen is SLOW


# An attribute


def test_a_sort_lines_up_by_expected_speed_or_wait() -> None:
    assert line(wishing(sort=Sort.THROUGHPUT)) == ["friendli", "parasail", "azure", "lambda"]
    assert line(wishing(sort=Sort.LATENCY)) == ["parasail", "friendli", "azure", "lambda"]
    assert line(wishing(sort=Sort.PRICE)) == line(wishing())


def test_a_sort_rules_among_those_expected_to_keep_the_bounds() -> None:
    quick = wishing(ttft(700), sort=Sort.THROUGHPUT)
    assert line(quick)[0] == "parasail"
    assert len(line(quick)) == len(FLEET)


def test_an_order_comes_before_a_sort() -> None:
    found = line(wishing(order=("azure",), sort=Sort.THROUGHPUT))
    assert found == ["azure", "friendli", "parasail", "lambda"]


# Soft preferences


def median(limit_ms: float, percentile: float = 0.5) -> Bound:
    return Bound(BoundKind.TTFT, limit_ms, percentile)


def test_who_misses_a_preference_goes_to_the_end_and_stays_there() -> None:
    found = choose(wishing(preferred=(median(1000),)))
    assert [o.endpoint.provider for o in found.plan] == ["parasail", "friendli", "lambda", "azure"]
    assert not found.out


def test_nobody_is_refused_for_a_preference_that_nobody_meets() -> None:
    for mode in Mode:
        found = choose(wishing(preferred=(median(1),), mode=mode))
        assert [o.endpoint for o in found.plan] == [o.endpoint for o in choose(an_ask()).plan]


def test_every_percentile_named_must_hold() -> None:
    """FAST waits 900 ms in the median and, with a spread of 0.2, 1,430 ms at p99."""
    assert line(wishing(preferred=(median(1000), median(1300, 0.99))))[0] == "parasail"
    assert line(wishing(preferred=(median(1000), median(1600, 0.99))), SLOW, FAST)[0] == "friendli"
    assert line(wishing(preferred=(median(1000), median(1200, 0.99))), SLOW, FAST)[0] == "lambda"


def test_a_preferred_speed_is_one_that_a_share_exceeds() -> None:
    speed = Bound(BoundKind.TPS, 65.0, 0.5)
    assert line(wishing(preferred=(speed,)))[:2] == ["parasail", "friendli"]
    assert line(wishing(preferred=(replace(speed, percentile=0.99),)))[0] == "friendli"


def test_a_preference_moves_even_who_was_named_first() -> None:
    found = line(wishing(order=("lambda", "azure"), preferred=(median(3000),)))
    assert found == ["azure", "parasail", "friendli", "lambda"]


def test_what_is_unsure_is_tried_now_and_then() -> None:
    """Nobody has asked FAST yet: it is believed to wait a little too long, and may not."""
    unsure = a_candidate(FAST, a_belief(FAST))
    ask = wishing(preferred=(median(850),), order=("friendli",))
    rng = Random(1)
    candidates = [a_candidate(QUICK), unsure]
    heads = [
        decide(ask, candidates, USUAL, wall=NOON, chance=lambda: rng.gauss(0, 1)).chosen
        for _ in range(100)
    ]
    assert 5 < sum(head is FAST for head in heads) < 95


# Models to fall back on


V3 = ModelName("v3")
OTHER = replace(an_endpoint("v3@nebius", 0.1, 0.3, ttft_ms=500), serves=(V3,), family="v3")


def test_a_fallback_model_is_asked_when_the_first_cannot_serve() -> None:
    ask = wishing(models=(V3,))
    assert line(ask, SLOW, OTHER) == ["lambda", "nebius"]
    cooling = Standing(Reason.COOLING, NOON + 10, "failing")
    assert line(ask, a_candidate(SLOW, standing=cooling), OTHER) == ["nebius"]


def test_a_fallback_model_may_be_used_where_it_meets_what_the_first_does_not() -> None:
    assert line(wishing(models=(V3,), preferred=(median(1000),)), SLOW, OTHER)[0] == "nebius"
    assert line(wishing(ttft(1500), models=(V3,)), SLOW, OTHER)[0] == "nebius"


def test_without_partition_models_compete() -> None:
    assert line(wishing(models=(V3,), across_models=True), SLOW, OTHER)[0] == "nebius"


# Hard facts


def test_only_those_who_keep_nothing_serve_where_nothing_may_be_kept() -> None:
    keeps_none = replace(QUICK, zero_retention=True)
    decision = choose(wishing(zero_retention=True), SLOW, keeps_none)
    assert [o.endpoint for o in decision.plan] == [keeps_none]
    assert named(decision.out, SLOW.id).reason is Reason.DATA_POLICY


def test_a_fee_above_its_cap_excludes() -> None:
    charging = replace(SLOW, price=Price(0.5, 2, fee=0.01))
    assert choose(wishing(max_fee=0.005), charging, QUICK).chosen is QUICK
    assert choose(wishing(max_fee=0.01), charging).chosen is charging


def test_a_cap_on_what_nobody_knows_the_price_of_excludes_those_who_would_sell_it() -> None:
    ask = wishing(max_fee=1.0, capped_media=frozenset({Capability.IMAGES}))
    assert choose(ask).plan
    seeing = choose(ask._replace(needs=frozenset({Capability.IMAGES})))
    assert not seeing.plan
    assert {r.reason for r in seeing.out} == {Reason.PRICE_UNKNOWN}


# Told


@pytest.mark.parametrize(
    ("ask", "chosen", "behind", "reason"),
    [
        (wishing(order=("azure",)), FAIR, SLOW, Reason.ORDER),
        (wishing(sort=Sort.LATENCY), QUICK, SLOW, Reason.SORT),
        (wishing(preferred=(median(1000),)), QUICK, SLOW, Reason.DEPRIORITIZED),
        (wishing(preferred=(median(1000),)), QUICK, FAST, Reason.DEARER),
        (wishing(ttft(1500), order=("lambda",)), QUICK, SLOW, Reason.BOUND),
    ],
)
def test_a_decision_says_why_each_stands_where_it_does(
    ask: Ask, chosen: Endpoint, behind: Endpoint, reason: Reason
) -> None:
    explained = told(ask)
    assert explained.decision.chosen is chosen
    assert named(explained.rejections, behind.id).reason is reason


def test_a_missed_preference_is_told_with_its_figures() -> None:
    rejection = named(told(wishing(preferred=(median(1000),))).rejections, SLOW.id)
    (missed,) = rejection.expectations
    assert (missed.kind, missed.limit, missed.percentile) == (BoundKind.TTFT, 1000.0, 0.5)
    assert missed.predicted == pytest.approx(12_000, rel=0.1)
    assert not missed.kept
    assert "ttft_ms 1000 preferred at p50" in rejection.detail


def test_wishes_that_rank_are_known_from_those_that_exclude() -> None:
    assert not Preferences(only=frozenset({"a"}), max_fee=1.0).ranks
    assert Preferences(models=(R1,)).ranks
