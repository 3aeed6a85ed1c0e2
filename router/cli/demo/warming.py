"""Lets the proxy see every endpoint at work before it is asked anything that counts.

The starts are spread so that all end at about the same time: a slow endpoint is asked everything at
once, a fast one now and then. A rush would measure this machine and not the market.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp

from router.cli.demo.questions import TEXT
from router.cli.words import CHARS_PER_TOKEN, filler
from router.core.catalogue import Endpoint

ANSWERS: Final = 8
"""Answers of each endpoint: enough to know its wait and speed, few enough to be quick."""
_PROMPT_TOKENS: Final = 500
_APART_S: Final = 0.02


class WarmingError(Exception):
    """Nobody answered; the message is what the proxy said."""


async def warm(
    base_url: str, endpoints: Sequence[Endpoint], speed: float, step: Callable[[], None]
) -> None:
    """Ask every endpoint by name; ``step`` is called after each answer.

    A failure is a lesson as well, unless there is nothing else: then ``WarmingError``.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(f"{base_url}/", connector=connector) as session,
        asyncio.TaskGroup() as group,
    ):
        asked = [
            group.create_task(_at(start_s, _one(session, endpoint), step))
            for start_s, endpoint in timetable(endpoints, speed)
        ]
    errors = [task.result() for task in asked]
    if all(errors):
        raise WarmingError(errors[0])


def timetable(endpoints: Sequence[Endpoint], speed: float) -> list[tuple[float, Endpoint]]:
    """Return when to start each answer, in real seconds, no two at once."""
    takes = {e.id: e.prior.ttft_ms / 1000 + e.prior.answer_tokens / e.prior.tps for e in endpoints}
    longest = max(takes.values())
    starts = [
        ((longest - takes[e.id]) / speed * number / ANSWERS, e)
        for number in range(ANSWERS)
        for e in endpoints
    ]
    starts.sort(key=lambda start: start[0])
    return [(at + index * _APART_S, e) for index, (at, e) in enumerate(starts)]


async def _at(start_s: float, asking: Awaitable[str], step: Callable[[], None]) -> str:
    await asyncio.sleep(start_s)
    error = await asking
    step()
    return error


async def _one(session: aiohttp.ClientSession, endpoint: Endpoint) -> str:
    """Ask once; return what went wrong, or nothing."""
    prompt = filler(_PROMPT_TOKENS * CHARS_PER_TOKEN) + TEXT
    body = {
        "model": endpoint.serves[0],
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "provider": {"only": [endpoint.id]},
    }
    async with session.post("chat/completions", json=body) as response:
        said = await response.read()
        return "" if response.ok else f"{endpoint.id}: {said.decode(errors='replace')[:300]}"
