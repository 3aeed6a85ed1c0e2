"""Merging: in any order and grouping, everybody ends up knowing what one who saw all would know.

Instants are whole seconds: within 20 ms they are one to a cell, which counts what came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.catalogue import EndpointId
from router.core.decay import Group
from router.core.stakes import STAKES, turned
from router.store.board import GROUPS
from router.store.journal import Journal
from tests.store.test_journal import Server, sync

NOW = 1_760_011_200.0
REPLICAS = 4


class Seen(NamedTuple):
    """What one replica adds to a sum, ``half_lives`` of its group before now or a little later."""

    replica: int
    subject: str
    group: Group
    place: int
    amount: float
    half_lives: float

    @property
    def at(self) -> int:
        return round(NOW - self.half_lives * self.group.half_life_s)

    @property
    def weight(self) -> float:
        return float(2 ** ((self.at - NOW) / self.group.half_life_s))


class Turn(NamedTuple):
    """A turn of a conversation that one replica served, whole seconds before now."""

    replica: int
    session: str
    endpoint: str
    ago_s: int
    tokens: int


class Noted(NamedTuple):
    """A time that one replica notes, seconds from now."""

    replica: int
    name: str
    ahead_s: float


News = Seen | Turn | Noted

observations = st.sampled_from(GROUPS).flatmap(
    lambda group: st.builds(
        Seen,
        st.integers(0, REPLICAS - 1),
        st.sampled_from(["e:1", "c:2", "m:r1:c:2"]),
        st.just(group),
        st.integers(0, group.size - 1),
        st.floats(-1e6, 1e6) | st.sampled_from([1.0, 1e-9]),
        st.floats(0, 24),
    )
)
turns = st.builds(
    Turn,
    st.integers(0, REPLICAS - 1),
    st.sampled_from(["s", "t"]),
    st.sampled_from(["r1@one", "r1@two"]),
    st.integers(0, 299),
    st.integers(1, 200_000),
)
times = st.builds(
    Noted, st.integers(0, REPLICAS - 1), st.sampled_from(["open:1", "limit:2"]), st.floats(0, 1e3)
)


def a_journal() -> Journal:
    return Journal(GROUPS, lambda: NOW)


def tell(journal: Journal, news: News) -> None:
    if isinstance(news, Seen):
        journal.add(news.subject, [(news.group, [(news.place, news.amount)])], news.at)
    elif isinstance(news, Turn):
        at = NOW - news.ago_s
        journal.sessions.turn(news.session, EndpointId(news.endpoint), news.tokens, at)
        journal.add("c:talks", [(STAKES, turned(first=False))], at)
    else:
        journal.note(news.name, NOW + news.ahead_s)


def in_order(found: Sequence[Turn]) -> list[Turn]:
    """As their replicas served them: one after the other, one turn a second."""
    unique = {(t.session, t.endpoint, t.ago_s): t for t in found}
    return sorted(unique.values(), key=lambda t: -t.ago_s)


@settings(max_examples=150)
@given(
    st.lists(observations, max_size=40),
    st.lists(turns, max_size=8),
    st.lists(times, max_size=4),
    st.floats(0.05, 1),
    st.randoms(use_true_random=False),
)
def test_in_any_order_and_grouping_replicas_know_what_one_would_know(
    seen: list[Seen],
    turned: list[Turn],
    noted: list[Noted],
    busy: float,
    rng: Random,
) -> None:
    alone, server = a_journal(), Server()
    news: list[News] = [*seen, *in_order(turned), *noted]
    for one in news:
        tell(alone, one)
    replicas = [a_journal() for _ in range(REPLICAS)]
    shuffled: list[News] = [*rng.sample(seen, len(seen)), *noted]
    for turn in in_order(turned):
        shuffled.insert(rng.randint(_after_the_last_turn(shuffled), len(shuffled)), turn)
    for one in shuffled:
        tell(replicas[one.replica], one)
        if rng.random() < busy:
            sync(rng.choice(replicas), server)
    for _ in range(2):
        for replica in rng.sample(replicas, REPLICAS):
            sync(replica, server)
    for replica in replicas:
        assert replica.unpushed == 0
        assert replica.times == alone.times
        for session in ("s", "t"):
            assert replica.sessions.warm(session, NOW) == alone.sessions.warm(session, NOW)
        _same_sums(replica, alone, seen)


def _after_the_last_turn(news: Sequence[object]) -> int:
    return max((i + 1 for i, one in enumerate(news) if isinstance(one, Turn)), default=0)


def _same_sums(replica: Journal, alone: Journal, seen: Sequence[Seen]) -> None:
    """Within 1e-9 of what was added, also where it cancels out."""
    for subject, group in {(one.subject, one.group) for one in seen}:
        added = [0.0] * group.size
        for one in seen:
            if (one.subject, one.group) == (subject, group):
                added[one.place] += abs(one.amount) * one.weight
        found, expected = (j.read(subject, group, NOW) for j in (replica, alone))
        for value, known, whole in zip(found, expected, added, strict=True):
            assert value == pytest.approx(known, rel=1e-9, abs=1e-9 * whole)


@given(st.lists(observations, min_size=1, max_size=20))
def test_what_is_read_is_what_was_added_and_has_faded_since(seen: list[Seen]) -> None:
    """Two epochs hold all that still weighs 2^-16."""
    journal = a_journal()
    for one in seen:
        tell(journal, one)
    for one in seen:
        same = [s for s in seen if s[1:4] == one[1:4]]
        expected = sum(s.amount * s.weight for s in same)
        whole = sum(abs(s.amount) * s.weight for s in same)
        forgotten = sum(abs(s.amount) * s.weight for s in same if s.half_lives >= 15.9)
        value = journal.read(one.subject, one.group, NOW)[one.place]
        assert value == pytest.approx(expected, rel=1e-9, abs=forgotten + 1e-9 * whole)
