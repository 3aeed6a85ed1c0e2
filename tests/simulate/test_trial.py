"""One attempt: what is seen of it, when it ends, and what it truly costs."""

from __future__ import annotations

from math import inf

import pytest

from router.core.faults import Kind
from router.simulate.scenario import Event
from router.simulate.trial import Trial, tried
from router.simulate.world import NEVER, Fate
from tests.simulate.towns import a_seller, a_world, an_errand, site

WHOLE = Fate(
    first=1.0, answer=3.0, last=11.0, fresh=2000, cached=500, text=400, reasoning=100, visible=500
)
HANGS = WHOLE._replace(first=NEVER, answer=NEVER, last=NEVER, visible=0)
SECRET = WHOLE._replace(first=6.0, answer=6.0, last=11.0, text=250, reasoning=250, visible=250)
PROMPT = 2000 * 1_000 + 500 * 100
TOKEN = 4_000
"""Nano-USD: 1 USD a million prompt tokens, a tenth of that from the cache, 4 for output."""


def run(
    fate: Fate,
    *,
    stream: bool = True,
    patience_s: float = 60.0,
    left_s: float = inf,
    bills_after_cancel: bool = False,
) -> Trial:
    world = a_world(a_seller(bills_after_cancel=bills_after_cancel))
    return tried(
        site(world),
        an_errand(stream=stream),
        fate,
        number=1,
        now=100.0,
        wall=1e9,
        patience_s=patience_s,
        left_s=left_s,
    )


def test_a_whole_answer_is_seen_and_billed_as_it_was_made() -> None:
    trial = run(WHOLE)
    attempt = trial.attempt
    assert (attempt.fault, attempt.status, trial.begun) == (None, 200, True)
    assert (attempt.ttft_s, attempt.ttfat_s, attempt.e2e_s) == (1.0, 3.0, 11.0)
    assert attempt.tps == pytest.approx(49.9)
    assert trial.bill_nano_usd == attempt.cost_nano_usd == PROMPT + 500 * TOKEN


@pytest.mark.parametrize(
    ("fate", "left_s", "tokens"),
    [
        (WHOLE, 0.5, 0),
        (WHOLE, 6.0, 250),
        (SECRET, 0.5, 0),
        (SECRET, 3.5, 125),
        (SECRET, 8.5, 375),
        (HANGS, 30.0, 0),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_who_was_outrun_is_billed_for_what_was_made_until_then(
    fate: Fate, left_s: float, tokens: int, *, stream: bool
) -> None:
    trial = run(fate, left_s=left_s, stream=stream)
    assert trial.attempt.fault is Kind.OUTRUN
    assert trial.attempt.e2e_s == left_s
    assert trial.bill_nano_usd == pytest.approx(PROMPT + tokens * TOKEN, abs=2 * TOKEN)


@pytest.mark.parametrize("left_s", [0.5, 6.0])
def test_who_bills_after_a_cancel_bills_the_whole_answer(left_s: float) -> None:
    trial = run(WHOLE, left_s=left_s, bills_after_cancel=True)
    assert trial.bill_nano_usd == PROMPT + 500 * TOKEN
    overdue = run(WHOLE, patience_s=0.5, bills_after_cancel=True)
    assert overdue.attempt.fault is Kind.FIRST_TOKEN_TIMEOUT
    assert overdue.bill_nano_usd == PROMPT + 500 * TOKEN


def test_what_is_booked_of_a_cancelled_answer_is_marked_as_an_estimate() -> None:
    usage = run(WHOLE, left_s=6.0).attempt.usage
    assert usage is not None
    assert usage.estimated
    assert (usage.input, usage.output) == (2000, 250)


@pytest.mark.parametrize("bills_after_cancel", [True, False])
def test_a_refusal_costs_nothing_and_says_when_to_come_again(*, bills_after_cancel: bool) -> None:
    full = Event(endpoint="one@here", kind="rate-limit", from_minute=0, to_minute=9)
    down = Event(endpoint="one@here", kind="outage", from_minute=0, to_minute=9)
    for event, kind, retry_after_s in (
        (full, Kind.RATE_LIMITED, 10.0),
        (down, Kind.SERVER_ERROR, None),
    ):
        world = a_world(a_seller(bills_after_cancel=bills_after_cancel), events=[event])
        here, errand = site(world), an_errand()
        fate = world.fate(here, errand, 1, 60.0, 0)
        trial = tried(here, errand, fate, number=1, now=60.0, wall=1e9, patience_s=60.0)
        assert (trial.attempt.fault, trial.retry_after_s) == (kind, retry_after_s)
        assert trial.bill_nano_usd == trial.attempt.cost_nano_usd == 0
        assert (trial.begun, trial.attempt.usage, trial.attempt.first) == (False, None, None)
        assert 0.1 <= trial.attempt.e2e_s <= 1.0


def test_an_answer_that_stalls_ends_after_its_gap_and_nobody_may_continue_it() -> None:
    trial = run(WHOLE._replace(stalls_at=0.5))
    attempt = trial.attempt
    assert (attempt.fault, attempt.ended, trial.begun) == (Kind.GAP_TIMEOUT, 100 + 6 + 60, True)
    assert (attempt.first, attempt.last, attempt.visible_tokens) == (101.0, 106.0, 250)
    assert trial.bill_nano_usd == PROMPT + 250 * TOKEN


def test_a_whole_answer_that_stalls_is_overdue_and_billed_for_what_was_made() -> None:
    trial = run(WHOLE._replace(stalls_at=0.5), stream=False)
    assert (trial.attempt.fault, trial.attempt.e2e_s) == (Kind.FIRST_TOKEN_TIMEOUT, 60.0)
    assert not trial.begun
    assert trial.bill_nano_usd == PROMPT + 250 * TOKEN


def test_a_hang_ends_with_the_buyers_patience_and_costs_its_prompt() -> None:
    trial = run(HANGS, patience_s=7.0)
    attempt = trial.attempt
    assert (attempt.fault, attempt.e2e_s, trial.begun) == (Kind.FIRST_TOKEN_TIMEOUT, 7.0, False)
    assert (attempt.first, attempt.status) == (None, None)
    assert trial.bill_nano_usd == PROMPT


def test_the_limit_of_an_endpoint_ends_whoever_is_more_patient() -> None:
    trial = run(HANGS, patience_s=1e9)
    assert (trial.attempt.fault, trial.attempt.e2e_s) == (Kind.TOTAL_TIMEOUT, 1800.0)
    long = run(WHOLE._replace(last=3601.0), patience_s=1e9)
    assert (long.attempt.fault, long.attempt.e2e_s) == (Kind.TOTAL_TIMEOUT, 1800.0)
    assert long.begun
    assert long.bill_nano_usd == pytest.approx(PROMPT + 250 * TOKEN, rel=0.01)


def test_a_whole_answer_must_end_within_the_patience_and_a_stream_begin() -> None:
    assert run(WHOLE, patience_s=5.0).attempt.fault is None
    late = run(WHOLE, patience_s=6.0, stream=False)
    assert (late.attempt.fault, late.begun) == (Kind.FIRST_TOKEN_TIMEOUT, False)
    assert late.bill_nano_usd == PROMPT + 250 * TOKEN
