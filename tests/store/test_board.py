"""The board: what a process knows of its endpoints, at once and by heart."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest

from router.core.answer import Usage
from router.core.ask import Ask, Preferences, PromptSize
from router.core.candidate import Standing
from router.core.catalogue import Dialect, Endpoint
from router.core.decide import LIKELY, decide
from router.core.decision import Decision, Reason
from router.core.faults import FAULTS, Kind
from router.core.lengths import Lengths
from router.core.measure import Outcome
from router.core.stakes import AIM, HIGHEST, LOWEST, STAKES, START, step
from router.core.stats import Stats
from router.store import board
from router.store.board import MAX_CLASSES, MOST_TOLD, OPEN_MOST_S, OPEN_S, Board
from tests.core.loop import VirtualClock
from tests.core.market import R1, an_ask, an_attempt, an_endpoint, ttft

ONE = an_endpoint("r1@one")
TWO = an_endpoint("r1@two", 2, 8)
CHAT = an_ask(ttft(1000))
CALM = an_ask(ttft(5000))


class Table:
    """A board with a clock that stands until it is moved, and words to play with it."""

    def __init__(self, *fleet: Endpoint) -> None:
        self.clock = VirtualClock()
        self.board = Board(fleet or (ONE, TWO), self.clock)

    def stats(self, endpoint: Endpoint = ONE) -> Stats:
        found = self.board.candidates(CHAT)
        return next(c.stats for c in found if c.endpoint is endpoint)

    def standing(self, endpoint: Endpoint = ONE) -> Standing | None:
        found = self.board.candidates(CHAT)
        return next(c.standing for c in found if c.endpoint is endpoint)

    def sees(
        self,
        ttft_s: float | None = 0.8,
        *,
        fault: Kind | None = None,
        retry_after_s: float | None = None,
        elapsed_s: float = 0.1,
        ask: Ask = CHAT,
        sent_ago: float = 0.0,
        usage: Usage | None = None,
    ) -> None:
        self.board.begun(ONE)
        attempt = an_attempt(
            ttft_s=ttft_s,
            fault=fault,
            elapsed_s=elapsed_s,
            endpoint=ONE.id,
            usage=usage,
            sent=self.clock.now - sent_ago,
            started_wall=self.clock.now - sent_ago,
        )
        self.board.observe(attempt, ask, retry_after_s)

    def fails(self, times: int = 1) -> None:
        for _ in range(times):
            self.sees(None, fault=Kind.SERVER_ERROR)

    def nothing(self) -> Lengths:
        return Table().board.candidates(CHAT)[0].lengths

    def settles(self, ask: Ask = CHAT, ttft_s: float = 0.8, fault: Kind | None = None) -> None:
        decision = self._decision(ask)
        attempt = an_attempt(ttft_s=ttft_s, endpoint=ONE.id, fault=fault)
        outcome = Outcome((attempt,), attempt.sent, attempt.ended, fault, ask.sla)
        self.board.settle(outcome, decision, ask)

    def _decision(self, ask: Ask) -> Decision:
        candidates, stakes = self.board.candidates(ask), self.board.stakes(ask.kind)
        return decide(ask, candidates, stakes, wall=self.clock.now)


def test_candidates_come_in_the_operators_order_and_serve_the_model() -> None:
    other = replace(an_endpoint("x@y"), serves=())
    table = Table(TWO, other, ONE)
    assert [c.endpoint for c in table.board.candidates(CHAT)] == [TWO, ONE]
    assert list(table.board.endpoints) == [TWO, other, ONE]


def test_own_outcomes_count_at_once() -> None:
    table = Table()
    before = table.stats()
    table.sees(8.0)
    after = table.stats()
    assert after.ttft_samples == before.ttft_samples + 1
    assert after.level > before.level
    assert table.stats(TWO) == Table().stats(TWO)


def test_own_outcomes_count_at_once_for_every_class() -> None:
    """Whichever class asks first: what it makes of an outcome is not kept from the others."""
    table = Table()
    for _ in range(200):
        table.sees(0.8)
        table.clock.now += 1
    before = [table.board.candidates(ask)[0].stats.level for ask in (CHAT, CALM)]
    table.sees(8.0)
    after = [table.board.candidates(ask)[0].stats.level for ask in (CALM, CHAT)]
    assert before[0] == before[1] < after[0] == after[1]


def many_a_second(table: Table, *, seconds: int = 30) -> None:
    """Play so many outcomes that a single one is no news."""
    usage = Usage(fresh_input=100, text=200)
    for i in range(100 * seconds):
        table.sees(0.8 + i % 7 / 100, usage=usage)
        table.clock.now += 0.01
        if i % 10 == 0:
            table.stats()


def test_what_waits_for_its_peers_is_learned_from_as_if_it_had_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = Table()
    many_a_second(waiting)
    monkeypatch.setattr(board, "MOST_WAITING", 1)
    prompt = Table()
    many_a_second(prompt)
    for table in (waiting, prompt):
        table.clock.now += 1
    assert waiting.stats() == prompt.stats()
    one, other = (table.board.journal.take() for table in (waiting, prompt))
    assert one is not None
    assert other is not None
    assert one.sums.keys() == other.sums.keys()
    for key, sums in one.sums.items():
        assert sums == pytest.approx(other.sums[key], rel=1e-6)


def pushed() -> Table:
    """A busy table of which everything was pushed."""
    table = Table()
    many_a_second(table)
    before = table.board.journal.take()
    assert before is not None
    table.board.journal.acknowledge(before)
    return table


def test_what_waits_for_its_peers_is_pushed_with_them() -> None:
    table = pushed()
    shared = table.board.journal
    table.sees(0.8)
    assert shared.unpushed == 0
    assert shared.take() is not None


def test_a_failure_is_learned_from_at_once_with_all_that_came_before() -> None:
    table = pushed()
    shared = table.board.journal
    table.sees(0.8)
    table.fails()
    assert shared.unpushed > 0


def test_another_processs_outcomes_count_once_pulled() -> None:
    here, there = Table(), Table()
    there.sees(8.0)
    batch = there.board.journal.take()
    assert batch is not None
    before = here.stats()
    here.board.journal.absorb(batch.sums, batch.latest)
    assert here.stats().level == there.stats().level > before.level
    for table in (here, there):
        table.clock.now += 3
    assert here.stats() == there.stats()


def test_pulled_totals_stand_beside_what_is_unpushed() -> None:
    here, there = Table(), Table()
    here.sees(0.8)
    for _ in range(3):
        there.sees(0.8)
    batch = there.board.journal.take()
    assert batch is not None
    here.board.journal.absorb(batch.sums, batch.latest)
    assert here.stats().ttft_samples == 4


def test_doubt_grows_while_nobody_looks() -> None:
    table = Table()
    for _ in range(50):
        table.sees(0.9)
        table.clock.now += 0.5
    sure = table.stats().level_sd
    table.clock.now += 3600
    assert table.stats().level_sd > 2 * sure


# The breaker


def test_two_failures_in_a_row_are_bad_luck_and_three_open_the_breaker() -> None:
    table = Table()
    table.fails(2)
    assert table.standing() is None
    table.fails()
    standing = table.standing()
    assert standing is not None
    assert standing.reason is Reason.COOLING
    assert standing.until_wall == table.clock.now + OPEN_S
    assert table.standing(TWO) is None


def test_a_success_between_failures_keeps_it_closed() -> None:
    table = Table()
    table.fails(2)
    table.sees()
    table.fails(2)
    assert table.standing() is None


def test_an_answer_that_had_begun_before_a_failure_does_not_tell_that_it_is_over() -> None:
    """An endpoint breaks while long answers still stream from it: each of them ends well."""
    table = Table()
    for _ in range(3):
        table.sees(sent_ago=10.0)
        table.fails()
    standing = table.standing()
    assert standing is not None
    assert standing.reason is Reason.COOLING


def test_failures_by_chance_among_many_long_answers_do_not_open_it() -> None:
    """Ten requests a second, a hundredth of which fail at once; no answer has ended yet."""
    table = Table()
    for number in range(600):
        table.clock.now += 0.1
        if number % 100 == 0:
            table.fails()
        else:
            table.board.begun(ONE)
        assert table.standing() is None


def test_long_answers_that_still_stream_do_not_keep_it_half_open() -> None:
    table = Table()
    table.board.begun(ONE)
    sent = table.clock.now
    table.clock.now += 1
    table.fails(3)
    table.clock.now += OPEN_S
    assert table.standing() is None
    table.board.begun(ONE)
    assert table.standing() is not None
    table.board.observe(an_attempt(endpoint=ONE.id, sent=sent, started_wall=sent), CHAT, None)
    assert table.standing() is not None
    gone = an_attempt(
        ttft_s=None, fault=Kind.CANCELLED, endpoint=ONE.id, sent=table.clock.now,
        started_wall=table.clock.now,
    )  # fmt: skip
    table.board.observe(gone, CHAT, None)
    assert table.standing() is None


def test_it_lets_one_request_try_and_closes_when_that_is_served() -> None:
    table = Table()
    table.fails(3)
    table.clock.now += OPEN_S
    assert table.standing() is None
    table.board.begun(ONE)
    standing = table.standing()
    assert standing is not None
    assert standing.reason is Reason.COOLING
    now = table.clock.now
    served = an_attempt(endpoint=ONE.id, sent=now, started_wall=now)
    table.board.observe(served, CHAT, None)
    assert table.standing() is None
    table.board.begun(ONE)
    assert table.standing() is None


def test_every_failed_trial_doubles_its_time_up_to_a_limit() -> None:
    table = Table()
    table.fails(3)
    opened = []
    for _ in range(8):
        standing = table.standing()
        assert standing is not None
        opened.append(standing.until_wall - table.clock.now)
        table.clock.now = standing.until_wall
        table.fails()
    assert opened == [OPEN_S, 20, 40, 80, *[OPEN_MOST_S] * 4]


def test_requests_that_were_under_way_when_it_opened_do_not_double_its_time() -> None:
    """Thirty answers cut off by one restart are one failure of the endpoint, not thirty."""
    table = Table()
    for _ in range(30):
        table.sees(None, fault=Kind.BROKEN, sent_ago=5.0)
    standing = table.standing()
    assert standing is not None
    assert standing.until_wall == table.clock.now + OPEN_S


def test_an_open_breaker_is_shared_by_the_latest_time() -> None:
    here, there = Table(), Table()
    there.fails(3)
    batch = there.board.journal.take()
    assert batch is not None
    here.board.journal.absorb({}, batch.latest)
    standing = here.standing()
    assert standing is not None
    assert standing.reason is Reason.COOLING


@pytest.mark.parametrize("kind", [k for k, s in FAULTS.items() if not s.blames])
def test_what_is_not_the_endpoints_fault_is_not_held_against_it(kind: Kind) -> None:
    table = Table()
    before = table.stats().p_fail
    for _ in range(5):
        table.sees(None, fault=kind, retry_after_s=0.0)
    assert table.standing() is None
    assert table.stats().p_fail == before


# Rate limits


def test_a_429_blocks_until_its_time_and_is_no_failure() -> None:
    table = Table()
    table.sees(None, fault=Kind.RATE_LIMITED, retry_after_s=30)
    standing = table.standing()
    assert standing is not None
    assert standing.reason is Reason.RATE_LIMITED
    assert standing.until_wall == table.clock.now + 30
    assert table.stats().p_fail == Table().stats().p_fail
    table.clock.now += 30
    assert table.standing() is None


def test_a_429_without_a_time_blocks_two_seconds() -> None:
    table = Table()
    table.sees(None, fault=Kind.RATE_LIMITED)
    standing = table.standing()
    assert standing is not None
    assert standing.until_wall == table.clock.now + 2


def test_a_shorter_429_does_not_shorten_a_longer_one() -> None:
    table = Table()
    table.sees(None, fault=Kind.RATE_LIMITED, retry_after_s=30)
    table.sees(None, fault=Kind.RATE_LIMITED, retry_after_s=1)
    standing = table.standing()
    assert standing is not None
    assert standing.until_wall == table.clock.now + 30


def test_an_adapter_that_loads_is_told() -> None:
    board = Board([ONE], VirtualClock(), ready=lambda dialect: dialect is not Dialect.OPENAI)
    (candidate,) = board.candidates(CHAT)
    assert candidate.standing is not None
    assert candidate.standing.reason is Reason.ADAPTER_LOADING


# Clients


def test_a_client_that_leaves_early_says_nothing() -> None:
    table = Table()
    before = table.stats()
    for _ in range(5):
        table.sees(None, fault=Kind.CANCELLED, elapsed_s=0.1)
    assert table.stats() == before


def test_a_client_that_leaves_late_says_that_it_took_so_long_at_least() -> None:
    table = Table()
    before = table.stats()
    for _ in range(5):
        table.sees(None, fault=Kind.CANCELLED, elapsed_s=20)
    assert table.stats().level > before.level + 0.5
    assert table.stats().p_fail == before.p_fail


def test_a_whole_answer_given_up_while_it_was_made_does_not_slow_its_endpoint() -> None:
    """Six hundred tokens at 50 a second take twelve seconds, and the wait."""
    table = Table()
    before = table.stats()
    for _ in range(5):
        table.board.begun(ONE)
        cut = an_attempt(ttft_s=None, fault=Kind.OUTRUN, elapsed_s=9.0, endpoint=ONE.id)
        cut = cut._replace(streamed=False, started_wall=table.clock.now)
        table.board.observe(cut, CHAT._replace(stream=False), None)
    assert table.stats().level == before.level
    assert table.stats().speed == before.speed


# Tokens


def test_what_a_model_makes_of_bytes_is_learned_per_family() -> None:
    table = Table(ONE, replace(an_endpoint("claude@a"), family="claude"))
    for _ in range(100):
        table.sees(usage=Usage(fresh_input=1000, text=600))
    table.clock.now += 3
    mine, other = (c.rates for c in table.board.candidates(CHAT))
    assert mine.prompt_tokens(PromptSize(2000)) == pytest.approx(1000, rel=0.02)
    assert other.prompt_tokens(PromptSize(2000)) == 500
    assert table.board.rates(ONE) == mine


def test_answer_lengths_are_learned_per_family_and_class() -> None:
    table = Table()
    for _ in range(200):
        table.sees(usage=Usage(fresh_input=500, text=50))
    table.clock.now += 3
    here = table.board.candidates(CHAT)[0].lengths
    elsewhere = table.board.candidates(CALM)[0].lengths
    assert here.mean == pytest.approx(50, rel=0.15)
    assert here.mean < elsewhere.mean < 600 < table.nothing().mean
    assert (here.samples, elsewhere.samples) == (200, 0)


# Classes


def test_misses_raise_the_price_of_a_miss_and_kept_ones_lower_it() -> None:
    table = Table()
    key = CALM.sla.class_key(R1)
    assert table.board.stakes(key).lam == START
    table.settles(CALM, ttft_s=9.0)
    raised = table.board.stakes(key).lam
    assert raised == pytest.approx(START * exp(step(0) * (1 - AIM * 0.05)))
    table.settles(CALM, ttft_s=0.3)
    assert table.board.stakes(key).lam < raised


def test_the_price_of_a_miss_comes_back_from_both_its_clamps() -> None:
    table = Table()
    key = CALM.sla.class_key(R1)
    for _ in range(500):
        table.settles(CALM, ttft_s=9.0)
    assert table.board.stakes(key).lam == pytest.approx(HIGHEST, rel=0.05)
    for _ in range(60):
        table.settles(CALM, ttft_s=0.3)
    assert table.board.stakes(key).lam < 0.95 * HIGHEST
    for _ in range(6000):
        table.settles(CALM, ttft_s=0.3)
    assert table.board.stakes(key).lam == pytest.approx(LOWEST, rel=0.01)
    for _ in range(10):
        table.settles(CALM, ttft_s=9.0)
    assert table.board.stakes(key).lam > 1.3 * LOWEST


def test_a_price_that_decides_nothing_comes_down_quickly_but_not_in_conversations() -> None:
    """The cheaper one would serve only if a miss cost a fifth of an answer."""
    cheaper = replace(an_endpoint("r1@cheaper", 0.5, 2.0, ttft_ms=3500), family=ONE.family)

    def lam_after(count: int, ask: Ask) -> float:
        table = Table(ONE, cheaper)
        for _ in range(count):
            table.settles(ask, ttft_s=0.3)
        return table.board.stakes(ask.sla.class_key(R1)).lam

    once, talking = lam_after(100, CALM), lam_after(100, CALM._replace(session="s"))
    assert once < 0.5 * talking


def test_a_client_that_left_teaches_nothing_about_its_class() -> None:
    table = Table()
    table.settles(CALM, ttft_s=9.0, fault=Kind.CANCELLED)
    assert table.board.stakes(CALM.sla.class_key(R1)).lam == START


def test_what_nobody_could_have_kept_does_not_move_the_price() -> None:
    table = Table()
    hopeless = an_ask(ttft(1))
    for _ in range(20):
        table.settles(hopeless)
    stakes = table.board.stakes(hopeless.sla.class_key(R1))
    assert stakes.lam == START


def test_a_miss_that_somebody_would_rather_have_kept_counts_but_in_conversations() -> None:
    """The better of the two keeps these bounds seven times in ten; 95 of 100 are declared."""
    hard = an_ask(ttft(1100))

    def moved_by(ask: Ask) -> float:
        table = Table()
        assert LIKELY < max(o.p_keep for o in table._decision(ask).plan) < ask.sla.percentile
        table.settles(ask, ttft_s=5.0)
        subject = table.board._class(ask.sla.class_key(R1))
        return table.board.journal.read(subject, STAKES, table.clock.now)[0]

    assert moved_by(hard) > 0
    assert moved_by(hard._replace(session="s")) == 0


def test_the_typical_cost_of_a_class_is_learned() -> None:
    table = Table()
    decision = table._decision(CHAT)
    for cost in (1_000_000, 3_000_000):
        attempt = an_attempt(endpoint=ONE.id, cost_nano_usd=cost)
        outcome = Outcome((attempt,), attempt.sent, attempt.ended, None, CHAT.sla)
        table.board.settle(outcome, decision, CHAT)
    assert table.board.stakes(CHAT.sla.class_key(R1)).typical_usd == pytest.approx(0.002)


def test_classes_are_bounded_in_number() -> None:
    table = Table()
    for number in range(MAX_CLASSES + 500):
        table.board.stakes(f"default|r1|p95|ttft_ms~{number}")
    assert len(table.board._classes) == MAX_CLASSES
    one, other = (table.board._class(f"default|late|{n}") for n in range(2))
    assert one == other
    assert one != table.board._class("batch|late|0")


def test_a_survey_tells_every_endpoint_in_order_and_the_classes_that_were_active() -> None:
    table = Table()
    assert [p.endpoint for p in table.board.survey().endpoints] == [ONE, TWO]
    assert table.board.survey().classes == ()
    for ask in (CHAT, CALM, CHAT):
        table.settles(ask)
    told = table.board.survey()
    assert [c.kind for c in told.classes] == [CALM.kind, CHAT.kind]
    assert [c.stakes for c in told.classes] == [table.board.stakes(c.kind) for c in told.classes]
    assert [length.kind for length in told.endpoints[0].lengths] == [CALM.kind, CHAT.kind]


def test_a_survey_says_what_was_just_seen_and_who_is_blocked() -> None:
    table = Table()
    for _ in range(5):
        table.sees(2.0)
    table.sees(None, fault=Kind.RATE_LIMITED, retry_after_s=30)
    one, two = table.board.survey().endpoints
    assert (one.ttft_samples, two.ttft_samples) == (5, 0)
    assert one.ttft_ms_p50 > two.ttft_ms_p50
    assert one.standing is not None
    assert one.standing.until_wall == table.clock.now + 30
    assert two.standing is None


def test_looking_changes_nothing() -> None:
    looked, left_alone = Table(), Table()
    for table in (looked, left_alone):
        table.sees(2.0)
        if table is looked:
            table.board.survey()
        table.settles()
    assert looked.board.candidates(CHAT) == left_alone.board.candidates(CHAT)


def test_a_survey_tells_a_bounded_number_of_classes_the_latest() -> None:
    table = Table()
    asks = [an_ask(ttft(2.0**n)) for n in range(1, 20)]
    asks += [a._replace(sla=replace(a.sla, policy=f"p{n}")) for n in range(4) for a in asks]
    for ask in asks:
        table.settles(ask)
    told = [c.kind for c in table.board.survey().classes]
    assert told == [ask.kind for ask in asks[-MOST_TOLD:]]


def test_a_whole_answer_that_was_made_hides_nothing_where_nothing_is_hidden() -> None:
    """An empty one of a model that shows its thinking is empty, and none that was cut off."""
    ask = an_ask(stream=False, max_tokens=3000)
    board = Table().board
    assert board.unseen_tokens(ONE, ask, 20.0, done=True) == 0
    assert board.unseen_tokens(ONE, ask, 20.0) > 100


def test_a_whole_answer_that_shows_nothing_was_cut_off_while_it_thought_in_secret() -> None:
    secret = replace(ONE, prior=replace(ONE.prior, hidden_share=0.6))
    ask = an_ask(stream=False, max_tokens=50)
    assert Table(secret, TWO).board.unseen_tokens(secret, ask, 20.0, done=True) == 50


def test_who_was_named_first_and_is_late_does_not_raise_the_price_of_a_miss() -> None:
    """Whoever serves by an order was not chosen by that price, so it could not have helped."""
    table = Table()
    before = table.board.stakes(CALM.kind).lam
    named = CALM._replace(preferences=Preferences(order=("one",)))
    for _ in range(20):
        table.settles(named, ttft_s=9.0)
    assert table.board.stakes(CALM.kind).lam == before
    table.settles(CALM, ttft_s=9.0)
    assert table.board.stakes(CALM.kind).lam > before


def test_a_compacted_conversation_is_cold_and_warm_again_where_it_went_on() -> None:
    table = Table()
    turn = CHAT._replace(session="s")
    table.board.journal.sessions.turn("s", TWO.id, 9000, table.clock.now)
    assert table.board.warm(turn) == {TWO.id: 9000}
    anew = turn._replace(compacted=True)
    assert not table.board.warm(anew)
    assert table.board.warm(turn) == {TWO.id: 9000}, "asking alone changes nothing"
    table.clock.now += 1
    table.settles(anew)
    assert set(table.board.warm(turn)) == {ONE.id}
