"""What LiteLLM's strategies do, and what its router does around them."""

from __future__ import annotations

from random import Random

from router.core.catalogue import EndpointId, ModelName
from router.core.faults import Kind
from router.simulate.rivals.litellm_busy import LeastBusy
from router.simulate.rivals.litellm_cost import LowestCost
from router.simulate.rivals.litellm_latency import LowestLatency
from router.simulate.rivals.litellm_picker import Deployment, Picker
from router.simulate.rivals.litellm_router import LiteLLM
from router.simulate.rivals.litellm_shuffle import SimpleShuffle
from router.simulate.rivals.litellm_usage import LowestUsage
from tests.simulate.rivals.market import MODEL, Clock, attempt, endpoint, errand, picks

A, B, C = endpoint("a", 3.0), endpoint("b", 1.0), endpoint("c", 2.0)
FLEET = [A, B, C]


def picked(
    picker: Picker, times: int = 200, *, stream: bool = True, now: float = 100.0
) -> set[str]:
    return {picker.pick(MODEL, FLEET, stream=stream, now=now).id for _ in range(times)}


def told(picker: Picker, name: str, ttft: float | None, *, tokens: int = 100) -> None:
    at = Deployment(MODEL, EndpointId(name))
    picker.succeeded(at, attempt(name, ended=10, ttft=ttft, tokens=tokens), 10.0)


def test_latency_picks_by_lot_among_those_within_the_buffer() -> None:
    picker = LowestLatency(Random(1), buffer=0.5)
    for name, ttft in (("a", 1.0), ("b", 1.4), ("c", 1.6)):
        told(picker, name, ttft)
    assert picked(picker) == {"a", "b"}


def test_latency_without_a_buffer_always_picks_the_lowest() -> None:
    picker = LowestLatency(Random(1))
    for name, ttft in (("a", 1.0), ("b", 1.4), ("c", 1.6)):
        told(picker, name, ttft)
    assert picked(picker) == {"a"}


def test_latency_tries_whoever_was_never_used() -> None:
    picker = LowestLatency(Random(1))
    told(picker, "a", 0.01)
    assert picked(picker) == {"b", "c"}


def test_latency_compares_a_wait_with_seconds_per_token_where_no_stream_was_seen() -> None:
    picker = LowestLatency(Random(1))
    told(picker, "a", 0.5)
    told(picker, "b", 0.5)
    told(picker, "c", None)  # 2 s / 100 tokens = 0.02
    assert picked(picker) == {"c"}


def test_latency_forgets_everything_an_hour_after_it_began() -> None:
    picker = LowestLatency(Random(1))
    for name in "abc":
        told(picker, name, 1.0 if name == "a" else 2.0)
    assert picked(picker, now=3609) == {"a"}
    assert picked(picker, now=3611) == {"a", "b", "c"}


def test_latency_takes_a_timeout_for_a_thousand_seconds_of_whole_answers_only() -> None:
    picker = LowestLatency(Random(1))
    for name, ttft in (("a", 1.0), ("b", 2.0), ("c", 2.0)):
        told(picker, name, ttft)
    picker.failed(Deployment(MODEL, A.id), timed_out=True, now=11.0)
    assert picked(picker, stream=True) == {"a"}
    assert "a" not in picked(picker, stream=False)


def test_latency_learns_nothing_from_any_other_failure() -> None:
    picker = LowestLatency(Random(1))
    told(picker, "b", 1.0)
    told(picker, "c", 1.0)
    for _ in range(20):
        picker.failed(Deployment(MODEL, A.id), timed_out=False, now=11.0)
    assert picked(picker) == {"a"}


def test_cost_adds_the_two_list_prices() -> None:
    assert picked(LowestCost()) == {"b"}


def test_usage_picks_by_lot_among_those_with_the_fewest_tokens_of_this_minute() -> None:
    clock = Clock()
    picker = LowestUsage(clock, Random(1))
    told(picker, "a", 1.0, tokens=10)
    assert picked(picker) == {"b", "c"}
    clock.now = 60
    assert picked(picker) == {"a", "b", "c"}


def test_busy_picks_the_first_of_those_with_the_fewest_under_way() -> None:
    picker = LeastBusy()
    picker.sent(Deployment(MODEL, A.id), 0.0)
    assert picked(picker) == {"b"}
    picker.failed(Deployment(MODEL, A.id), timed_out=False, now=1.0)
    assert picked(picker) == {"a"}


def test_shuffle_forgets_nothing_since_it_knows_nothing() -> None:
    picker = SimpleShuffle(Random(1))
    told(picker, "a", 100.0)
    assert picked(picker) == {"a", "b", "c"}


def routed(*names: str) -> tuple[LiteLLM, Clock]:
    clock = Clock()
    return LiteLLM([endpoint(n) for n in names], clock, LeastBusy()), clock


def test_a_429_cools_a_deployment_for_as_long_as_it_says() -> None:
    router, clock = routed("a", "b")
    router.learn(attempt("a", ended=0, fault=Kind.RATE_LIMITED), errand(), 20.0)
    clock.now = 19.9
    assert picks(router, errand(1)) == "b"
    clock.now = 20.1
    assert picks(router, errand(2)) == "a"


def test_a_429_never_cools_the_only_deployment() -> None:
    router, _ = routed("a")
    router.learn(attempt("a", ended=0, fault=Kind.RATE_LIMITED), errand(), 20.0)
    assert picks(router, errand(1)) == "a"


def test_four_failures_in_a_row_cool_nobody_and_the_fifth_cools_for_five_seconds() -> None:
    router, clock = routed("a", "b")
    for number in range(4):
        router.learn(attempt("a", ended=0, fault=Kind.SERVER_ERROR), errand(number), None)
    assert picks(router, errand(8)) == "a"
    router.learn(attempt("a", ended=0, fault=Kind.SERVER_ERROR), errand(5), None)
    assert picks(router, errand(8)) == "b"
    clock.now = 5.1
    assert picks(router, errand(9)) == "a"


def test_where_everybody_cools_down_the_request_fails_without_waiting() -> None:
    router, _ = routed("a", "b")
    for name in "ab":
        router.learn(attempt(name, ended=0, fault=Kind.RATE_LIMITED), errand(), None)
    assert router.choose(errand(1), ()) is None


def test_a_retry_may_meet_the_same_endpoint_again() -> None:
    router, _ = routed("a", "b")
    router.learn(attempt("a", ended=0, fault=Kind.SERVER_ERROR), errand(), None)
    assert picks(router, errand(), frozenset({EndpointId("a")})) == "a"


def test_what_is_known_under_one_model_name_is_unknown_under_another() -> None:
    clock, other = Clock(), ModelName("pool")
    fleet = [endpoint(n, serves=(MODEL, other)) for n in "ab"]
    router = LiteLLM(fleet, clock, LeastBusy())
    router.learn(attempt("a", ended=0, fault=Kind.RATE_LIMITED), errand(), 20.0)
    assert picks(router, errand(1)) == "b"
    assert picks(router, errand(2, model=other)) == "a"
