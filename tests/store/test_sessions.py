"""Which endpoint remembers how much of a conversation, for how long, and for how many of them."""

from __future__ import annotations

from router.core.catalogue import EndpointId
from router.store.sessions import CACHE_LASTS_S, MOST_SESSIONS, Sessions

ONE, TWO = EndpointId("one"), EndpointId("two:r1")
NOW = 1_760_011_200.75


def test_every_endpoint_remembers_what_it_read_last() -> None:
    sessions = Sessions()
    sessions.turn("s", ONE, 1000, 0.0)
    sessions.turn("s", TWO, 2000, 1.0)
    sessions.turn("s", ONE, 3000, 2.0)
    assert sessions.warm("s", 3.0) == {ONE: 3000, TWO: 2000}
    assert sessions.warm("t", 3.0) == {}


def test_a_cache_cools_while_the_conversation_stays_known() -> None:
    sessions = Sessions()
    sessions.turn("s", ONE, 1000, 0.0)
    assert sessions.warm("s", CACHE_LASTS_S - 1) == {ONE: 1000}
    assert sessions.warm("s", CACHE_LASTS_S + 1) == {}
    assert "s" in sessions


def test_the_longest_silent_conversation_is_forgotten_first() -> None:
    sessions = Sessions()
    for number in range(MOST_SESSIONS):
        sessions.turn(str(number), ONE, 1, 0.0)
    sessions.turn("0", ONE, 1, 0.0)
    sessions.turn("new", ONE, 1, 0.0)
    assert "0" in sessions
    assert "1" not in sessions


def test_what_others_are_told_of_turns_merges_in_any_order() -> None:
    here = Sessions()
    told = []
    for endpoint, tokens, later in ((ONE, 1234, 0.0), (TWO, 150_001, 1.0), (ONE, 2001, 2.0)):
        here.turn("s", endpoint, tokens, NOW + later)
        told.append(here.news(NOW + later))
    for order in (told, told[::-1], [*told, told[0]]):
        there = Sessions()
        for news in order:
            for name, turn in news.items():
                there.hear(name, turn)
        assert "s" in there
        assert there.warm("s", NOW + 3) == here.warm("s", NOW + 3) == {ONE: 2001, TWO: 150_001}


def test_hearing_of_an_older_turn_changes_nothing() -> None:
    here, there = Sessions(), Sessions()
    there.turn("s", ONE, 500, NOW - 60)
    here.turn("s", ONE, 2000, NOW)
    for name, turn in there.news(NOW).items():
        here.hear(name, turn)
    assert here.warm("s", NOW) == {ONE: 2000}


def test_a_conversation_begun_anew_is_cold_everywhere_until_its_next_turn() -> None:
    here, there = Sessions(), Sessions()
    for endpoint in (ONE, TWO):
        here.turn("s", endpoint, 5000, NOW)
    here.turn("t", ONE, 700, NOW)
    for name, turn in here.news(NOW).items():
        there.hear(name, turn)
    here.forget("s", NOW + 2)
    here.turn("s", TWO, 900, NOW + 3)
    for name, turn in here.news(NOW + 3).items():
        there.hear(name, turn)
    for sessions in (here, there):
        assert sessions.warm("s", NOW + 4) == {TWO: 900}
        assert sessions.warm("t", NOW + 4) == {ONE: 700}


def test_turns_are_told_once_and_only_while_they_matter() -> None:
    sessions = Sessions()
    sessions.turn("s", ONE, 1000, NOW)
    assert sessions.news(NOW)
    assert not sessions.news(NOW)
    sessions.turn("s", ONE, 1000, NOW)
    assert not sessions.news(NOW + CACHE_LASTS_S)
    for number in range(MOST_SESSIONS + 5):
        sessions.turn(str(number), ONE, 1, NOW)
    assert len(sessions.news(NOW)) == MOST_SESSIONS
