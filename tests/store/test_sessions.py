"""Which endpoint remembers how much of a conversation, for how long, and for how many of them."""

from __future__ import annotations

from router.core.catalogue import EndpointId
from router.store.sessions import CACHE_LASTS_S, MOST_SESSIONS, Sessions

ONE, TWO = EndpointId("one"), EndpointId("two")


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
