from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.ask import Bound, BoundKind, Mode, Sla
from router.core.faults import Fault, Kind
from router.core.policy import DEFAULT_POLICY, Policy
from router.surfaces import terms
from router.surfaces.sla import Reading, SlaReader, parse_sla
from tests.surfaces.house import POLICIES

Pairs = list[tuple[str, str]]


def read(headers: Pairs = [], sla: object = None, key: Policy | None = None) -> Reading:  # noqa: B006
    raw = b"" if sla is None else json.dumps(sla).encode()
    return parse_sla(headers, raw, POLICIES, key, DEFAULT_POLICY)


def limits(reading: Reading) -> dict[str, float]:
    return {b.kind.value: b.limit for b in reading.sla.bounds}


def refused(headers: Pairs = [], sla: object = None) -> Fault:  # noqa: B006
    with pytest.raises(Fault) as caught:
        read(headers, sla)
    return caught.value


def test_nothing_declared_is_the_default_policy() -> None:
    assert read() == Reading(DEFAULT_POLICY.sla, DEFAULT_POLICY, explain=False)


def test_every_header_of_the_design_declares_its_bound() -> None:
    values = {
        "X-SLA-TTFT-Ms": "800",
        "X-SLA-TTFAT-Ms": "2000",
        "X-SLA-E2E-Ms": "9000.5",
        "X-SLA-Min-TPS": "30",
        "X-SLA-Min-Context": "128000",
        "X-SLA-Max-Answer-Tokens": "700",
        "X-SLA-Max-Cost-USD": "2e-3",
        "X-SLA-Percentile": "p99.9",
        "X-SLA-Mode": "strict",
        "X-SLA-Explain": "true",
    }
    found = read(list(values.items()))
    assert limits(found) == {
        "ttft_ms": 800,
        "ttfat_ms": 2000,
        "e2e_ms": 9000.5,
        "min_tps": 30,
        "min_context": 128_000,
        "max_answer_tokens": 700,
        "max_cost_usd": 0.002,
    }
    assert {b.percentile for b in found.sla.bounds} == {0.999}
    assert (found.sla.mode, found.sla.percentile, found.explain) == (Mode.STRICT, 0.999, True)


def test_the_body_declares_the_same_by_its_own_keys() -> None:
    headers = [("x-sla-ttft-ms", "800"), ("x-sla-mode", "wait"), ("x-sla-percentile", "p90")]
    body = {"ttft_ms": 800, "mode": "wait", "percentile": 90}
    assert read(headers) == read(sla=body)


def test_a_header_beats_the_body_which_beats_the_named_policy_bound_by_bound() -> None:
    found = read(
        [("X-SLA-TTFT-Ms", "300"), ("X-SLA-Policy", "interactive")],
        {"ttft_ms": 500, "e2e_ms": 9000, "policy": "strict"},
    )
    assert limits(found) == {"ttft_ms": 300, "e2e_ms": 9000, "min_tps": 20}
    assert found.policy.name == found.sla.policy == "interactive"


def test_the_named_policy_beats_the_policy_of_the_key_which_beats_the_default() -> None:
    key = Policy("key", sla=Sla((Bound(BoundKind.E2E, 5000.0), Bound(BoundKind.TTFT, 9.0))))
    assert read(key=key).policy is key
    found = read([("X-SLA-Policy", "interactive")], key=key)
    assert limits(found) == {"ttft_ms": 1000, "min_tps": 20, "e2e_ms": 5000}
    assert found.policy.name == "interactive"


def test_a_declared_percentile_holds_for_inherited_bounds_too() -> None:
    found = read([("X-SLA-Policy", "interactive"), ("X-SLA-Percentile", "99")])
    assert {b.percentile for b in found.sla.bounds} == {0.99}
    assert {b.percentile for b in read([("X-SLA-Policy", "interactive")]).sla.bounds} == {0.9}


@pytest.mark.parametrize("alias", ["x-slo-ttft-ms", "x-llm-d-slo-ttft-ms"])
def test_the_ttft_of_llm_d_is_read(alias: str) -> None:
    assert limits(read([(alias, "450")])) == {"ttft_ms": 450}


@pytest.mark.parametrize("alias", ["x-slo-tpot-ms", "x-llm-d-slo-tpot-ms"])
def test_a_time_per_token_is_a_floor_of_the_speed(alias: str) -> None:
    assert limits(read([(alias, "25")])) == {"min_tps": 40}


def test_two_names_for_one_bound_may_agree() -> None:
    assert limits(read([("X-SLA-TTFT-Ms", "450"), ("x-slo-ttft-ms", "450.0")])) == {"ttft_ms": 450}
    assert limits(read([("X-SLA-Min-TPS", "40"), ("x-slo-tpot-ms", "25")])) == {"min_tps": 40}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("X-SLA-TTFT-Ms", "450"), ("x-slo-ttft-ms", "500")),
        (("x-slo-tpot-ms", "25"), ("X-SLA-Min-TPS", "50")),
        (("X-SLA-TTFT-Ms", "450"), ("X-SLA-TTFT-Ms", "500")),
        (("X-SLA-Mode", "wait"), ("x-sla-mode", "strict")),
    ],
)
def test_two_names_for_one_bound_that_disagree_are_refused_naming_both(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    fault = refused([first, second])
    assert fault.kind is Kind.BAD_SLA
    assert first[0] in fault.message
    assert fault.param == second[0]


BAD_TIMES = ["800ms", "1s", "fast", "-1", "0", "", " ", "nan", "inf", "1e99", "9" * 30, "+5", "1,5"]
BAD_TIMES += ["0x10", "٣", "1_000", "1 2", "86400001"]


@pytest.mark.parametrize("value", BAD_TIMES)
@pytest.mark.parametrize("name", ["X-SLA-TTFT-Ms", "x-sla-e2e-ms", "x-llm-d-slo-ttft-ms"])
def test_a_value_that_is_no_number_of_milliseconds_is_refused(name: str, value: str) -> None:
    fault = refused([(name, value)])
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, name)
    assert "such as" in fault.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-SLA-Min-Context", "128000.5"),
        ("X-SLA-Min-Context", "128k"),
        ("X-SLA-Max-Answer-Tokens", "0"),
        ("X-SLA-Max-Cost-USD", "$1"),
        ("X-SLA-Max-Cost-USD", "-0.1"),
        ("X-SLA-Min-TPS", "0"),
        ("x-slo-tpot-ms", "0"),
        ("X-SLA-Percentile", "0.95"),
        ("X-SLA-Percentile", "p49"),
        ("X-SLA-Percentile", "p99.99"),
        ("X-SLA-Percentile", "p100"),
        ("X-SLA-Mode", "hurry"),
        ("X-SLA-Explain", "yes please"),
        ("X-SLA-Policy", ""),
    ],
)
def test_every_other_wrong_value_is_refused_by_its_header(name: str, value: str) -> None:
    fault = refused([(name, value)])
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, name)
    assert "takes" in fault.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ttft_ms", "800"),
        ("ttft_ms", True),
        ("ttft_ms", []),
        ("ttft_ms", 10**400),
        ("ttft_ms", 0),
        ("min_context", 1.5),
        ("percentile", 0.95),
        ("percentile", True),
        ("mode", 3),
        ("policy", 3),
        ("explain", "maybe"),
    ],
)
def test_a_wrong_value_in_the_body_is_refused_by_its_key(key: str, value: object) -> None:
    fault = refused(sla={key: value})
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, f"sla.{key}")


@pytest.mark.parametrize("sla", [3, "fast", [], True])
def test_an_sla_that_is_no_object_is_refused(sla: object) -> None:
    assert refused(sla=sla).param == "sla"


def test_null_says_nothing_and_takes_no_limit_away() -> None:
    found = read(sla={"ttft_ms": None, "policy": "interactive", "mode": None})
    assert limits(found) == {"ttft_ms": 1000, "min_tps": 20}


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("X-SLA-TTFT", "x-sla-ttft-ms"),
        ("X-SLA-Max-Cost", "x-sla-max-cost-usd"),
        ("x-slo-ttft", "x-slo-ttft-ms"),
        ("X-SLA-Min-Tsp", "x-sla-min-tps"),
    ],
)
def test_a_typo_never_removes_a_limit_in_a_header(typo: str, meant: str) -> None:
    fault = refused([(typo, "1")])
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, typo)
    assert meant in fault.message


def test_a_typo_never_removes_a_limit_in_the_body() -> None:
    fault = refused(sla={"tttf_ms": 800})
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, "sla.tttf_ms")
    assert "sla.ttft_ms" in fault.message


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    fault = refused([("X-SLA-Policy", "interctive")])
    assert (fault.kind, fault.param) == (Kind.BAD_POLICY, "X-SLA-Policy")
    assert "default, interactive, strict" in fault.message
    assert refused(sla={"policy": "x"}).param == "sla.policy"


def test_what_was_read_once_is_remembered_within_bounds() -> None:
    reader = SlaReader(POLICIES, DEFAULT_POLICY)
    headers = (("X-SLA-TTFT-Ms", "800"),)
    assert reader.read(headers, b"", None) is reader.read(headers, b"", None)
    for number in range(1, 3000):
        reader.read((("X-SLA-TTFT-Ms", str(number)),), b"", None)
    assert len(reader._read) <= 1024
    assert reader.read(headers, b"", None).sla.bounds[0].limit == 800


@given(st.sampled_from(terms.HEADERS), st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_header_value_is_read_or_refused_by_its_name_and_never_raises_another_thing(
    name: str, value: str
) -> None:
    with suppress(Fault):
        assert all(0 <= b.limit < math.inf for b in read([(name, value)]).sla.bounds)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(terms.BODY_KEYS) | st.text(), json_values) | json_values)
def test_no_body_object_raises_anything_but_a_fault(sla: object) -> None:
    with suppress(Fault):
        assert all(0 <= b.limit < math.inf for b in read(sla=sla).sla.bounds)


@given(st.floats(1, 86_400_000))
def test_what_a_program_prints_as_a_number_is_read_as_that_number(value: float) -> None:
    assert limits(read([("X-SLA-E2E-Ms", str(value))])) == {"e2e_ms": value}
