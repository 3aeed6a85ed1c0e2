from __future__ import annotations

import json

import pytest

from router.core.ask import NO_PREFERENCES, Preferences
from router.core.faults import Fault, Kind
from router.surfaces.preferences import parse_preferences


def parse(said: object) -> Preferences:
    return parse_preferences(json.dumps(said).encode())


def test_hard_wishes_are_honoured() -> None:
    found = parse(
        {
            "only": ["azure", "parasail"],
            "ignore": ["lambda"],
            "quantizations": ["fp8"],
            "data_collection": "deny",
            "max_price": {"prompt": 1, "completion": "2.5"},
        }
    )
    assert found == Preferences(
        only=frozenset({"azure", "parasail"}),
        ignore=frozenset({"lambda"}),
        quantizations=frozenset({"fp8"}),
        deny_data_collection=True,
        max_price_input=1.0,
        max_price_output=2.5,
    )


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"sort": "price"},
        {"sort": {"by": "price"}},
        {"allow_fallbacks": True},
        {"require_parameters": True},
        {"order": []},
        {"sort": None},
        {"data_collection": "allow"},
    ],
)
def test_what_is_done_anyway_may_be_asked_for(said: object) -> None:
    assert parse(said) == NO_PREFERENCES


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("order", ["azure"]),
        ("sort", "throughput"),
        ("allow_fallbacks", False),
        ("require_parameters", False),
        ("preferred_max_latency", 3),
        ("preferred_min_throughput", {"p50": 100}),
        ("zdr", True),
        ("onyl", ["azure"]),
        ("only", "azure"),
        ("only", []),
        ("only", [3]),
        ("data_collection", "never"),
        ("max_price", 3),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(Fault) as caught:
        parse({key: value})
    assert (caught.value.kind, caught.value.param) == (Kind.BAD_BODY, f"provider.{key}")


@pytest.mark.parametrize("value", [-1, "much", True, "nan", "inf", 1e12, [1]])
def test_a_price_is_a_number_of_usd_per_million_tokens(value: object) -> None:
    with pytest.raises(Fault) as caught:
        parse({"max_price": {"prompt": value}})
    assert caught.value.param == "provider.max_price.prompt"


def test_a_price_cap_that_is_not_built_is_not_forgotten() -> None:
    with pytest.raises(Fault) as caught:
        parse({"max_price": {"request": 1}})
    assert caught.value.param == "provider.max_price.request"


def test_a_provider_that_is_no_object_is_refused() -> None:
    with pytest.raises(Fault) as caught:
        parse("azure")
    assert caught.value.param == "provider"
