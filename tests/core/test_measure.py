"""Facts and verdicts: what one request really got."""

from __future__ import annotations

import pytest

from router.core.answer import Usage
from router.core.ask import Bound, BoundKind, Sla
from router.core.faults import Kind
from router.core.measure import Attempt, Outcome, Verdict
from tests.core.market import an_attempt, e2e, ttft


def an_outcome(
    *attempts: Attempt, bounds: tuple[Bound, ...] = (), fault: Kind | None = None
) -> Outcome:
    ended = attempts[-1].ended if attempts else 100.0
    return Outcome(attempts, 99.0, ended, fault, Sla(bounds))


def test_the_five_counts_of_usage_are_disjoint() -> None:
    usage = Usage(fresh_input=1, cache_read=20, cache_write=300, text=4_000, reasoning=50_000)
    assert (usage.input, usage.output) == (321, 54_000)
    assert usage.input + usage.output == sum(usage[:5])


def test_the_verdict_counts_from_the_last_byte_of_the_request() -> None:
    """Sent after a second, the first token after another half: 1.5 s for the client."""
    facts = an_outcome(an_attempt(ttft_s=0.5, output=101, tps=50)).facts()
    assert facts[BoundKind.TTFT] == pytest.approx(1500)
    assert facts[BoundKind.E2E] == pytest.approx(3500)
    assert facts[BoundKind.TPS] == pytest.approx(50)
    assert facts[BoundKind.ANSWER_TOKENS] == 101


def test_all_attempts_are_paid() -> None:
    outcome = an_outcome(an_attempt(cost_nano_usd=3), an_attempt(cost_nano_usd=4))
    assert outcome.cost_nano_usd == 7
    assert outcome.facts()[BoundKind.COST] == pytest.approx(7e-9)
    assert not outcome.estimated


def test_one_estimate_makes_the_cost_an_estimate() -> None:
    guessed = an_attempt(usage=Usage(1, text=1, estimated=True))
    assert an_outcome(guessed, an_attempt()).estimated


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ((), Verdict.NONE),
        ((ttft(1900),), Verdict.KEPT),
        ((ttft(1700),), Verdict.MISSED),
        ((ttft(1900), e2e(20_000)), Verdict.KEPT),
        ((ttft(1900), e2e(5_000)), Verdict.MISSED),
        ((Bound(BoundKind.TPS, 40),), Verdict.KEPT),
        ((Bound(BoundKind.TPS, 60),), Verdict.MISSED),
        ((Bound(BoundKind.ANSWER_TOKENS, 600),), Verdict.KEPT),
        ((Bound(BoundKind.ANSWER_TOKENS, 599),), Verdict.MISSED),
        ((Bound(BoundKind.COST, 0.0),), Verdict.KEPT),
        ((Bound(BoundKind.CONTEXT, 10**9),), Verdict.KEPT),
    ],
)
def test_a_request_is_kept_when_every_bound_is(bounds: tuple[Bound, ...], verdict: Verdict) -> None:
    assert an_outcome(an_attempt(), bounds=bounds).verdict() is verdict


def test_a_whole_answer_leaves_what_cannot_be_told_unmeasured() -> None:
    attempt = an_attempt(streamed=False)
    outcome = an_outcome(attempt, bounds=(ttft(1), Bound(BoundKind.TPS, 1e9)))
    assert outcome.verdict() is Verdict.UNMEASURED
    outcome = an_outcome(attempt, bounds=(ttft(1), e2e(60_000)))
    assert outcome.verdict() is Verdict.KEPT
    outcome = an_outcome(attempt, bounds=(ttft(1), Bound(BoundKind.CONTEXT, 9000)))
    assert outcome.verdict() is Verdict.UNMEASURED
    outcome = an_outcome(attempt, bounds=(ttft(1), e2e(1)))
    assert outcome.verdict() is Verdict.MISSED


def test_a_request_that_failed_missed_every_bound_it_declared() -> None:
    failed = an_attempt(fault=Kind.BROKEN)
    outcome = an_outcome(failed, bounds=(ttft(60_000),), fault=Kind.BROKEN)
    assert outcome.verdict() is Verdict.MISSED
    assert an_outcome(failed, fault=Kind.BROKEN).verdict() is Verdict.NONE


def test_a_client_that_left_is_no_verdict() -> None:
    outcome = an_outcome(an_attempt(), bounds=(ttft(1),), fault=Kind.CANCELLED)
    assert outcome.verdict() is Verdict.UNMEASURED


def test_a_request_that_was_refused_has_no_facts() -> None:
    outcome = an_outcome(bounds=(ttft(1),), fault=Kind.INFEASIBLE)
    assert outcome.facts() == {}
    assert outcome.final is None
    assert outcome.cost_nano_usd == 0


@pytest.mark.parametrize("kind", BoundKind)
def test_the_limit_itself_keeps_the_bound(kind: BoundKind) -> None:
    bound = Bound(kind, 100)
    assert bound.kept_by(100)
    assert bound.kept_by(101) is kind.is_floor
    assert bound.kept_by(99) is not kind.is_floor
