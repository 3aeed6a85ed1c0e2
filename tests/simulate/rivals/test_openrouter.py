"""OpenRouter's documented rules."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from router.core.ask import Bound, BoundKind
from router.core.catalogue import EndpointId, Price
from router.core.faults import Kind
from router.simulate.rivals.openrouter import OpenRouter, Sort
from tests.simulate.rivals.market import Clock, attempt, endpoint, errand, picks

A, B, C = EndpointId("a"), EndpointId("b"), EndpointId("c")
WITHIN_A_SECOND = (Bound(BoundKind.TTFT, 1000),)


def openrouter(**said: Any) -> tuple[OpenRouter, Clock]:
    clock = Clock()
    fleet = [endpoint("a", 1.0), endpoint("b", 2.0), endpoint("c", 3.0)]
    return OpenRouter(fleet, clock, Random(1), **said), clock


def test_the_default_draws_by_the_inverse_square_of_price() -> None:
    """The documents' own example: A at 1 USD is nine times as likely as C at 3 USD."""
    router, _ = openrouter()
    drawn = Counter(picks(router, errand(n)) for n in range(40_000))
    assert drawn["a"] / drawn["c"] == pytest.approx(9, rel=0.06)
    assert drawn["a"] / drawn["b"] == pytest.approx(4, rel=0.06)


def test_fallbacks_come_by_price_and_those_in_an_outage_last() -> None:
    router, _ = openrouter()
    router.learn(attempt("b", ended=0, fault=Kind.SERVER_ERROR), errand(9), None)
    assert picks(router, errand(), frozenset({A})) == "c"
    assert picks(router, errand(), frozenset({A, C})) == "b"
    assert not picks(router, errand(), frozenset({A, B, C}))


def test_an_outage_is_forgotten_after_thirty_seconds() -> None:
    router, clock = openrouter(sort=Sort.PRICE)
    router.learn(attempt("a", ended=0, fault=Kind.SERVER_ERROR), errand(9), None)
    assert picks(router, errand(1)) == "b"
    clock.now = 30.1
    assert picks(router, errand(2)) == "a"


def test_sorting_by_price_switches_the_lot_off() -> None:
    router, _ = openrouter(sort=Sort.PRICE)
    assert {picks(router, errand(n)) for n in range(200)} == {"a"}


def test_nitro_takes_the_highest_median_throughput() -> None:
    router, _ = openrouter(sort=Sort.THROUGHPUT)
    for name, lasts in (("a", 10.0), ("b", 3.0), ("c", 6.0)):
        router.learn(attempt(name, ended=0, lasts=lasts), errand(9), None)
    assert picks(router, errand()) == "b"


def test_who_does_not_meet_a_preference_moves_to_the_end_and_is_not_excluded() -> None:
    router, _ = openrouter(sort=Sort.PRICE, preferred=0.9)
    for name in "ab":
        router.learn(attempt(name, ended=0, lasts=5, ttft=1.5), errand(9), None)
    assert picks(router, errand(1, bounds=WITHIN_A_SECOND)) == "c"
    assert picks(router, errand(1, bounds=WITHIN_A_SECOND), frozenset({C})) == "a"
    assert picks(router, errand(2)) == "a"


def test_a_preference_at_p90_bears_one_slow_answer_in_ten_and_at_p99_none() -> None:
    for percentile, expected in ((0.9, "a"), (0.99, "b")):
        router, _ = openrouter(sort=Sort.PRICE, preferred=percentile)
        for n in range(10):
            ttft = 1.5 if n == 0 else 0.5
            router.learn(attempt("a", ended=0, lasts=5, ttft=ttft), errand(9), None)
        assert picks(router, errand(1, bounds=WITHIN_A_SECOND)) == expected


def test_what_was_measured_is_forgotten_after_five_minutes() -> None:
    router, clock = openrouter(sort=Sort.PRICE, preferred=0.9)
    router.learn(attempt("a", ended=0, lasts=5, ttft=1.5), errand(9), None)
    assert picks(router, errand(1, bounds=WITHIN_A_SECOND)) == "b"
    clock.now = 300.1
    assert picks(router, errand(2, bounds=WITHIN_A_SECOND)) == "a"


def test_a_conversation_stays_where_cache_reads_are_cheaper_until_ten_idle_minutes() -> None:
    clock = Clock()
    cached = endpoint("b", price=Price(2.0, 2.0, cached_input=0.2))
    router = OpenRouter([endpoint("a"), cached], clock, Random(1), sort=Sort.PRICE)
    for talk, name in ((7, "b"), (8, "a")):
        router.learn(attempt(name, ended=0), errand(talk, conversation=talk), None)
    assert picks(router, errand(1, conversation=7)) == "b"
    assert picks(router, errand(2, conversation=9)) == "a"
    clock.now = 601
    assert picks(router, errand(3, conversation=7)) == "a"
