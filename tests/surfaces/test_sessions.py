"""Conversations as clients name them, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from router.core.ask import Ask
from router.ports import Call
from router.surfaces.sessions import CACHED_BYTES, LAST_HEADER, SESSION_HEADERS, session_of
from tests.surfaces.house import body, running

NAME = "anna's chat, 24 November"


async def received(
    headers: Mapping[str, str], *, path: str = "/v1/chat/completions", **fields: Any
) -> tuple[Ask, Call]:
    """Send one request; return what came of it inside."""
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post(path, json=body(**fields), headers=headers) as answer,
    ):
        assert answer.status == 200
        return house.dispatcher.seen[0]


async def session(headers: Mapping[str, str], **fields: Any) -> str:
    ask, _ = await received(headers, **fields)
    return ask.session


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"X-Session-Id": NAME}, {}),
        ({"session_id": NAME}, {}),
        ({}, {"session_id": NAME}),
        ({}, {"prompt_cache_key": NAME}),
        ({"X-Claude-Code-Session-Id": NAME}, {}),
    ],
)
async def test_a_conversation_has_one_name_however_it_is_told(
    headers: Mapping[str, str], fields: Mapping[str, str]
) -> None:
    found = await session(headers, **fields)
    assert found == await session({"x-session-id": NAME})
    assert found != await session({"x-session-id": "another"})


@pytest.mark.parametrize("chars", [1, 200, 8000])
async def test_a_name_goes_no_further_than_its_hash(chars: int) -> None:
    name = "z" * chars
    found = await session({"x-session-id": name})
    assert len(found) == 24
    assert name not in found


async def test_who_says_several_things_means_the_first() -> None:
    """Header over body, a conversation over a cache key, and last what is on every request."""
    said = ["one", "two", "three", "four", "five"]
    for start in range(len(said)):
        headers: dict[str, str] = {}
        fields: dict[str, str] = {}
        for place, (name, where) in enumerate(
            [
                ("x-session-id", headers),
                ("session_id", headers),
                ("session_id", fields),
                ("prompt_cache_key", fields),
                ("x-claude-code-session-id", headers),
            ]
        ):
            if place >= start:
                where[name] = said[place]
        assert await session(headers, **fields) == await session({"x-session-id": said[start]})


@pytest.mark.parametrize("nothing", [None, ""])
async def test_who_names_none_has_none(nothing: str | None) -> None:
    assert not await session({"x-session-id": " "}, session_id=nothing, prompt_cache_key=nothing)


async def test_what_names_it_reaches_the_provider_as_it_came() -> None:
    headers = {"x-session-id": "s", "x-claude-code-session-id": "c"}
    _, call = await received(headers, prompt_cache_key="k", session_id="b")
    assert {name: call.headers[name] for name in headers} == headers
    sent = json.loads(call.body)
    assert (sent["prompt_cache_key"], sent["session_id"]) == ("k", "b")


def test_a_name_that_is_no_text_names_a_conversation_too() -> None:
    """Where a header's bytes are no UTF-8, the server hands them on as lone surrogates."""
    for header in (*SESSION_HEADERS, LAST_HEADER):
        named = session_of({header: "caf\udce9"}, {})
        assert len(named) == 24
        assert named != session_of({header: "caf\udce8"}, {})


# Conversations that nobody named

LONG = "word " * CACHED_BYTES
SYSTEM = {"role": "system", "content": f"Be brief. {LONG}"}


def turns(*said: str, first: str = LONG) -> list[dict[str, str]]:
    """A conversation: what was said after its first turn, by the model and the person in turns."""
    roles = ("assistant", "user")
    later = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
    return [{"role": "user", "content": first}, *later]


async def test_its_beginning_names_a_conversation_at_every_turn() -> None:
    for system in ([], [SYSTEM], [{**SYSTEM, "role": "developer"}]):
        began = await session({}, messages=[*system, *turns()])
        assert len(began) == 24
        assert began == await session({}, messages=[*system, *turns("Yes.", "And now?")])
        assert began != await session({}, messages=[*system, *turns(first=f"other {LONG}")])
    assert began != await session({}, messages=turns())


async def test_it_is_found_whatever_a_message_says_first() -> None:
    turned = [dict(reversed(m.items())) for m in [SYSTEM, *turns()]]
    assert await session({}, messages=turned) == await session({}, messages=[SYSTEM, *turns()])


async def test_a_name_wins_over_a_beginning() -> None:
    named = await session({"x-session-id": NAME}, messages=turns())
    assert named == await session({"x-session-id": NAME})
    assert named != await session({}, messages=turns())


async def test_what_no_cache_would_keep_names_nothing() -> None:
    short = "x" * (CACHED_BYTES - 100)
    assert not await session({}, messages=turns(first=short))
    assert await session({}, messages=turns(short, "And now?", first=short))


async def test_of_a_long_beginning_its_ends_and_its_length_count() -> None:
    base = "a" * 50_000
    names = [
        await session({}, messages=turns(first=text))
        for text in (base, base + "a", "b" + base[1:], base[:-1] + "b", base)
    ]
    assert len(set(names)) == 4
    assert names[0] == names[-1]


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        (
            "/v1/messages",
            {"system": [{"type": "text", "text": LONG}], "messages": turns(), "max_tokens": 9},
            {
                "system": [{"type": "text", "text": LONG}],
                "messages": turns("Yes.", "And now?"),
                "max_tokens": 9,
            },
        ),
        (
            "/v1/responses",
            {"instructions": LONG, "input": turns()},
            {"instructions": LONG, "input": turns("Yes.", "And now?")},
        ),
    ],
)
async def test_so_it_is_on_the_other_surfaces_that_send_a_conversation_whole(
    path: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    began, _ = await received({}, path=path, **first)
    went_on, _ = await received({}, path=path, **second)
    assert began.session == went_on.session
    assert len(began.session) == 24


async def test_a_beginning_is_not_a_name_that_somebody_might_give() -> None:
    began = await session({}, messages=turns())
    assert began != await session({"x-session-id": LONG[:8000]})
