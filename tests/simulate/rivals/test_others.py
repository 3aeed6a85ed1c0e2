"""The rivals that come from no gateway, and the list of all."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from router.core.ask import Bound, BoundKind
from router.core.catalogue import EndpointId
from router.core.faults import Kind
from router.core.measure import Verdict
from router.simulate.buyer import Hold
from router.simulate.loop import Served
from router.simulate.rivals import RIVALS
from router.simulate.rivals.fixed import Fixed, by_class, cheapest, first_listed
from router.simulate.rivals.hindsight import best_fixed
from router.simulate.rivals.peak_ewma import PeakEwma
from router.simulate.rivals.recent_quantile import RecentQuantile
from router.simulate.rivals.round_robin import RoundRobin
from tests.simulate.rivals.market import Clock, attempt, endpoint, errand, picks

FLEET = [endpoint("a", 3.0), endpoint("b", 1.0), endpoint("c", 2.0)]
WITHIN_A_SECOND = (Bound(BoundKind.TTFT, 1000),)


def learned(name: str, rival: PeakEwma, wait_s: float) -> None:
    rival.begun(next(e for e in FLEET if e.id == name), errand())
    rival.learn(attempt(name, ended=0, lasts=10, ttft=wait_s), errand(), None)


def test_peak_ewma_never_takes_the_slowest_of_three() -> None:
    rival = PeakEwma(FLEET, Clock(), Random(1))
    for name, wait_s in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        learned(name, rival, wait_s)
    drawn = Counter(picks(rival, errand(n)) for n in range(300))
    assert drawn["a"] > drawn["b"] > 0
    assert drawn["c"] == 0


def test_peak_ewma_takes_a_peak_at_once_and_forgets_it_slowly() -> None:
    clock = Clock()
    rival = PeakEwma(FLEET[:2], clock, Random(1))
    for name, wait_s in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        learned(name, rival, wait_s)
    assert picks(rival, errand()) == "b"
    for _ in range(3):
        clock.now += 10
        learned("a", rival, 1.0)
        learned("b", rival, 2.0)
    assert picks(rival, errand()) == "a"


def test_peak_ewma_counts_what_is_under_way() -> None:
    rival = PeakEwma(FLEET[:2], Clock(), Random(1))
    learned("a", rival, 1.0)
    learned("b", rival, 1.5)
    rival.begun(FLEET[0], errand())
    assert picks(rival, errand()) == "b"


def test_peak_ewma_takes_an_endpoint_out_after_five_failures_in_a_row() -> None:
    clock = Clock()
    rival = PeakEwma(FLEET[:2], clock, Random(1))
    learned("b", rival, 9.0)
    for _ in range(5):
        rival.begun(FLEET[0], errand())
        rival.learn(attempt("a", ended=0, lasts=0.1, fault=Kind.SERVER_ERROR), errand(), None)
    assert picks(rival, errand()) == "b"
    clock.now = 5.0
    assert picks(rival, errand()) == "a"


def test_the_recent_quantile_takes_the_cheapest_that_kept_the_bound_often_enough() -> None:
    clock = Clock()
    rival = RecentQuantile(FLEET, clock)
    wanted = errand(bounds=WITHIN_A_SECOND)
    assert picks(rival, wanted) == "b"
    for n in range(20):
        rival.learn(attempt("b", ended=0, ttft=1.5 if n < 2 else 0.5), wanted, None)
    assert picks(rival, wanted) == "c"
    clock.now = 1801
    assert picks(rival, wanted) == "b"


def test_the_recent_quantile_takes_whoever_comes_nearest_where_none_fits() -> None:
    rival = RecentQuantile(FLEET, Clock())
    wanted = errand(bounds=WITHIN_A_SECOND)
    for name, slow in (("a", 4), ("b", 9), ("c", 6)):
        for n in range(10):
            rival.learn(attempt(name, ended=0, ttft=1.5 if n < slow else 0.5), wanted, None)
    assert picks(rival, wanted) == "a"


def test_a_fixed_choice_asks_the_same_again_after_the_pause_of_the_sdk() -> None:
    clock = Clock()
    rival = Fixed(clock, Random(1), first_listed(FLEET))
    assert picks(rival, errand()) == "a"
    rival.learn(attempt("a", ended=0, fault=Kind.RATE_LIMITED), errand(), 7.0)
    assert rival.choose(errand(), ()) == Hold(7.0)
    clock.now = 7.0
    assert picks(rival, errand()) == "a"
    rival.learn(attempt("a", ended=7, fault=Kind.SERVER_ERROR), errand(), None)
    pause = rival.choose(errand(), ())
    assert isinstance(pause, Hold)
    assert 0.75 <= pause.seconds <= 1.0


def test_the_cheapest_is_the_cheapest_that_holds_the_prompt() -> None:
    clock = Clock()
    rival = Fixed(clock, Random(1), cheapest([*FLEET, endpoint("tiny", 0.1, context=500)], clock))
    assert picks(rival, errand()) == "b"


def served(kind: str, name: str, kept: int, of: int, cost: int) -> list[Served]:
    verdicts = [Verdict.KEPT] * kept + [Verdict.MISSED] * (of - kept)
    return [Served(n, kind, 0, 1, name, v, cost, 1, None) for n, v in enumerate(verdicts)]


def test_hindsight_takes_the_cheapest_that_reached_the_percentile_or_the_nearest() -> None:
    run = [
        *served("chat", "a", 96, 100, 30),
        *served("chat", "b", 95, 100, 20),
        *served("chat", "c", 94, 100, 10),
        *served("fast", "a", 50, 100, 30),
        *served("fast", "b", 10, 100, 10),
    ]
    chosen = best_fixed(run, {"chat": 0.95, "fast": 0.95})
    assert chosen == {"chat": "b", "fast": "a"}
    rival = Fixed(Clock(), Random(1), by_class(chosen))
    assert picks(rival, errand(kind="fast")) == "a"


def test_round_robin_takes_turns_and_leaves_out_who_has_failed() -> None:
    rival = RoundRobin(FLEET)
    assert [picks(rival, errand(n)) for n in range(4)] == ["a", "b", "c", "a"]
    assert picks(rival, errand(4), frozenset({EndpointId("b")})) == "c"


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_serves_a_market_that_fails_now_and_then(name: str) -> None:
    clock = Clock()
    rival, chance = RIVALS[name](FLEET, clock, Random(1)), Random(2)
    answered = 0
    for number in range(300):
        wanted = errand(number, bounds=WITHIN_A_SECOND, stream=number % 3 > 0)
        for _ in range(wanted.attempts):
            clock.now += 1.0
            choice = rival.choose(wanted, ())
            if isinstance(choice, Hold):
                clock.now += choice.seconds
                choice = rival.choose(wanted, ())
            if choice is None or isinstance(choice, Hold):
                break
            chosen = next(e for e in FLEET if e.id == choice.endpoint)
            rival.begun(chosen, wanted)
            fault = Kind.SERVER_ERROR if chance.random() < 0.1 else None
            rival.learn(attempt(chosen.id, ended=clock.now, fault=fault), wanted, None)
            if fault is None:
                answered += 1
                break
    assert answered >= 290


@pytest.mark.parametrize("name", RIVALS)
def test_no_rival_sends_a_prompt_where_it_cannot_fit_or_the_model_is_not_served(name: str) -> None:
    fleet = [endpoint("other", 0.1, serves=()), endpoint("good", 1.0)]
    if name != "always-official":
        fleet.insert(0, endpoint("tiny", 0.1, context=500))
    rival = RIVALS[name](fleet, Clock(), Random(1))
    assert {picks(rival, errand(n)) for n in range(20)} == {"good"}
