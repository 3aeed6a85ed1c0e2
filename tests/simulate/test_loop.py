"""The loop around a decision: rescues, retries, and one end for each errand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf

import pytest

from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import Kind
from router.core.measure import Attempt, Outcome
from router.simulate.arrivals import Arrivals
from router.simulate.buyer import Errand, Send
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.loop import Run, Served
from router.simulate.scenario import Event, Seller
from router.simulate.trial import tried
from router.simulate.world import World
from tests.simulate.towns import a_seller, a_world, site

FIRST, SECOND = EndpointId("one@here"), EndpointId("two@here")
SLOW, FAST = a_seller(ttft_s=5.0), a_seller("two@here")


@dataclass
class Script:
    """A buyer that asks the first, after a while the second beside it, then whoever is left."""

    after_s: float | None = 2.0
    patience_s: float = 600.0
    learned: list[tuple[int, Attempt]] = field(default_factory=list)
    outcomes: list[tuple[Errand, Outcome]] = field(default_factory=list)
    begins: Counter[int] = field(default_factory=Counter)

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | None:
        left = [e for e in (FIRST, SECOND) if e not in tried]
        if not left:
            return None
        rescue = None if self.after_s is None else (self.after_s, lambda: self._second(errand))
        return Send(left[0], self.patience_s, rescue)

    def _second(self, errand: Errand) -> Send | None:
        return Send(SECOND, self.patience_s, (0.0, lambda: Send(FIRST)))

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        self.begins[errand.number] += 1

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        self.learned.append((errand.number, attempt))

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        self.outcomes.append((errand, outcome))


def played(
    *sellers: Seller,
    script: Script,
    events: tuple[Event, ...] = (),
    attempts: int = 3,
    stream: bool = True,
) -> tuple[World, list[Served]]:
    world = a_world(*sellers, attempts=attempts, stream=stream, events=events)
    clock = VirtualClock(world.scenario.start_wall)
    run = Run(world, Arrivals(world.scenario, 7), clock, Caches(), script)
    served = run.play()
    assert len(served) > 200
    return world, served


@pytest.fixture
def script() -> Script:
    return Script()


def ends_once(world: World, served: list[Served], script: Script) -> None:
    """Every errand ends once, within its attempts, and each attempt is learned once."""
    talks = Arrivals(world.scenario, 7).talks
    assert sorted(s.number for s in served) == sorted(1000 * talk.place for talk in talks)
    assert [errand.number for errand, _ in script.outcomes] == [s.number for s in served]
    learned = Counter(number for number, _ in script.learned)
    most = world.scenario.classes["chat"].attempts
    for errand, outcome in script.outcomes:
        numbers = [a.number for a in outcome.attempts]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        assert len(numbers) == learned[errand.number] == script.begins[errand.number] <= most


@pytest.mark.parametrize("stream", [True, False])
def test_the_first_content_wins_and_the_other_is_cancelled_then(
    script: Script, *, stream: bool
) -> None:
    world, served = played(SLOW, FAST, script=script, stream=stream)
    ends_once(world, served, script)
    winners = Counter(s.endpoint for s in served)
    assert winners[SECOND] > winners[FIRST] > 0
    for errand, outcome in script.outcomes:
        *lost, won = outcome.attempts
        assert won.fault is outcome.fault is None
        content = won.first if stream else won.ended
        for loser in lost:
            assert loser.fault is Kind.OUTRUN
            assert loser.first is None
            assert loser.ended == content
            assert abs(won.sent - loser.sent) == pytest.approx(2.0)
        assert {a.sent for a in outcome.attempts} <= {errand.arrived, errand.arrived + 2.0}


@pytest.mark.parametrize("bills_after_cancel", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_pays_for_winner_and_loser_as_the_loser_bills(
    script: Script, *, stream: bool, bills_after_cancel: bool
) -> None:
    slow = a_seller(ttft_s=5.0, bills_after_cancel=bills_after_cancel)
    world, served = played(slow, FAST, script=script, stream=stream)
    for one, (errand, outcome) in zip(served, script.outcomes, strict=True):
        bills = 0
        for attempt in outcome.attempts:
            here = site(world, attempt.endpoint)
            trial = tried(
                here,
                errand,
                world.fate(here, errand, attempt.number, attempt.sent, 0),
                number=attempt.number,
                now=attempt.sent,
                wall=attempt.started_wall,
                patience_s=inf,
                left_s=attempt.e2e_s if attempt.fault is Kind.OUTRUN else inf,
            )
            bills += trial.bill_nano_usd
        assert one.cost_nano_usd == bills


def test_without_a_rescue_only_the_first_is_paid(script: Script) -> None:
    script.after_s = None
    world, served = played(SLOW, FAST, script=script)
    ends_once(world, served, script)
    assert {(s.endpoint, s.attempts) for s in served} == {(FIRST, 1)}


def test_where_one_attempt_is_allowed_nobody_is_sent_beside_it(script: Script) -> None:
    world, served = played(SLOW, FAST, script=script, attempts=1)
    ends_once(world, served, script)
    assert {(s.endpoint, s.attempts) for s in served} == {(FIRST, 1)}


def test_who_answers_before_the_timer_is_left_alone(script: Script) -> None:
    script.after_s = 60.0
    world, served = played(SLOW, FAST, script=script)
    ends_once(world, served, script)
    assert {s.attempts for s in served} == {1}


@pytest.mark.parametrize("attempts", [2, 3])
def test_where_the_rescuer_fails_the_first_goes_on(script: Script, attempts: int) -> None:
    down = Event(endpoint=SECOND, kind="outage", from_minute=0, to_minute=600)
    world, served = played(SLOW, FAST, script=script, events=(down,), attempts=attempts)
    ends_once(world, served, script)
    assert {s.endpoint for s in served} == {FIRST}
    assert {s.fault for s in served} == {None}
    rescuers = Counter(o.attempts[0].fault for _, o in script.outcomes if len(o.attempts) == 2)
    assert rescuers[Kind.SERVER_ERROR] > 0.8 * len(served)
    assert set(rescuers) <= {Kind.SERVER_ERROR, Kind.OUTRUN}


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_where_both_hang_the_errand_ends_once_both_were_given_up(
    script: Script, attempts: int
) -> None:
    script.patience_s = 30.0
    hang = tuple(
        Event(endpoint=name, kind="hang", from_minute=0, to_minute=600) for name in (FIRST, SECOND)
    )
    world, served = played(SLOW, FAST, script=script, events=hang, attempts=attempts)
    ends_once(world, served, script)
    assert {s.fault for s in served} == {Kind.FIRST_TOKEN_TIMEOUT}
    assert {s.attempts for s in served} == {min(attempts, 2)}
    for s in served:
        assert s.ended - s.arrived == pytest.approx(30.0 if attempts == 1 else 32.0)
