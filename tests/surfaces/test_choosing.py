"""What an endpoint is chosen by: the model's name and what hangs on it, `models`, conflicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.ask import Ask, BoundKind, Mode, Sort
from router.core.faults import Fault, Kind
from router.core.policy import DEFAULT_POLICY
from router.surfaces.asking import read_ask
from router.surfaces.sla import SlaReader
from tests.surfaces.house import POLICIES

SERVED = frozenset({"r1", "v3", "r1@azure", "llama:nitro"})
CLASSES = {"main": "interactive", "auxiliary": "strict"}


def ask(model: str | None = "r1", headers: dict[str, str] | None = None, **fields: Any) -> Ask:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    return read_ask(
        json.dumps(body).encode(),
        tuple((n, v) for n, v in sent.items() if n.startswith("x-sl")),
        request_id="r",
        slas=SlaReader(POLICIES, DEFAULT_POLICY, CLASSES),
        headers={n: v for n, v in sent.items() if not n.startswith("x-sl")},
        served=SERVED,
    )


def refused(*said: Any, **fields: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        ask(*said, **fields)
    return caught.value


def limits(found: Ask) -> dict[str, float]:
    return {b.kind.value: b.limit for b in found.sla.bounds}


# What hangs on a model's name


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("ttft<800,e2e<20000,cost<0.01", {"ttft_ms": 800, "e2e_ms": 20000, "max_cost_usd": 0.01}),
        ("tps>30", {"min_tps": 30}),
        ("ttfat<=2000, tokens<700", {"ttfat_ms": 2000, "max_answer_tokens": 700}),
        ("context>=128000", {"min_context": 128000}),
        ("TTFT=800", {"ttft_ms": 800}),
        (
            "ttft_ms<800,min_tps>5,max_cost_usd=1e-2",
            {"ttft_ms": 800, "min_tps": 5, "max_cost_usd": 0.01},
        ),
    ],
)
def test_bounds_may_hang_on_the_name_of_a_model(suffix: str, expected: dict[str, float]) -> None:
    found = ask(f"r1@{suffix}")
    assert found.model == "r1"
    assert limits(found) == expected


def test_so_may_percentile_policy_and_mode() -> None:
    found = ask("r1@ttft<800,p99,mode=strict,policy=interactive")
    assert (found.sla.percentile, found.sla.mode, found.sla.policy) == (
        0.99,
        Mode.STRICT,
        "interactive",
    )
    assert limits(found) == {"ttft_ms": 800, "min_tps": 20}
    assert ask("r1@percentile=p90,tps>1").sla.percentile == 0.9
    assert ask("r1@explain=1").explain


def test_the_class_and_the_model_are_named_without_it() -> None:
    assert ask("r1@ttft<800").kind == ask("r1", {"X-SLA-TTFT-Ms": "800"}).kind


@pytest.mark.parametrize("name", ["r1@azure", "r1@p95", "someone@else.com", "a@b@c"])
def test_an_at_without_a_comparator_belongs_to_the_name(name: str) -> None:
    assert ask(name).model == name
    assert ask(f"{name}@ttft<800").model == name


@pytest.mark.parametrize(
    ("suffix", "at"),
    [
        ("ttft>800", "model@ttft>800"),
        ("tps<30", "model@tps<30"),
        ("ttft<1s", "model@ttft<1s"),
        ("ttff<800", "model@ttff<800"),
        ("mode<strict", "model@mode<strict"),
        ("mode=asap", "model@mode=asap"),
        ("ttft<800,soon", "model@soon"),
        ("ttft<800,", "model@"),
        ("=", "model@="),
    ],
)
def test_a_typo_in_it_never_removes_a_limit(suffix: str, at: str) -> None:
    fault = refused(f"r1@{suffix}")
    assert (fault.kind, fault.param) == (Kind.BAD_SLA, at)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"headers": {"X-SLA-TTFT-Ms": "900"}}, ("x-sla-ttft-ms", "model@ttft<800")),
        ({"sla": {"ttft_ms": 900}}, ("sla.ttft_ms", "model@ttft<800")),
        ({"sla": {"mode": "wait"}}, ("sla.mode", "model@mode=strict")),
        ({"sla": {"percentile": 90}}, ("sla.percentile", "model@p95")),
    ],
)
def test_who_contradicts_it_is_told_both_names(
    said: dict[str, Any], names: tuple[str, str]
) -> None:
    fault = refused("r1@ttft<800,p95,mode=strict", **said)
    assert fault.kind is Kind.BAD_SLA
    assert all(name in fault.message for name in names)


def test_saying_the_same_twice_is_no_contradiction() -> None:
    found = ask("r1@ttft<800,mode=strict", {"X-SLA-TTFT-Ms": "800"}, sla={"e2e_ms": 9000})
    assert limits(found) == {"ttft_ms": 800, "e2e_ms": 9000}


# OpenRouter's short forms


def test_nitro_and_floor_sort_and_are_no_part_of_the_name() -> None:
    assert (ask("r1:nitro").model, ask("r1:nitro").preferences.sort) == ("r1", Sort.THROUGHPUT)
    assert (ask("r1:floor").model, ask("r1:floor").preferences.sort) == ("r1", Sort.PRICE)
    assert not ask("r1:floor").preferences.ranks
    both = ask("r1:nitro@ttft<800")
    assert (both.model, both.preferences.sort, limits(both)) == (
        "r1",
        Sort.THROUGHPUT,
        {"ttft_ms": 800},
    )


def test_a_model_that_is_served_under_such_a_name_is_that_model() -> None:
    found = ask("llama:nitro")
    assert (found.model, found.preferences.sort) == ("llama:nitro", None)


def test_a_sort_that_says_something_else_is_refused_naming_both() -> None:
    fault = refused("r1:nitro", provider={"sort": "latency"})
    assert ":nitro" in fault.message
    assert fault.param == "provider.sort"
    assert ask("r1:nitro", provider={"sort": "throughput"}).preferences.sort is Sort.THROUGHPUT


# Models to fall back on


def test_the_first_model_served_is_asked_and_the_others_are_fallen_back_on() -> None:
    found = ask("nobody/has-it", models=["r1", "r1", "v3", "gone"])
    assert (found.model, found.preferences.models) == ("r1", ("v3",))
    alone = ask(None, models=["v3@ttft<800", "r1"])
    assert (alone.model, alone.preferences.models, limits(alone)) == (
        "v3",
        ("r1",),
        {"ttft_ms": 800},
    )
    assert "models" not in alone.params


def test_a_list_of_which_nothing_is_served_is_told_by_its_first_name() -> None:
    assert ask(None, models=["gone", "lost"]).model == "gone"


def test_one_model_alone_needs_no_list() -> None:
    assert not ask("r1", models=["r1"]).preferences.ranks
    assert not ask("r1", models=None).preferences.ranks


@pytest.mark.parametrize(
    ("models", "param"),
    [
        ("r1", "models"),
        ([1], "models[0]"),
        (["r1"] * 21, "models"),
        (["r1:nitro", "v3:floor"], "models"),
    ],
)
def test_a_list_that_is_none_is_refused(models: object, param: str) -> None:
    assert refused("r1", models=models).param == param


# Preferences and bounds


@pytest.mark.parametrize(
    ("declared", "preferred", "names"),
    [
        (
            {"headers": {"X-SLA-TTFT-Ms": "800"}},
            {"preferred_max_latency": 2},
            ("x-sla-ttft-ms", "provider.preferred_max_latency"),
        ),
        (
            {"sla": {"min_tps": 30}},
            {"preferred_min_throughput": {"p90": 20}},
            ("sla.min_tps", "provider.preferred_min_throughput"),
        ),
        (
            {"headers": {"X-SLO-TPOT-Ms": "25"}},
            {"preferred_min_throughput": 30},
            ("x-slo-tpot-ms", "provider.preferred_min_throughput"),
        ),
    ],
)
def test_a_bound_and_a_preference_that_differ_are_refused_naming_both(
    declared: dict[str, Any], preferred: dict[str, Any], names: tuple[str, str]
) -> None:
    fault = refused("r1", **declared, provider=preferred)
    assert fault.kind is Kind.BAD_SLA
    assert all(name in fault.message for name in names)


def test_a_bound_and_a_preference_that_say_the_same_are_both_kept() -> None:
    found = ask("r1", {"X-SLA-TTFT-Ms": "800"}, provider={"preferred_max_latency": {"p90": 0.8}})
    assert limits(found) == {"ttft_ms": 800}
    assert [b.kind for b in found.preferences.preferred] == [BoundKind.TTFT]


def test_a_policys_bound_does_not_contradict_a_preference() -> None:
    found = ask("r1@policy=interactive", provider={"preferred_max_latency": 3})
    assert limits(found) == {"ttft_ms": 1000, "min_tps": 20}


# Classes of requests


@pytest.mark.parametrize(
    ("headers", "policy"),
    [
        ({"X-Claude-Code-Request-Class": "main"}, "interactive"),
        ({"X-Claude-Code-Request-Class": " Auxiliary "}, "strict"),
        ({"X-Claude-Code-Request-Class": "workflow"}, "default"),
        ({"X-Claude-Code-Request-Class": "main", "X-SLA-Policy": "strict"}, "strict"),
        ({}, "default"),
    ],
)
def test_a_class_of_requests_has_the_policy_it_was_given(
    headers: dict[str, str], policy: str
) -> None:
    assert ask("r1", headers).sla.policy == policy


@pytest.mark.parametrize(
    ("said", "compacted"), [("true", True), ("1", True), ("false", False), ("", False)]
)
def test_a_compacted_context_is_told(said: str, compacted: bool) -> None:
    assert ask("r1", {"X-Claude-Code-Context-Compacted": said}).compacted is compacted
    assert not ask("r1").compacted


# Whatever is sent


def tried(model: str, **fields: Any) -> Ask | Fault:
    try:
        return ask(model, **fields)
    except Fault as fault:
        return fault


_WORDS = st.text(alphabet="ttfe2pscoxm<>=,.@p95-:_ \x00é", max_size=40)


@given(model=_WORDS.map(lambda text: f"r1@{text}"))
def test_any_suffix_is_understood_or_refused_by_name(model: str) -> None:
    found = tried(model)
    if isinstance(found, Fault):
        assert found.kind in (Kind.BAD_SLA, Kind.BAD_POLICY, Kind.BAD_BODY)
    else:
        assert "<" not in found.model.rpartition("@")[2]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["p50", "p99", "by", "partition", "prompt", "x"]), inner)
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["order", "only", "sort", "max_price", "preferred_max_latency", "zdr", "allow_fallbacks", "x"]
)


@given(provider=st.dictionaries(_KEYS, _JSON), models=_JSON)
def test_any_wish_is_understood_or_refused_by_name(provider: Any, models: Any) -> None:
    found = tried("r1", provider=provider, models=models)
    if isinstance(found, Fault):
        assert found.kind is Kind.BAD_BODY
        assert found.param is not None
