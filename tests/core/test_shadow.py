"""The shadow price of a bound: what would be saved if it were relaxed by a step."""

from __future__ import annotations

import pytest

from router.core.ask import Ask, Bound, BoundKind
from router.core.catalogue import Endpoint
from router.core.decide import decide
from router.core.decision import Shadow
from router.core.explain import RELAXED, explain
from router.core.stakes import Stakes
from tests.core.market import NOON, a_candidate, an_ask, an_endpoint, ttft

CHEAP = an_endpoint("r1@cheap", 0.5, 2, ttft_ms=1000, tps=30)
FAST = an_endpoint("r1@fast", 2, 8, ttft_ms=300, tps=90)


def shadows(ask: Ask, *fleet: Endpoint) -> tuple[Shadow, ...]:
    candidates, stakes = [a_candidate(e) for e in fleet], Stakes(10, 0.002)
    decision = decide(ask, candidates, stakes, wall=NOON)
    return explain(ask, candidates, decision, stakes, wall=NOON).shadows


def test_a_bound_that_a_step_would_open_to_a_cheaper_endpoint_has_a_price() -> None:
    (shadow,) = shadows(an_ask(ttft(1050)), CHEAP, FAST)
    dearer = 500 * (2 - 0.5) + 680 * (8 - 2)
    assert shadow.endpoint == CHEAP.id
    assert shadow.relaxed == pytest.approx(1050 * RELAXED)
    assert shadow.saves_usd == pytest.approx(dearer / 1e6, rel=0.05)


def test_a_bound_that_binds_nobody_is_free() -> None:
    (shadow,) = shadows(an_ask(ttft(60_000)), CHEAP, FAST)
    assert (shadow.saves_usd, shadow.endpoint) == (0, CHEAP.id)


def test_a_floor_is_relaxed_downwards_and_each_bound_alone() -> None:
    speed = Bound(BoundKind.TPS, 31.0)
    wait, pace = shadows(an_ask(ttft(60_000), speed), CHEAP, FAST)
    assert (wait.saves_usd, pace.kind) == (0, BoundKind.TPS)
    assert pace.relaxed == pytest.approx(31 / RELAXED)
    assert pace.saves_usd > 0


def test_without_bounds_there_is_nothing_to_price() -> None:
    assert shadows(an_ask(), CHEAP, FAST) == ()
