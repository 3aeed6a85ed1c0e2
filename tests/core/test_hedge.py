"""A rescue: when it is thought about, and when a second attempt is worth its money."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.ask import Ask
from router.core.catalogue import Endpoint
from router.core.forecast import p_wait, predictive
from router.core.hedge import (
    EARLIEST,
    SAVED_MOST,
    SHARE,
    Allowance,
    Rescue,
    after_s,
    backups,
    outlasted,
    rescue,
)
from router.core.stakes import Stakes
from tests.core.market import NOON, a_candidate, an_ask, an_endpoint, cost, e2e, known, ttft

CHEAP = an_endpoint("r1@cheap", 0.5, 2, ttft_ms=800)
BACKUP = an_endpoint("r1@backup", 1, 4, ttft_ms=400)
SLOW = an_endpoint("r1@slow", 0.6, 2.4, ttft_ms=30_000)
ASK = an_ask(ttft(2000))


def timer(*others: Endpoint, ask: Ask = ASK, elapsed_s: float = 0.0) -> float | None:
    found = backups(ask, [a_candidate(e) for e in others], wall=NOON)
    return after_s(ask, found[0], elapsed_s) if found else None


def fired(
    waited_s: float, *, lam: float = 50, ask: Ask = ASK, first: Endpoint = CHEAP,
    second: Endpoint = BACKUP, sd: float = 0.7, turns: float = 2.0,
) -> Rescue | None:  # fmt: skip
    candidates = [a_candidate(first, known(first, sd=sd)), a_candidate(second)]
    stakes = Stakes(lam, 0.0015, turns)
    return rescue(
        ask, first.id, candidates, stakes, wall=NOON, elapsed_s=waited_s, waited_s=waited_s
    )


def test_the_timer_is_the_last_moment_at_which_somebody_else_would_still_make_it() -> None:
    """400 ms at the median, some 700 at most: after 1.3 s of two it would become doubtful."""
    after = timer(BACKUP)
    assert after is not None
    assert 1.1 < after < 1.5


def test_time_that_is_gone_brings_the_timer_nearer() -> None:
    fresh, late = timer(BACKUP), timer(BACKUP, elapsed_s=0.5)
    assert fresh is not None
    assert late == pytest.approx(fresh - 0.5, abs=0.01)


def test_where_nobody_else_would_make_it_there_is_no_timer() -> None:
    assert timer() is None
    assert timer(SLOW) is None


def test_without_a_bound_on_time_there_is_nothing_to_rescue() -> None:
    assert timer(BACKUP, ask=an_ask()) is None


def test_a_timer_never_fires_when_the_first_has_hardly_begun() -> None:
    tight = replace(BACKUP, prior=replace(BACKUP.prior, ttft_ms=1400))
    after = timer(tight)
    assert after is None or after >= EARLIEST * 2


def test_a_bound_on_the_whole_answer_leaves_the_second_time_to_decode() -> None:
    after = timer(BACKUP, ask=an_ask(e2e(40_000)))
    assert after is not None
    assert after < 25


def test_a_silent_first_is_rescued_where_a_miss_is_dear() -> None:
    found = fired(1.3)
    assert found is not None
    assert found.decision.chosen is BACKUP
    assert found.first_keeps < 0.9 < found.second_keeps
    assert found.gain_usd > found.spend_usd


def test_a_first_that_will_likely_make_it_is_left_alone() -> None:
    assert fired(0.2, sd=0.2) is None


def test_where_a_miss_is_cheap_nobody_pays_for_two() -> None:
    assert fired(1.3, lam=0.5) is None


def test_in_a_conversation_a_second_must_be_worth_its_later_turns_too() -> None:
    talk = ASK._replace(session="s")
    alone, talking = (fired(1.3, ask=a) for a in (ASK, talk))
    assert alone is not None
    assert talking is not None
    assert talking.spend_usd > alone.spend_usd


def test_in_a_long_conversation_nobody_is_rescued() -> None:
    talk = ASK._replace(session="s")
    assert fired(1.3, ask=talk, turns=8.0) is None
    assert fired(1.3, turns=8.0) is not None


def test_a_loser_that_is_billed_to_its_end_must_be_worth_its_answer() -> None:
    billed = replace(CHEAP, bills_after_cancel=True)
    plain, dear = fired(1.3), fired(1.3, first=billed)
    assert plain is not None
    assert dear is None or dear.spend_usd > plain.spend_usd


WHOLE = an_ask(e2e(20_000), stream=False)
"""Takes CHEAP and BACKUP about thirteen seconds."""


def test_a_whole_answer_is_silent_while_it_is_made_and_needs_no_rescue_for_that() -> None:
    quick = an_endpoint("r1@quick", 0.5, 2, ttft_ms=400, tps=100)
    assert fired(4.0, ask=WHOLE, first=quick, lam=10) is None


def test_a_whole_answer_that_should_have_been_there_long_ago_is_rescued() -> None:
    quick = an_endpoint("r1@quick", 0.5, 2, ttft_ms=400, tps=300)
    hung = an_endpoint("r1@hung", 0.5, 2, ttft_ms=400, tps=300)
    ask = an_ask(e2e(40_000), stream=False)
    found = fired(25.0, ask=ask, first=hung, second=quick)
    assert found is not None
    assert found.first_keeps < 0.5 < found.second_keeps


def test_a_first_token_that_a_whole_answer_never_shows_cannot_be_saved() -> None:
    assert timer(BACKUP, ask=an_ask(ttft(2000), stream=False)) is None


def test_what_the_loser_makes_of_a_whole_answer_is_part_of_the_price() -> None:
    """Of a stream only the prompt is paid twice; of a whole answer what both have made."""
    slow = an_endpoint("r1@slow", 0.5, 2, ttft_ms=400, tps=30)
    streamed = fired(15.0, ask=an_ask(e2e(35_000)), first=slow, lam=300)
    whole = fired(15.0, ask=an_ask(e2e(35_000), stream=False), first=slow, lam=300)
    assert streamed is not None
    assert whole is None or whole.spend_usd > streamed.spend_usd


def test_a_bound_on_cost_holds_for_both_attempts_together() -> None:
    both = an_ask(ttft(2000), cost(0.006))
    assert fired(1.3, ask=both) is not None
    one = an_ask(ttft(2000), cost(0.004))
    assert fired(1.3, ask=one) is None


def test_of_whole_answers_too_it_holds_for_both() -> None:
    quick = an_endpoint("r1@quick", 0.5, 2, ttft_ms=400, tps=300)
    hung = an_endpoint("r1@hung", 0.5, 2, ttft_ms=400, tps=300)

    def at_most(usd: float) -> Rescue | None:
        ask = an_ask(e2e(40_000), cost(usd), stream=False)
        return fired(25.0, ask=ask, first=hung, second=quick)

    found = at_most(1.0)
    assert found is not None
    each_usd = found.decision.plan[0].cost_usd
    assert at_most(2.02 * each_usd) is not None
    assert at_most(1.98 * each_usd) is None


def test_a_whole_answer_is_rescued_for_its_end_though_its_first_token_is_long_due() -> None:
    quick = an_endpoint("r1@quick", 0.5, 2, ttft_ms=400, tps=300)
    hung = an_endpoint("r1@hung", 0.5, 2, ttft_ms=400, tps=300)
    for bounds in ((e2e(40_000),), (ttft(900), e2e(40_000))):
        found = fired(25.0, ask=an_ask(*bounds, stream=False), first=hung, second=quick)
        assert found is not None
        assert found.second_keeps > 0.9


def test_what_was_spent_before_counts_against_a_bound_on_cost() -> None:
    ask = an_ask(ttft(2000), cost(0.006))
    candidates = [a_candidate(CHEAP, known(CHEAP, sd=0.7)), a_candidate(BACKUP)]

    def after(spent_usd: float) -> Rescue | None:
        return rescue(
            ask, CHEAP.id, candidates, Stakes(50, 0.0015), wall=NOON,
            elapsed_s=1.3, waited_s=1.3, spent_usd=spent_usd,
        )  # fmt: skip

    assert after(0.0) is not None
    assert after(0.004) is None


@given(waited=st.floats(1e-6, 1e3), more=st.floats(1, 1e3))
def test_what_has_lasted_so_long_will_rather_last_longer(waited: float, more: float) -> None:
    """P(T <= t | T > w) falls in w, rises in t, and is nothing up to w."""
    stats = known(CHEAP)
    belief = predictive(stats)
    late = outlasted(belief, stats, 0.5, waited)
    later = outlasted(belief, stats, 0.5, waited * more)
    for residual in (-1.0, 0.0, 0.3, 0.8, 2.0):
        assert 0 <= p_wait(later.cdf, residual) <= p_wait(late.cdf, residual) + 1e-9
        assert p_wait(late.cdf, residual) <= p_wait(belief.cdf, residual) + 1e-9
    assert list(late.cdf) == sorted(late.cdf)
    assert late.cdf[-1] <= 1


def test_what_is_silent_far_beyond_its_habit_is_taken_to_hang() -> None:
    stats = known(CHEAP)
    late = outlasted(predictive(stats), stats, 0.5, 20.0)
    assert p_wait(late.cdf, 3.4) <= 0.9


def test_the_likeliest_backup_comes_first_whatever_it_costs() -> None:
    dear = an_endpoint("r1@dear", 30, 60, ttft_ms=100)
    found = backups(ASK, [a_candidate(e) for e in (SLOW, CHEAP, dear, BACKUP)], wall=NOON)
    assert found[0].candidate.endpoint is dear
    assert SLOW not in [b.candidate.endpoint for b in found]


def test_rescues_are_few_however_slow_everybody_is() -> None:
    allowance, rescued = Allowance(), 0
    for _ in range(1000):
        allowance.asked()
        if allowance.left:
            allowance.spend()
            rescued += 1
    assert rescued <= 1000 * SHARE + SAVED_MOST
