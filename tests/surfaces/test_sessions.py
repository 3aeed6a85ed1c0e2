"""Conversations as clients name them, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from router.core.ask import Ask
from router.ports import Call
from router.surfaces.sessions import LAST_HEADER, SESSION_HEADERS, session_of
from tests.surfaces.house import body, running

NAME = "anna's chat, 24 November"


async def received(headers: Mapping[str, str], **fields: Any) -> tuple[Ask, Call]:
    """Send one request; return what came of it inside."""
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post("/v1/chat/completions", json=body(**fields), headers=headers) as answer,
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
