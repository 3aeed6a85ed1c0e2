"""Four replicas over a real Redis serve every request once and end up knowing the same."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from router.core.decay import Increment
from router.core.measure import Verdict
from router.simulate.arrivals import Arrivals
from router.simulate.caches import Caches
from router.simulate.clock import VirtualClock
from router.simulate.likeness import likenesses
from router.simulate.loop import Run, Served
from router.simulate.ours import Engine
from router.simulate.play import Played, Task, play
from router.simulate.replicas import Replicas
from router.simulate.rounds import INTERVAL_S, rounds
from router.simulate.scenario import Scenario
from router.simulate.shelf import find
from router.simulate.strategies import ALONE, OURS, SHARED, usual
from router.simulate.world import World
from router.store.board import GROUPS
from router.store.journal import Journal


class Witnessed(Journal):
    """A journal that tells another one everything that it is told itself."""

    def __init__(self, witness: Journal, clock: VirtualClock) -> None:
        super().__init__(GROUPS, clock.wall)
        self._witness = witness

    def add(self, subject: str, told: Iterable[Increment], wall_s: float) -> None:
        known = [(group, list(amounts)) for group, amounts in told]
        super().add(subject, known, wall_s)
        self._witness.add(subject, known, wall_s)

    def note(self, name: str, wall_s: float) -> None:
        super().note(name, wall_s)
        self._witness.note(name, wall_s)


@pytest.fixture
def market() -> Scenario:
    found = find("market-2025")["market-2025"]
    return found.model_copy(update={"hours": 0.25, "warm_up_hours": 0.0})


def test_replicas_end_up_knowing_what_one_that_saw_everything_knows(
    market: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each observation weighs what its instant says.
    monkeypatch.setattr("router.store.journal.GRAIN_S", 0.0)
    world, arrivals = World(market, 11), Arrivals(market, 11)
    clock = VirtualClock(market.start_wall)
    engines = [Engine(world.endpoints, clock, Random(place)) for place in range(4)]
    witness = Journal(GROUPS, clock.wall)
    journals = [Witnessed(witness, clock) for _ in engines]
    for engine, journal in zip(engines, journals, strict=True):
        engine.board.journal = journal
    with rounds(journals, clock) as shared:
        served = Run(world, arrivals, clock, Caches(), Replicas(engines, shared.reach)).play()
        clock.now += 2 * INTERVAL_S
        for place in range(4):
            shared.reach(place)
    numbers = [s.number for s in served]
    assert len(numbers) == len(set(numbers)) >= len(arrivals.talks)
    wall = clock.wall()
    assert len(witness._cells) > 50
    talks = [talk.place for talk in arrivals.talks if len(talk.turns) > 1]
    known = [[journal.sessions.warm(f"{talk}", wall) for talk in talks] for journal in journals]
    assert known[0] == known[1] == known[2] == known[3]
    assert any(known[0])
    for journal in journals:
        assert journal.times == witness.times
        for (subject, name), cell in witness._cells.items():
            found = journal.read(subject, cell.group, wall)
            assert found == pytest.approx(cell.read(wall), rel=1e-9), (subject, name)


def test_no_news_is_older_or_younger_than_the_interval_makes_it(market: Scenario) -> None:
    clock = VirtualClock(market.start_wall)
    one, other = (Journal(GROUPS, clock.wall) for _ in range(2))
    with rounds([one, other], clock) as shared:
        shared.reach(1)
        clock.now = 10.01
        shared.reach(0)
        one.note("limit", clock.wall())
        known = {}
        for now in (10.2, 10.3, 10.374, 10.376):
            clock.now = now
            shared.reach(1)
            known[now] = "limit" in other.times
    assert known == {10.2: False, 10.3: False, 10.374: False, 10.376: True}


def test_the_same_replicas_play_the_same_again(market: Scenario) -> None:
    short = market.model_copy(update={"hours": 0.1})
    assert play(Task(short, 11, SHARED)).served == play(Task(short, 11, SHARED)).served


def paid(strategy: str, seed: int, usd: float, *, kept: int = 19) -> Played:
    """Twenty requests of a class, as they ended."""
    nano = round(usd * 1e9 / 20)
    verdicts = [Verdict.KEPT] * kept + [Verdict.MISSED] * (20 - kept)
    served = [
        Served(number, "chat", 60.0, 61.0, "e", verdict, nano, 1, None)
        for number, verdict in enumerate(verdicts)
    ]
    return Played(seed, strategy, served)


def test_replicas_are_set_against_one_process_at_its_own_seeds(market: Scenario) -> None:
    one = [paid(OURS, 11, 1.0), paid(OURS, 12, 2.0)]
    (like,) = likenesses(market, [*one, paid(SHARED, 11, 1.03), paid(SHARED, 12, 2.0)])
    assert like.cost == pytest.approx(0.01)
    assert like.error == pytest.approx(0.015)
    assert (like.strategy, like.attainment, like.as_one) == (SHARED, 0.0, True)
    (like,) = likenesses(market, [one[0], paid(ALONE, 11, 1.0, kept=18)])
    assert (like.kind, like.as_one) == ("chat", False)
    assert like.attainment == pytest.approx(-1 / 19)
    assert likenesses(market, [paid(ALONE, 11, 1.0)]) == []


def test_nobody_meets_replicas_unasked() -> None:
    assert OURS in usual()
    assert not {SHARED, ALONE} & set(usual())
