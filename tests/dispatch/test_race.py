"""A silent attempt gets a second beside it: one serves, both are booked, nothing is left open."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from router.core.ask import Ask, Mode
from router.core.faults import Kind
from router.core.measure import Verdict
from router.core.policy import Policy
from router.dispatch import Flight
from router.planner import Planner
from router.race import Race
from router.store.board import Board
from tests.core.loop import VirtualClock
from tests.core.market import an_ask, an_attempt, cost, e2e, ttft
from tests.dispatch.stage import (
    CHEAP,
    DEAR,
    END,
    GOOD,
    MIDDLE,
    FakeClient,
    Script,
    Stage,
    failing,
    said,
)
from tests.dispatch.virtual import LoopClock

ASK = an_ask(ttft(2000))
SILENT = Script(hangs=True)
LATE = Script([(1.9, said("late ")), (0.5, said("answer")), (0.0, END)])


def both_known(board: Board, clock: LoopClock) -> None:
    """Four hundred answers of each, half a second to the first token; a miss is dear."""
    for endpoint in (CHEAP, MIDDLE):
        for i in range(400):
            seen = an_attempt(ttft_s=0.4 + 0.001 * (i % 200), output=60, endpoint=endpoint.id)
            board.observe(seen._replace(started_wall=clock.wall()), an_ask(), None)


def race(
    first: Script, second: Script = GOOD, *, ask: Ask = ASK, client: FakeClient | None = None,
    policy: Policy | None = None, cancel_after: float | None = None,
) -> Stage:  # fmt: skip
    return Stage(
        {CHEAP.id: [first], MIDDLE.id: [second]},
        (CHEAP, MIDDLE),
        ask=ask,
        client=client or FakeClient(),
        before=both_known,
        policy=policy or Policy("default", hedge=True),
        cancel_after=cancel_after,
    )


def test_a_silent_first_is_outrun_and_the_client_is_served_in_time() -> None:
    ran = race(SILENT).play()
    assert ran.upstream.tried == [CHEAP.id, MIDDLE.id]
    assert ran.client.data == b"one two three[DONE]"
    assert ran.client.begun == 1
    assert ran.fault is None
    assert ran.record.outcome.verdict() is Verdict.KEPT
    assert [(a.endpoint, a.fault) for a in ran.attempts] == [
        (CHEAP.id, Kind.OUTRUN),
        (MIDDLE.id, None),
    ]
    assert ran.upstream.open == 0


def test_who_is_outrun_is_paid_but_not_blamed() -> None:
    ran = race(SILENT).play()
    assert ran.fails(CHEAP) == 0
    assert ran.attempts[0].usage is not None
    assert ran.attempts[0].usage.estimated
    assert ran.record.outcome.cost_nano_usd == sum(a.cost_nano_usd for a in ran.attempts)


def test_a_first_that_comes_after_all_serves_and_the_second_is_cancelled() -> None:
    ran = race(LATE, Script([(5.0, said("never")), (0.0, END)])).play()
    assert ran.upstream.tried == [CHEAP.id, MIDDLE.id]
    assert ran.client.data == b"late answer[DONE]"
    assert [(a.endpoint, a.number, a.fault) for a in ran.attempts] == [
        (MIDDLE.id, 2, Kind.OUTRUN),
        (CHEAP.id, 1, None),
    ]
    assert ran.upstream.open == 0


def test_the_head_tells_who_serves_and_how_many_were_asked() -> None:
    head = race(SILENT).play().client.head
    assert head is not None
    assert (head.endpoint.id, head.attempts) == (MIDDLE.id, 2)
    assert head.decision.chosen is not None
    assert head.decision.chosen.id == MIDDLE.id


def test_every_attempt_keeps_the_span_it_was_sent_with() -> None:
    ran = race(LATE, Script([(5.0, said("never")), (0.0, END)])).play()
    sent = {name: (call.traceparent or "").split("-")[2] for name, call in ran.upstream.calls}
    told = zip(ran.attempts, ran.record.attempt_span_ids, strict=True)
    assert {a.endpoint: span for a, span in told} == sent


def test_a_quick_first_never_meets_a_second() -> None:
    ran = race(GOOD).play()
    assert ran.upstream.tried == [CHEAP.id]


def test_an_ended_race_leaves_nothing_to_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        race(GOOD).play()
        assert not any(isinstance(thing, Flight | Race) for thing in gc.get_objects())
    finally:
        gc.enable()


def test_a_policy_without_hedging_waits_for_the_first() -> None:
    ran = race(LATE, policy=Policy("default", hedge=False)).play()
    assert ran.upstream.tried == [CHEAP.id]
    assert ran.client.data == b"late answer[DONE]"


def test_a_first_that_fails_leaves_the_race_to_the_second() -> None:
    broken = Script(headers_after=1.7, fault=failing(Kind.SERVER_ERROR).fault)
    ran = race(broken, Script([(0.6, said("saved")), (0.0, END)])).play()
    assert ran.client.data == b"saved[DONE]"
    assert [(a.endpoint, a.fault) for a in ran.attempts] == [
        (CHEAP.id, Kind.SERVER_ERROR),
        (MIDDLE.id, None),
    ]


def test_a_second_that_fails_leaves_the_first_running() -> None:
    ran = race(LATE, failing(Kind.SERVER_ERROR)).play()
    assert ran.client.data == b"late answer[DONE]"
    assert [a.fault for a in ran.attempts] == [Kind.SERVER_ERROR, None]


def test_where_both_fail_the_third_is_asked() -> None:
    broken = Script(headers_after=1.7, fault=failing(Kind.SERVER_ERROR).fault)
    stage = race(broken, failing(Kind.SERVER_ERROR))
    ran = replace(stage, fleet=(CHEAP, MIDDLE, DEAR)).play()
    assert ran.client.data == b"one two three[DONE]"
    assert sorted(a.endpoint for a in ran.attempts[:2]) == [CHEAP.id, MIDDLE.id]
    assert ran.attempts[2].endpoint == DEAR.id


def test_a_race_never_exceeds_the_attempts_of_its_policy() -> None:
    ran = race(LATE, policy=Policy("default", attempts=1, hedge=True)).play()
    assert ran.upstream.tried == [CHEAP.id]


@pytest.mark.parametrize("at", [1.0, 1.5, 1.7, 1.95, 2.2])
def test_a_client_that_leaves_a_race_stops_both_and_both_are_booked(at: float) -> None:
    ran = race(SILENT, Script([(0.3, said("one")), (9.0, END)]), cancel_after=at).play()
    assert ran.fault is Kind.CANCELLED
    assert ran.upstream.open == 0
    assert len(ran.attempts) == len(ran.upstream.calls)
    assert all(a.fault in {Kind.CANCELLED, Kind.OUTRUN} for a in ran.attempts)


def test_whole_answers_race_for_the_end() -> None:
    ask = an_ask(e2e(8000), stream=False)
    ran = race(SILENT, GOOD, ask=ask).play()
    assert ran.client.data == b"one two three[DONE]"
    assert [a.fault for a in ran.attempts] == [Kind.OUTRUN, None]


def test_a_second_that_had_not_left_when_the_first_came_costs_nothing() -> None:
    ran = race(LATE, Script(connects_after=5.0)).play()
    assert [(a.endpoint, a.fault) for a in ran.attempts] == [
        (MIDDLE.id, Kind.OUTRUN),
        (CHEAP.id, None),
    ]
    assert ran.attempts[0].usage is None
    assert ran.attempts[0].cost_nano_usd == 0


def test_a_whole_answer_is_booked_once_and_its_loser_before_it() -> None:
    ran = race(SILENT, GOOD, ask=an_ask(e2e(8000), stream=False)).play()
    head = ran.client.head
    assert head is not None
    assert head.outcome is not None
    assert [a.number for a in head.outcome.attempts] == [1, 2]
    assert ran.attempts == head.outcome.attempts


def test_a_request_with_a_cost_bound_is_raced_only_where_both_fit_in_it() -> None:
    def tried(most_usd: float) -> list[str]:
        return race(LATE, ask=an_ask(ttft(2000), cost(most_usd))).play().upstream.tried

    assert tried(1.0) == [CHEAP.id, MIDDLE.id]
    assert tried(0.0015) == [CHEAP.id]


def test_a_strict_request_gets_no_second_that_would_rather_miss() -> None:
    strict = an_ask(ttft(500), mode=Mode.STRICT)
    ran = race(LATE, ask=strict).play()
    assert ran.upstream.tried in ([], [CHEAP.id])


def test_whole_answers_and_streams_of_one_class_have_their_own_timers() -> None:
    clock = VirtualClock()
    planner = Planner(Board((CHEAP, MIDDLE), clock), clock, lambda: 0.0)
    streamed = an_ask(ttft(2000))
    hedging = Policy("default", hedge=True)

    def timer(ask: Ask) -> float | None:
        return planner.rescue_after_s(ask, hedging, planner.plan(ask, (), 0.0), 0.0, ())

    first = timer(streamed)
    assert first is not None
    assert timer(streamed._replace(stream=False)) is None
    assert timer(streamed) == first


def test_both_with_content_at_the_same_instant_are_one_answer() -> None:
    """The second's first content comes when the first's does."""
    for tick in range(12):
        second = Script([(0.05 * tick, said("second")), (0.3, END)])
        ran = race(LATE, second).play()
        assert ran.client.data in {b"late answer[DONE]", b"second[DONE]"}
        assert sorted(a.fault or "" for a in ran.attempts) == ["", Kind.OUTRUN]
        assert ran.client.begun == 1
