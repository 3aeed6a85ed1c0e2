"""The fault table, walked row by row."""

from __future__ import annotations

import pytest

from router.core.faults import FAULTS, Fault, Kind, Whose


def test_every_kind_has_a_row_and_every_code_is_its_own() -> None:
    assert set(FAULTS) == set(Kind)
    assert len({k.value for k in Kind}) == len(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_status_says_whose_fault_it_is(kind: Kind) -> None:
    spec = FAULTS[kind]
    assert 400 <= spec.status <= 599
    match spec.whose:
        case Whose.CLIENT:
            assert spec.status < 500
        case Whose.OPERATOR | Whose.OURS:
            assert spec.status >= 500
        case Whose.UPSTREAM:
            assert spec.status >= 500 or spec.status == 429
        case Whose.NOBODY:
            assert spec.status == 499


@pytest.mark.parametrize("kind", Kind)
def test_a_client_is_told_to_try_again_only_where_that_can_help(kind: Kind) -> None:
    spec = FAULTS[kind]
    if spec.client_retry:
        assert spec.status in (429, 502, 503, 504)
    if spec.whose is Whose.CLIENT:
        assert spec.client_retry is False


@pytest.mark.parametrize("kind", Kind)
def test_only_what_went_wrong_upstream_is_held_against_an_endpoint(kind: Kind) -> None:
    spec = FAULTS[kind]
    if spec.blames:
        assert spec.whose in (Whose.UPSTREAM, Whose.OPERATOR)
    if spec.whose is Whose.OURS:
        assert not spec.retry


@pytest.mark.parametrize("kind", Kind)
def test_both_dialects_have_a_word_for_it(kind: Kind) -> None:
    spec = FAULTS[kind]
    assert spec.openai_type.endswith("error")
    assert spec.anthropic_type.endswith("error") or spec.anthropic_type == "request_too_large"


def test_a_429_and_a_client_that_leaves_blame_nobody() -> None:
    assert not FAULTS[Kind.RATE_LIMITED].blames
    assert not FAULTS[Kind.CANCELLED].blames
    assert not FAULTS[Kind.CANCELLED].retry


def test_a_fault_knows_its_row() -> None:
    fault = Fault(Kind.CONNECT, "who", param="x", retry_after_s=2)
    assert fault.spec is FAULTS[Kind.CONNECT]
    assert (str(fault), fault.param, fault.retry_after_s) == ("who", "x", 2)
