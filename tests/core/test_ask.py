"""What a request asks for, and the class it is steered in."""

from __future__ import annotations

import pytest

from router.core.ask import Bound, BoundKind, Sla
from router.core.catalogue import ModelName
from tests.core.market import R1, e2e, ttft


def key(*bounds: Bound, percentile: float = 0.95, policy: str = "default") -> str:
    return Sla(bounds, percentile=percentile, policy=policy).class_key(R1)


def test_a_hasty_caller_never_shares_a_class_with_a_patient_one() -> None:
    assert key(ttft(300)) != key(ttft(10_000))
    assert key(ttft(1000)) == key(ttft(1050))


def test_a_class_is_policy_model_percentile_and_bounds() -> None:
    keys = {
        key(ttft(1000)),
        key(ttft(1000), policy="batch"),
        key(ttft(1000), percentile=0.99),
        key(e2e(1000)),
        key(),
        Sla((ttft(1000),)).class_key(ModelName("other")),
    }
    assert len(keys) == 6


def test_the_order_of_bounds_is_irrelevant() -> None:
    assert key(ttft(1000), e2e(9000)) == key(e2e(9000), ttft(1000))


@pytest.mark.parametrize("limit", [0.0, 1e-9, 1e18])
@pytest.mark.parametrize("kind", BoundKind)
def test_any_limit_has_a_class(kind: BoundKind, limit: float) -> None:
    assert key(Bound(kind, limit))


def test_of_two_bounds_of_a_kind_the_tightest_percentile_comes_first() -> None:
    sla = Sla((ttft(500, 0.5), ttft(2000, 0.99)))
    assert sla.bound(BoundKind.TTFT) == ttft(2000, 0.99)
    assert sla.bound(BoundKind.E2E) is None
