"""A request from ask to record: refusals, waiting, hanging up, money and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from router.core.answer import Content, Piece, Usage
from router.core.ask import Bound, BoundKind, Mode
from router.core.catalogue import Price, PriceWindow
from router.core.decision import Reason, Status
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.store.board import Board
from tests.core.market import an_ask, an_attempt, an_endpoint, ttft
from tests.dispatch.stage import (
    CHEAP,
    DEAR,
    END,
    GOOD,
    MIDDLE,
    PING,
    FakeClient,
    Ran,
    Script,
    Stage,
    failing,
    said,
    whole,
)
from tests.dispatch.virtual import START_WALL, LoopClock


def limited(retry_after_s: float) -> Callable[[Board, LoopClock], None]:
    """Everybody just answered 429."""

    def before(board: Board, _clock: LoopClock) -> None:
        for endpoint in board.endpoints:
            refused = an_attempt(ttft_s=None, fault=Kind.RATE_LIMITED, endpoint=endpoint.id)
            board.observe(refused, an_ask(), retry_after_s)

    return before


def refused(ran: Ran) -> Fault:
    assert isinstance(ran.raised, Fault)
    assert ran.client.begun == 0
    assert ran.upstream.calls == []
    assert ran.attempts == ()
    assert ran.fault is ran.raised.kind
    return ran.raised


# Refusals


def test_what_nobody_can_meet_as_it_stands_is_refused_for_good() -> None:
    fault = refused(Stage(ask=an_ask(prompt_tokens=1_000_000)).play())
    assert fault.kind is Kind.INFEASIBLE
    assert fault.spec.status == 422
    assert fault.retry_after_s is None
    assert fault.detail is not None
    explained = fault.detail["availability"]
    assert {r.reason for r in explained.rejections} == {Reason.CONTEXT}
    assert len(explained.rejections) == 3


def test_what_somebody_could_meet_later_is_refused_with_the_time() -> None:
    fault = refused(Stage(before=limited(17)).play())
    assert fault.kind is Kind.UNAVAILABLE
    assert fault.spec.status == 503
    assert fault.retry_after_s == pytest.approx(17)


def test_a_time_to_retry_is_a_second_at_least() -> None:
    assert refused(Stage(before=limited(0.01)).play()).retry_after_s == 1.0


def test_strict_refuses_and_says_by_how_much_each_one_misses() -> None:
    fault = refused(Stage(ask=an_ask(ttft(20), mode=Mode.STRICT)).play())
    assert fault.kind is Kind.INFEASIBLE
    assert fault.detail is not None
    (expectation,) = fault.detail["availability"].rejections[0].expectations
    assert expectation.predicted > 20


# Waiting


def waiting(*bounds: Bound, max_wait_s: float = 30.0, retry_after_s: float = 3.0) -> Stage:
    return Stage(
        ask=an_ask(*bounds, mode=Mode.WAIT),
        before=limited(retry_after_s),
        policy=Policy("default", max_wait_s=max_wait_s),
    )


def test_wait_holds_a_request_until_somebody_can_serve_it() -> None:
    ran = waiting().play()
    assert ran.fault is None
    assert ran.client.data == b"one two three[DONE]"
    assert 3.0 <= ran.record.overhead_s <= 3.3


def test_wait_refuses_when_the_time_is_out() -> None:
    ran = waiting(max_wait_s=2.0).play()
    assert refused(ran).kind is Kind.UNAVAILABLE
    assert ran.seconds == pytest.approx(2.0, abs=0.01)


def test_wait_never_outlasts_the_declared_latency() -> None:
    ran = waiting(ttft(1500)).play()
    refused(ran)
    assert ran.seconds <= 1.51


def test_wait_does_not_hold_what_no_waiting_can_mend() -> None:
    ran = Stage(ask=an_ask(prompt_tokens=1_000_000, mode=Mode.WAIT)).play()
    assert refused(ran).kind is Kind.INFEASIBLE
    assert ran.seconds == 0


def test_wait_does_not_hold_a_request_whose_endpoints_were_all_tried() -> None:
    stage = Stage(
        {CHEAP.id: [failing(Kind.SERVER_ERROR)]}, (CHEAP,), ask=an_ask(mode=Mode.WAIT)
    )  # fmt: skip
    ran = stage.play()
    assert ran.fault is Kind.SERVER_ERROR
    assert ran.seconds < 1


# Hanging up


@pytest.mark.parametrize(
    ("at", "begun"), [(0.05, False), (0.3, False), (0.55, True)], ids=["headers", "wait", "stream"]
)
@pytest.mark.parametrize("stream", [True, False])
def test_hanging_up_is_booked_once_and_closes_the_upstream(
    at: float, *, begun: bool, stream: bool
) -> None:
    ran = Stage(ask=an_ask(stream=stream), cancel_after=at).play()
    assert isinstance(ran.raised, asyncio.CancelledError)
    assert ran.seconds == pytest.approx(at)
    assert ran.fault is Kind.CANCELLED
    assert [a.fault for a in ran.attempts] == [Kind.CANCELLED]
    assert ran.upstream.open == 0
    assert ran.upstream.tried == [CHEAP.id]
    assert ran.client.begun == (begun and stream)
    assert ran.client.failed == []
    assert ran.fails(CHEAP) == 0


def test_hanging_up_while_held_is_told_without_an_attempt() -> None:
    ran = replace(waiting(), cancel_after=1.0).play()
    assert ran.fault is Kind.CANCELLED
    assert ran.attempts == ()


def test_hanging_up_while_the_last_bytes_are_taken_books_the_answer_as_complete() -> None:
    piece = Piece(b"{}", Content.ANSWER, 9, usage=Usage(50, text=9), finish="stop")
    stage = Stage(
        {CHEAP.id: [Script([(1.0, piece)])]},
        ask=whole(),
        client=FakeClient(takes_s=[100]),
        cancel_after=50,
    )
    ran = stage.play()
    assert [a.fault for a in ran.attempts] == [None]
    assert ran.fault is Kind.CANCELLED


# Money

PER_MILLION = Price(1.0, 2.0)


def billed(usage: Usage | None, price: Price = PER_MILLION) -> Ran:
    end = Piece(b"[DONE]", usage=usage, finish="stop", ended=True)
    endpoint = replace(CHEAP, price=price)
    return Stage({CHEAP.id: [Script([(0.1, said("hello")), (0.0, end)])]}, (endpoint,)).play()


def test_an_attempt_costs_its_tokens_at_their_prices() -> None:
    price = Price(1.0, 2.0, cached_input=0.25, cache_write=1.25, fee=0.001)
    usage = Usage(fresh_input=100, cache_read=40, cache_write=8, text=30, reasoning=10)
    (attempt,) = billed(usage, price).attempts
    assert attempt.cost_nano_usd == 100_000 + 10_000 + 10_000 + 80_000 + 1_000_000
    assert attempt.usage is not None
    assert not attempt.usage.estimated


def test_a_cost_the_provider_reports_wins() -> None:
    usage = Usage(100, text=30, reported_cost_nano_usd=777)
    ran = billed(usage)
    assert ran.attempts[0].cost_nano_usd == 777
    assert ran.record.outcome.cost_nano_usd == 777


def test_money_is_rounded_once_to_whole_nano_usd() -> None:
    (attempt,) = billed(Usage(fresh_input=3, text=1), Price(0.0001, 0.0003)).attempts
    assert attempt.cost_nano_usd == 1
    assert isinstance(attempt.cost_nano_usd, int)


def test_the_price_is_the_one_in_force_when_the_attempt_was_sent() -> None:
    """The day starts at noon; a second after the start every price doubles."""
    minute = int((START_WALL + 1000) % 86400 // 60) + 1
    window = PriceWindow(minute, minute + 60, 2.0)
    script = Script([(0.1, said("a")), (55.0, said("b")), (0.0, END)])
    endpoint = replace(CHEAP, price=Price(1.0, 2.0, windows=(window,)))
    ran = Stage({CHEAP.id: [script]}, (endpoint,)).play()
    assert ran.attempts[0].cost_nano_usd == 120 * 1000 + 40 * 2000
    late = Stage({CHEAP.id: [GOOD]}, (endpoint,), before=_a_minute_passes).play()
    assert late.attempts[0].cost_nano_usd == 2 * (120 * 1000 + 40 * 2000)


def _a_minute_passes(_board: Board, clock: LoopClock) -> None:
    clock._loop.now += 60


def test_what_nobody_reported_is_estimated_and_marked() -> None:
    ran = billed(None)
    usage = ran.attempts[0].usage
    assert usage is not None
    assert usage.estimated
    assert ran.record.outcome.estimated
    assert usage.fresh_input == 500
    assert usage.text == round(5 / 4)
    assert ran.attempts[0].cost_nano_usd > 0


@pytest.mark.parametrize("kind", [Kind.CONNECT, Kind.SERVER_ERROR, Kind.RATE_LIMITED])
def test_a_refusal_costs_nothing(kind: Kind) -> None:
    ran = Stage({CHEAP.id: [failing(kind, status=None if kind is Kind.CONNECT else 503)]}).play()
    assert ran.attempts[0].cost_nano_usd == 0
    assert ran.attempts[0].usage is None
    assert ran.record.outcome.cost_nano_usd == ran.attempts[1].cost_nano_usd


def test_half_an_answer_costs_its_prompt_and_what_was_seen() -> None:
    script = Script([(0.1, said("x" * 400)), (0.1, Fault(Kind.BROKEN, "broke"))])
    (attempt,) = Stage({CHEAP.id: [script]}).play().attempts
    assert attempt.usage is not None
    assert (attempt.usage.fresh_input, attempt.usage.text) == (500, 100)
    assert attempt.usage.estimated


def test_an_abandoned_attempt_is_paid_beside_the_one_that_served() -> None:
    ran = Stage({CHEAP.id: [Script([(1.0, PING)] * 100)]}).play()
    abandoned, served = ran.attempts
    assert abandoned.usage is not None
    assert abandoned.usage.estimated
    assert abandoned.cost_nano_usd > 0
    total = abandoned.cost_nano_usd + served.cost_nano_usd
    assert ran.record.outcome.cost_nano_usd == total


# What is told


def test_the_decision_is_told_in_full_to_who_asked() -> None:
    ran = Stage(ask=an_ask(ttft(5000))._replace(explain=True)).play()
    ((_, explained),) = ran.client.finished
    assert explained is not None
    assert explained.decision.chosen is CHEAP
    assert ran.client.head is not None
    assert ran.client.head.explained is explained
    ((_, nothing),) = Stage().play().client.finished
    assert nothing is None


def test_our_own_time_before_the_first_attempt_is_told() -> None:
    ran = Stage({CHEAP.id: [failing(Kind.CONNECT)]}, received_ago=0.25).play()
    assert ran.record.overhead_s == pytest.approx(0.25)
    assert ran.client.head is not None
    assert ran.client.head.overhead_s == pytest.approx(0.25)
    assert ran.record.received_wall == pytest.approx(START_WALL + 1000 - 0.25)


def test_the_verdict_counts_from_the_last_byte_of_the_request() -> None:
    ran = Stage({CHEAP.id: [failing(Kind.CONNECT)]}, received_ago=2.0).play()
    facts = ran.record.outcome.facts()
    assert facts[BoundKind.TTFT] == pytest.approx(1000 * (2.0 + 0.1 + 0.5))


def test_every_attempt_goes_out_under_its_own_id_and_span() -> None:
    ran = Stage({CHEAP.id: [failing(Kind.CONNECT)]}).play()
    calls = [call for _, call in ran.upstream.calls]
    assert [c.attempt_id for c in calls] == ["r-1", "r-2"]
    spans = ran.record.attempt_span_ids
    assert [c.traceparent for c in calls] == [f"00-{'ab' * 16}-{s}-01" for s in spans]
    assert len({*spans, ran.record.span_id}) == 3
    assert {c.tracestate for c in calls} == {"vendor=1"}


def test_a_retry_is_decided_with_the_time_that_is_left() -> None:
    """The cheap one hangs; the next would keep 9 s, but not what is left of them."""
    slow = an_endpoint("r1@slow", 1.5, 3, ttft_ms=6000)
    ask = an_ask(ttft(9000))
    scripts = {CHEAP.id: [Script(headers_after=1e6)]}
    ran = Stage(scripts, (CHEAP, slow, DEAR), ask=ask).play()
    assert ran.upstream.tried[:2] == [CHEAP.id, DEAR.id]


def test_a_429_blocks_its_endpoint_for_as_long_as_it_said() -> None:
    ran = Stage({CHEAP.id: [failing(Kind.RATE_LIMITED, retry_after_s=40, status=429)]}).play()
    (standing,) = [c.standing for c in ran.board.candidates(an_ask()) if c.standing]
    assert standing.reason is Reason.RATE_LIMITED
    assert standing.until_wall == pytest.approx(START_WALL + 1000.1 + 40)
    assert ran.fails(CHEAP) == 0


def test_without_bounds_nothing_is_promised() -> None:
    ran = Stage().play()
    assert ran.record.decisions[0].status is Status.UNBOUNDED
    assert ran.upstream.tried == [CHEAP.id]
    assert MIDDLE.id not in ran.upstream.tried
