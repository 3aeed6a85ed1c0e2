"""An answer on its way: failover before its first content, and never after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Limits
from router.core.faults import FAULTS, Fault, Kind
from router.core.measure import Verdict
from router.core.policy import Policy
from router.dispatch import GAP_GRAIN
from tests.core.market import an_ask, e2e, ttft
from tests.dispatch.stage import (
    CHEAP,
    DEAR,
    END,
    GOLD,
    GOOD,
    MIDDLE,
    PING,
    FakeClient,
    Script,
    Stage,
    failing,
    said,
    whole,
)


def only(script: Script, **more: object) -> Stage:
    return replace(Stage({CHEAP.id: [script]}, fleet=(CHEAP,)), **more)  # type: ignore[arg-type]


def test_a_stream_reaches_the_client_byte_for_byte_and_is_reported_once() -> None:
    ran = Stage().play()
    assert ran.client.data == b"one two three[DONE]"
    assert ran.client.begun == 1
    assert len(ran.client.finished) == 1
    (attempt,) = ran.attempts
    assert ran.fault is None
    assert attempt.endpoint == CHEAP.id
    assert attempt.ttft_s == pytest.approx(0.5)
    assert attempt.e2e_s == pytest.approx(0.7)
    assert attempt.usage == USAGE_OF_END
    assert ran.upstream.open == 0


USAGE_OF_END = END.usage


def test_what_came_before_the_first_content_is_held_and_then_passed() -> None:
    script = Script([(0.1, PING), (0.1, Piece(b"role")), (0.3, said("hi")), (0.0, END)])
    ran = only(script).play()
    assert ran.client.data == b": ping\nrolehi[DONE]"
    assert ran.attempts[0].ttft_s == pytest.approx(0.6)


def test_reasoning_is_first_content_and_the_answer_has_its_own_time() -> None:
    script = Script([(0.2, said("hm", Content.REASONING)), (1.0, said("42")), (0.0, END)])
    (attempt,) = only(script).play().attempts
    assert attempt.ttft_s == pytest.approx(0.3)
    assert attempt.ttfat_s == pytest.approx(1.3)


@pytest.mark.parametrize("kind", [k for k, spec in FAULTS.items() if spec.retry])
def test_a_fault_before_content_moves_on_along_the_plan(kind: Kind) -> None:
    ran = Stage({CHEAP.id: [failing(kind)]}).play()
    assert ran.upstream.tried == [CHEAP.id, MIDDLE.id]
    assert ran.client.data == b"one two three[DONE]"
    assert [a.fault for a in ran.attempts] == [kind, None]
    assert [a.number for a in ran.attempts] == [1, 2]
    assert ran.fault is None
    assert ran.raised is None
    assert ran.client.head is not None
    assert ran.client.head.attempts == 2
    assert ran.client.head.endpoint is MIDDLE
    assert len(ran.record.decisions) == 2
    assert set(ran.record.endpoints) == {CHEAP.id, MIDDLE.id}


def test_attempts_stay_within_their_budget() -> None:
    broken = failing(Kind.SERVER_ERROR, status=503)
    fleet = (CHEAP, MIDDLE, DEAR, GOLD)
    for budget in (1, 2, 3):
        scripts = {e.id: [broken] for e in fleet}
        ran = Stage(scripts, fleet, policy=Policy("default", attempts=budget)).play()
        assert ran.upstream.tried == [e.id for e in fleet[:budget]]
        assert ran.fault is Kind.SERVER_ERROR
        assert isinstance(ran.raised, Fault)


def test_when_nobody_is_left_the_client_learns_what_the_last_one_said() -> None:
    ran = only(failing(Kind.RATE_LIMITED, retry_after_s=9)).play()
    assert isinstance(ran.raised, Fault)
    assert ran.raised.kind is Kind.RATE_LIMITED
    assert ran.fault is Kind.RATE_LIMITED
    assert ran.client.begun == 0


STAGES = {
    "before headers": lambda fault: Script(fault=fault),
    "before content": lambda fault: Script([(0.1, PING), (0.1, fault)]),
    "inside the stream": lambda fault: Script([(0.1, said("half")), (0.1, fault)]),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("stream", [True, False])
def test_every_fault_at_every_stage_ends_in_one_record_with_one_outcome(
    kind: Kind, stage: str, *, stream: bool
) -> None:
    ask = an_ask(stream=stream)
    ran = only(STAGES[stage](Fault(kind, "scripted")), ask=ask).play()
    assert ran.fault is kind
    (attempt,) = ran.attempts
    assert attempt.fault is kind
    assert ran.upstream.open == 0
    assert ran.client.finished == []
    begun = stream and stage == "inside the stream"
    assert ran.client.begun == begun
    assert len(ran.client.failed) == (begun and kind is not Kind.CANCELLED)
    assert isinstance(ran.raised, Fault) == (not begun)
    assert (ran.fails(CHEAP) > 0) == FAULTS[kind].blames


@pytest.mark.parametrize("kind", Kind)
def test_half_an_answer_is_never_continued_by_another_endpoint(kind: Kind) -> None:
    script = Script([(0.1, said("half")), (0.1, Fault(kind, "scripted"))])
    ran = Stage({CHEAP.id: [script]}).play()
    assert ran.upstream.tried == [CHEAP.id]
    assert ran.client.data == b"half"


def test_an_error_reported_inside_a_stream_ends_it_as_broken_off() -> None:
    script = Script([(0.1, said("half")), (0.1, Piece(b"", error="overloaded"))])
    ran = Stage({CHEAP.id: [script]}).play()
    assert ran.fault is Kind.BROKEN
    assert [f.kind for f in ran.client.failed] == [Kind.BROKEN]


def test_an_error_reported_before_content_moves_on() -> None:
    script = Script([(0.1, Piece(b"", error="overloaded"))])
    ran = Stage({CHEAP.id: [script]}).play()
    assert [a.fault for a in ran.attempts] == [Kind.BROKEN, None]


def test_an_unforeseen_exception_upstream_is_ours_and_blames_nobody() -> None:
    ran = Stage({CHEAP.id: [Script([(0.1, ValueError("oops"))])]}).play()
    assert isinstance(ran.raised, ValueError)
    assert ran.fault is Kind.INTERNAL
    assert ran.upstream.tried == [CHEAP.id]
    assert ran.fails(CHEAP) == 0


def test_an_exception_where_the_answer_begins_is_internal_and_reported_once() -> None:
    ran = Stage(client=FakeClient(begins=RuntimeError("oops"))).play()
    assert isinstance(ran.raised, RuntimeError)
    assert ran.fault is Kind.INTERNAL
    assert [a.fault for a in ran.attempts] == [Kind.INTERNAL]
    assert ran.upstream.open == 0


def test_who_has_not_what_is_kept_elsewhere_does_not_hide_why_its_owner_could_not_answer() -> None:
    script = {CHEAP.id: [failing(Kind.RATE_LIMITED)], MIDDLE.id: [failing(Kind.ANOTHERS)]}
    ran = Stage(script, fleet=(CHEAP, MIDDLE)).play()
    assert [a.fault for a in ran.attempts] == [Kind.RATE_LIMITED, Kind.ANOTHERS]
    assert ran.fault is Kind.RATE_LIMITED
    assert isinstance(ran.raised, Fault)
    assert ran.raised.kind is Kind.RATE_LIMITED


# Empty answers


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("finish", [None, "stop", "end_turn"])
def test_an_empty_answer_is_tried_elsewhere(finish: str | None, *, stream: bool) -> None:
    empty = Script([(0.1, Piece(b"{}", finish=finish, ended=True))])
    ran = Stage({CHEAP.id: [empty]}, ask=an_ask(stream=stream)).play()
    assert [a.fault for a in ran.attempts] == [Kind.EMPTY, None]
    assert ran.client.data == b"one two three[DONE]"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("usage", [Usage(50), Usage(50, reasoning=9)])
def test_one_of_hidden_thoughts_alone_is_empty_too(usage: Usage, *, stream: bool) -> None:
    empty = Script([(0.1, Piece(b"{}", usage=usage, finish="stop", ended=True))])
    ran = Stage({CHEAP.id: [empty]}, ask=an_ask(stream=stream)).play()
    assert [a.fault for a in ran.attempts] == [Kind.EMPTY, None]


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_ends_its_turn_without_a_word_has_answered(*, stream: bool) -> None:
    silent = Script([(0.1, Piece(b"{}", usage=Usage(50, text=3), finish="end_turn", ended=True))])
    ran = Stage({CHEAP.id: [silent]}, ask=an_ask(stream=stream)).play()
    assert [a.fault for a in ran.attempts] == [None]
    assert ran.client.data == b"{}"
    assert ran.attempts[0].cost_nano_usd > 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("finish", ["length", "content_filter", "tool_calls"])
def test_one_that_was_cut_or_filtered_passes(finish: str, *, stream: bool) -> None:
    empty = Script([(0.1, Piece(b"{}", finish=finish, ended=True))])
    ran = Stage({CHEAP.id: [empty]}, ask=an_ask(stream=stream)).play()
    assert [a.fault for a in ran.attempts] == [None]
    assert ran.client.data == b"{}"
    assert ran.fault is None


# Whole answers


def test_a_whole_answer_is_measured_before_it_is_given() -> None:
    piece = Piece(b'{"all":1}', Content.ANSWER, 40, usage=Usage(50, text=40), finish="stop")
    ran = only(Script([(3.0, piece)]), ask=whole(an_ask(e2e(9000), ttft(1000)))).play()
    assert ran.client.head is not None
    outcome = ran.client.head.outcome
    assert outcome is not None
    (attempt,) = outcome.attempts
    assert attempt.first is None
    assert attempt.e2e_s == pytest.approx(3.1)
    assert ran.attempts == outcome.attempts
    assert ran.client.data == b'{"all":1}'
    bounds = ran.record.ask.sla.bounds
    facts = outcome.facts()
    verdicts = [outcome.verdict_of(b, facts) for b in bounds]
    assert verdicts == [Verdict.KEPT, Verdict.UNMEASURED]
    assert outcome.verdict() is Verdict.KEPT


def test_a_client_slow_to_take_a_whole_answer_blames_nobody() -> None:
    piece = Piece(b"{}", Content.ANSWER, 40, usage=Usage(50, text=40), finish="stop")
    client = FakeClient(takes_s=[10_000])
    ran = only(Script([(3.0, piece)]), ask=whole(), client=client).play()
    assert ran.fault is None
    assert ran.client.finished
    assert not ran.client.failed
    assert ran.attempts[0].fault is None


# Limits


def test_the_first_token_limit_runs_on_content_and_not_on_pings() -> None:
    pings = Script([(1.0, PING)] * 1000)
    ran = Stage({CHEAP.id: [pings]}).play()
    assert [a.fault for a in ran.attempts] == [Kind.FIRST_TOKEN_TIMEOUT, None]
    assert 5.0 <= ran.attempts[0].e2e_s < 15
    assert ran.client.data == b"one two three[DONE]"


def test_headers_that_never_come_are_overdue_as_well() -> None:
    ran = Stage({CHEAP.id: [Script(headers_after=1e6)]}).play()
    assert [a.fault for a in ran.attempts] == [Kind.FIRST_TOKEN_TIMEOUT, None]


def test_a_set_first_token_limit_stands_instead_of_the_forecast() -> None:
    patient = replace(CHEAP, limits=Limits(first_token_s=60))
    slow = Script([(50.0, said("late")), (0.0, END)])
    ran = Stage({CHEAP.id: [slow]}, fleet=(patient, MIDDLE)).play()
    assert ran.client.data == b"late[DONE]"


def test_a_gap_inside_an_answer_runs_on_content_and_not_on_pings() -> None:
    script = Script([(0.1, said("half")), *[(1.0, PING)] * 1000])
    ran = only(script).play()
    assert ran.fault is Kind.GAP_TIMEOUT
    assert 0.2 + 60 <= ran.seconds <= 0.2 + 60 * (1 + GAP_GRAIN) + 0.01
    assert [f.kind for f in ran.client.failed] == [Kind.GAP_TIMEOUT]
    assert ran.fails(CHEAP) > 0


def test_content_now_and_then_resets_the_gap() -> None:
    script = Script([(50.0 if i else 0.1, said("x")) for i in range(5)] + [(0.0, END)])
    ran = only(script).play()
    assert ran.fault is None
    assert ran.client.data == b"xxxxx[DONE]"


def test_the_total_limit_ends_an_answer_that_never_does() -> None:
    brief = replace(CHEAP, limits=Limits(total_s=20))
    script = Script([(1.0, said("x"))] * 1000)
    ran = only(script, fleet=(brief, MIDDLE)).play()
    assert ran.fault is Kind.TOTAL_TIMEOUT
    assert ran.seconds == pytest.approx(20, abs=0.01)
    assert [a.endpoint for a in ran.attempts] == [CHEAP.id]


@pytest.mark.parametrize("stream", [True, False])
def test_the_total_limit_holds_before_content_as_well(*, stream: bool) -> None:
    brief = replace(CHEAP, limits=Limits(total_s=2))
    ran = only(Script(hangs=True), fleet=(brief,), ask=an_ask(stream=stream)).play()
    assert ran.fault is Kind.TOTAL_TIMEOUT
    assert ran.seconds == pytest.approx(2, abs=0.01)


# Slow clients


def test_a_client_that_stops_reading_is_not_blamed_on_the_endpoint() -> None:
    ran = only(GOOD, client=FakeClient(takes_s=[0, 1000])).play()
    assert ran.fault is Kind.CANCELLED
    assert ran.attempts[0].fault is Kind.CANCELLED
    assert ran.fails(CHEAP) == 0
    assert ran.seconds < 100


def test_a_client_may_pause_when_the_first_token_came_late() -> None:
    """Content after 4.9 of 5 seconds: what follows is no longer the first token's limit."""
    limited = replace(CHEAP, limits=Limits(first_token_s=5))
    script = Script([(4.8, said("late")), (0.1, said("r")), (0.0, END)])
    ran = only(script, fleet=(limited,), client=FakeClient(takes_s=[1.0])).play()
    assert ran.fault is None
    assert ran.client.data == b"later[DONE]"


def test_a_client_may_pause_when_a_token_came_late() -> None:
    script = Script([(0.1, said("a")), (59.0, said("b")), (0.0, END)])
    ran = only(script, client=FakeClient(takes_s=[0, 5.0])).play()
    assert ran.fault is None


def test_the_time_a_client_takes_is_not_the_endpoints_gap() -> None:
    script = Script(
        [(0.1, said("a")), (0.0, PING), (50.0, said("b")), (30.0, said("c")), (0.0, END)]
    )
    ran = only(script, client=FakeClient(takes_s=[0, 40, 40])).play()
    assert ran.fault is None
    assert ran.client.data == b"a: ping\nbc[DONE]"


def test_a_client_found_gone_while_writing_is_cancelled_and_closes_the_upstream() -> None:
    ran = only(GOOD, client=FakeClient(gone_after=1)).play()
    assert ran.fault is Kind.CANCELLED
    assert ran.raised is None
    assert ran.client.failed == []
    assert ran.upstream.open == 0
    assert [a.fault for a in ran.attempts] == [Kind.CANCELLED]
