"""Journals and a dictionary playing Redis: every contribution counts once, whatever is lost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.core.catalogue import EndpointId
from router.core.decay import Group
from router.store.cells import MAX_CELLS
from router.store.journal import Batch, Journal

SUMS = Group("sums", 60.0, 3)
OTHER = Group("other", 600.0, 2)
NOW = 1_760_011_200.0


def a_journal(now: float = NOW) -> Journal:
    return Journal((SUMS, OTHER), lambda: now)


def value(journal: Journal, subject: str = "e", index: int = 0, at: float = NOW) -> float:
    return journal.read(subject, SUMS, at)[index]


@dataclass
class Server:
    """What ``sync.lua`` promises: a batch is applied once, and answered with the totals."""

    sums: dict[str, dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    latest: dict[str, float] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)

    def push(self, batch: Batch) -> None:
        if batch.id in self.applied:
            return
        self.applied.add(batch.id)
        for key, amounts in batch.sums.items():
            for index, amount in amounts.items():
                self.sums[key][index] += amount
        for name, at in batch.latest.items():
            self.latest[name] = max(at, self.latest.get(name, 0.0))


def sync(journal: Journal, server: Server) -> None:
    batch = journal.take()
    if batch is not None:
        server.push(batch)
        journal.acknowledge(batch)
    journal.absorb({k: dict(v) for k, v in server.sums.items()}, dict(server.latest))


def test_what_is_added_is_read_at_once() -> None:
    journal = a_journal()
    assert value(journal) == 0
    journal.add("e", [(SUMS, [(0, 2.0), (1, 5.0)])], NOW)
    assert journal.read("e", SUMS, NOW) == pytest.approx([2, 5, 0])
    assert journal.read("f", SUMS, NOW) == [0, 0, 0]


def test_what_was_added_fades_by_half_in_a_half_life() -> None:
    journal = a_journal()
    journal.add("e", [(SUMS, [(0, 2.0)])], NOW)
    assert value(journal, at=NOW + 60) == pytest.approx(1.0)
    assert value(journal, at=NOW + 600) == pytest.approx(2.0 * 2**-10)


def test_nothing_new_is_no_batch() -> None:
    journal = a_journal()
    assert journal.take() is None
    assert journal.unpushed == 0


def test_a_batch_is_given_again_until_it_is_acknowledged() -> None:
    journal = a_journal()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    first = journal.take()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    assert journal.take() is first
    assert first is not None
    journal.acknowledge(first)
    second = journal.take()
    assert second is not None
    assert second.id != first.id
    assert second.sums == first.sums
    journal.acknowledge(second)
    assert journal.take() is None


def test_an_acknowledgement_of_an_old_batch_is_ignored() -> None:
    journal = a_journal()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    first = journal.take()
    assert first is not None
    journal.acknowledge(first)
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    second = journal.take()
    journal.acknowledge(first)
    assert journal.take() is second


def test_what_is_on_its_way_and_what_is_new_stand_beside_what_is_pulled() -> None:
    journal, server = a_journal(), Server()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    batch = journal.take()
    journal.add("e", [(SUMS, [(0, 2.0)])], NOW)
    assert batch is not None
    (key,) = batch.sums
    weight = SUMS.weight(NOW, SUMS.epoch(NOW))
    journal.absorb({key: {0: 10.0 * weight}}, {})
    assert value(journal) == pytest.approx(13.0)
    server.push(batch)
    journal.acknowledge(batch)
    journal.absorb({key: {0: 11.0 * weight}}, {})
    assert value(journal) == pytest.approx(13.0)


def test_a_batch_that_was_applied_and_timed_out_is_not_counted_twice() -> None:
    journal, server = a_journal(), Server()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    lost = journal.take()
    assert lost is not None
    server.push(lost)
    sync(journal, server)
    assert value(journal) == pytest.approx(1.0)
    assert journal.unpushed == 0


def test_a_server_that_lost_its_data_gets_it_back_once_from_each() -> None:
    one, two, server = a_journal(), a_journal(), Server()
    one.add("e", [(SUMS, [(0, 1.0)])], NOW)
    two.add("e", [(SUMS, [(0, 2.0)])], NOW)
    two.note("open:e", NOW + 9)
    for _ in range(2):
        sync(one, server)
        sync(two, server)
    assert value(one) == pytest.approx(3.0)
    empty = Server()
    for journal, own in ((one, 1.0), (two, 2.0)):
        journal.rebase()
        assert value(journal) == pytest.approx(own)
    for _ in range(2):
        sync(one, empty)
        sync(two, empty)
    assert value(one) == pytest.approx(3.0)
    assert value(two) == pytest.approx(3.0)
    assert empty.latest == {"open:e": NOW + 9}


def test_a_batch_under_way_when_the_data_was_lost_is_part_of_what_is_given_back() -> None:
    journal, server = a_journal(), Server()
    journal.add("e", [(SUMS, [(0, 1.0)])], NOW)
    under_way = journal.take()
    journal.add("e", [(SUMS, [(0, 2.0)])], NOW)
    journal.rebase()
    fresh = journal.take()
    assert under_way is not None
    assert fresh is not None
    assert fresh.id != under_way.id
    server.push(fresh)
    journal.acknowledge(fresh)
    sync(journal, server)
    assert value(journal) == pytest.approx(3.0)


def test_of_times_the_latest_counts_whoever_noted_it() -> None:
    journal = a_journal()
    journal.note("open:e", NOW + 5)
    journal.note("open:e", NOW + 3)
    assert journal.times == {"open:e": NOW + 5}
    journal.absorb({}, {"open:e": NOW + 4, "limit:e": NOW + 8})
    assert journal.times == {"open:e": NOW + 5, "limit:e": NOW + 8}
    batch = journal.take()
    assert batch is not None
    assert batch.latest == {"open:e": NOW + 5}


def test_turns_are_told_beside_times_but_are_none() -> None:
    one, two, server = a_journal(), a_journal(), Server()
    one.sessions.turn("s", EndpointId("e"), 1000, NOW)
    one.note("open:e", NOW + 5)
    for journal in (one, two):
        sync(journal, server)
    assert two.sessions.warm("s", NOW) == {"e": 1000}
    assert one.times == two.times == {"open:e": NOW + 5}


def test_sums_of_epochs_long_gone_are_not_taken_in() -> None:
    journal = a_journal()
    old = SUMS.epoch(NOW) - 2
    journal.absorb({f"e/sums/{old}": {0: 1e30}}, {})
    assert value(journal) == 0


def test_sums_of_another_version_are_left_alone() -> None:
    journal = a_journal()
    epoch = SUMS.epoch(NOW)
    journal.absorb({f"e/unheard/{epoch}": {0: 1.0}, f"e/sums/{epoch}": {99: 1.0}}, {})
    assert journal.read("e", SUMS, NOW) == [0, 0, 0]


def test_the_number_of_sums_is_bounded() -> None:
    journal = a_journal()
    for number in range(MAX_CELLS + 10):
        journal.add(f"c{number}", [(SUMS, [(0, 1.0)])], NOW)
    assert journal.unpushed == MAX_CELLS
    assert value(journal, f"c{MAX_CELLS + 5}") == 0
    assert value(journal, "c5") == pytest.approx(1)


def test_what_changed_by_others_is_named() -> None:
    journal = a_journal()
    journal.add("mine", [(SUMS, [(0, 1.0)])], NOW)
    assert not journal.touched
    journal.absorb({f"theirs/sums/{SUMS.epoch(NOW)}": {0: 1.0}}, {})
    assert journal.touched == {"theirs"}


amounts = st.sampled_from([1.0, -0.5, 0.25, 3.0])
who = st.integers(0, 2)
subjects = st.sampled_from(["e:1", "e:2/x"])


class Replicas(RuleBasedStateMachine):
    """Three journals, a line that loses requests and answers, a server that may forget all.

    Half-lives stand still (one instant), so that sums can be compared exactly.
    """

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.generation = 0
        self.journals = [a_journal() for _ in range(3)]
        self.knows = [0] * 3
        self.added: list[dict[tuple[str, int], float]] = [defaultdict(float) for _ in range(3)]
        self.on_the_line: list[tuple[int, Batch]] = []

    @rule(i=who, subject=subjects, index=st.integers(0, 2), amount=amounts)
    def add(self, i: int, subject: str, index: int, amount: float) -> None:
        self.journals[i].add(subject, [(SUMS, [(index, amount)])], NOW)
        self.added[i][subject, index] += amount

    @rule(i=who)
    def sync(self, i: int) -> None:
        self._heed_generation(i)
        sync(self.journals[i], self.server)

    @rule(i=who)
    def request_lost(self, i: int) -> None:
        self._heed_generation(i)
        self.journals[i].take()

    @rule(i=who)
    def answer_lost(self, i: int) -> None:
        self._heed_generation(i)
        batch = self.journals[i].take()
        if batch is not None:
            self.server.push(batch)

    @rule(i=who)
    def request_delayed(self, i: int) -> None:
        self._heed_generation(i)
        batch = self.journals[i].take()
        if batch is not None:
            self.on_the_line.append((self.generation, batch))

    @rule()
    def delayed_ones_arrive(self) -> None:
        """The script names the generation it was meant for; one of before is not applied."""
        for generation, batch in self.on_the_line:
            if generation == self.generation:
                self.server.push(batch)
        self.on_the_line = []

    @rule()
    def server_restarts_empty(self) -> None:
        self.server = Server()
        self.generation += 1

    @invariant()
    def own_outcomes_are_always_there(self) -> None:
        """Whatever else a journal reads, it is its own sums and wholes of the others'."""
        for i, journal in enumerate(self.journals):
            for (subject, index), own in self.added[i].items():
                others = [a for j, a in enumerate(self.added) if j != i]
                if not any((subject, index) in other for other in others):
                    assert value(journal, subject, index) == pytest.approx(own, abs=1e-9)

    def teardown(self) -> None:
        self.delayed_ones_arrive()
        for _ in range(3):
            for i in range(3):
                self.sync(i)
        for subject in ("e:1", "e:2/x"):
            for index in range(3):
                expected = sum(added.get((subject, index), 0.0) for added in self.added)
                for journal in self.journals:
                    assert value(journal, subject, index) == pytest.approx(expected, abs=1e-9)
        assert all(j.unpushed == 0 for j in self.journals)

    def _heed_generation(self, i: int) -> None:
        if self.knows[i] != self.generation:
            self.knows[i] = self.generation
            self.journals[i].rebase()


Replicas.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestReplicas = Replicas.TestCase
