"""OpenRouter's ``provider`` object, read with its documented meaning or refused by name."""

from __future__ import annotations

import json

import pytest

from router.core.ask import NO_PREFERENCES, Bound, BoundKind, Preferences, Sort
from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from router.surfaces.preferences import parse_preferences


def parse(said: object) -> Preferences:
    return parse_preferences(json.dumps(said).encode())


def refused(said: object) -> str | None:
    with pytest.raises(Fault) as caught:
        parse(said)
    assert caught.value.kind is Kind.BAD_BODY
    return caught.value.param


def test_who_may_serve_is_read_in_lower_case() -> None:
    found = parse(
        {
            "only": ["Azure", "parasail"],
            "ignore": ["lambda"],
            "quantizations": ["FP8"],
            "data_collection": "deny",
            "zdr": True,
        }
    )
    assert found == Preferences(
        only=frozenset({"azure", "parasail"}),
        ignore=frozenset({"lambda"}),
        quantizations=frozenset({"fp8"}),
        deny_data_collection=True,
        zero_retention=True,
    )
    assert not found.ranks


def test_price_caps_are_numbers_or_the_text_of_one() -> None:
    caps = {"prompt": 1, "completion": "2.5", "request": 0.01, "image": 0, "audio": None}
    assert parse({"max_price": caps}) == Preferences(
        max_price_input=1.0,
        max_price_output=2.5,
        max_fee=0.01,
        capped_media=frozenset({Capability.IMAGES}),
    )


def test_who_goes_first_is_read_in_order() -> None:
    found = parse({"order": ["B", "a", "b"], "allow_fallbacks": False, "sort": "latency"})
    assert (found.order, found.fallbacks, found.sort) == (("b", "a"), False, Sort.LATENCY)
    assert found.ranks


@pytest.mark.parametrize(
    ("said", "sort", "across"),
    [
        ("throughput", Sort.THROUGHPUT, False),
        ({"by": "latency"}, Sort.LATENCY, False),
        ({"by": "price", "partition": "none"}, Sort.PRICE, True),
        ({"by": "throughput", "partition": "model"}, Sort.THROUGHPUT, False),
        ({"partition": "none"}, None, True),
    ],
)
def test_a_sort_may_say_whether_it_reaches_across_models(
    said: object, sort: Sort | None, across: bool
) -> None:
    found = parse({"sort": said})
    assert (found.sort, found.across_models) == (sort, across)


def test_a_bare_preferred_latency_is_the_median_in_seconds() -> None:
    assert parse({"preferred_max_latency": 3}).preferred == (Bound(BoundKind.TTFT, 3000.0, 0.5),)


def test_every_percentile_named_is_preferred() -> None:
    found = parse(
        {
            "preferred_min_throughput": {"p90": 50, "p50": 100, "p75": None},
            "preferred_max_latency": {"p75": 0.5, "p99": 5},
        }
    )
    assert found.preferred == (
        Bound(BoundKind.TTFT, 500.0, 0.75),
        Bound(BoundKind.TTFT, 5000.0, 0.99),
        Bound(BoundKind.TPS, 50.0, 0.9),
        Bound(BoundKind.TPS, 100.0, 0.5),
    )


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"allow_fallbacks": True},
        {"require_parameters": True},
        {"require_parameters": False},
        {"enforce_distillable_text": False},
        {"zdr": False},
        {"order": []},
        {"sort": None},
        {"data_collection": "allow"},
        {"max_price": {}},
    ],
)
def test_what_is_done_anyway_may_be_asked_for(said: object) -> None:
    assert parse(said) == NO_PREFERENCES


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("order", "azure"),
        ("order", [""]),
        ("sort", "speed"),
        ("sort", ["price"]),
        ("allow_fallbacks", "no"),
        ("require_parameters", 1),
        ("preferred_max_latency", "3s"),
        ("preferred_max_latency", 0),
        ("preferred_max_latency", True),
        ("preferred_min_throughput", -1),
        ("preferred_min_throughput", 1e9),
        ("zdr", "yes"),
        ("enforce_distillable_text", True),
        ("onyl", ["azure"]),
        ("only", "azure"),
        ("only", []),
        ("only", [3]),
        ("data_collection", "never"),
        ("max_price", 3),
    ],
)
def test_what_is_not_understood_or_not_honoured_is_refused_by_name(key: str, value: object) -> None:
    assert refused({key: value}) == f"provider.{key}"


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"preferred_max_latency": {"p95": 1}}, "provider.preferred_max_latency.p95"),
        ({"preferred_max_latency": {"p50": "1"}}, "provider.preferred_max_latency.p50"),
        ({"sort": {"by": "price", "order": "up"}}, "provider.sort.order"),
        ({"sort": {"by": "price", "partition": "all"}}, "provider.sort.partition"),
        ({"max_price": {"web_search": 1}}, "provider.max_price.web_search"),
    ],
)
def test_what_is_wrong_inside_is_named_by_its_path(said: object, param: str) -> None:
    assert refused(said) == param


@pytest.mark.parametrize("value", [-1, "much", True, "nan", "inf", 1e12, [1]])
def test_a_price_is_a_number_of_usd(value: object) -> None:
    assert refused({"max_price": {"prompt": value}}) == "provider.max_price.prompt"


@pytest.mark.parametrize("raw", [b'"azure"', b'{"a": "\\ud800"}', b"[" * 3000 + b"]" * 3000])
def test_a_provider_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Fault) as caught:
        parse_preferences(raw)
    assert caught.value.param == "provider"
