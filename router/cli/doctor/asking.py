"""One tiny request to each endpoint, straight to it: no routing, no retry, nothing learned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from router.core.answer import Usage
from router.core.catalogue import Dialect, Endpoint
from router.core.dialects import way
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call, Clock, Upstream

_AT_ONCE: Final = 8
_HEADERS: Final = {"content-type": "application/json"}
_QUESTION: Final = "Reply with the single word: merit"
_MAX_TOKENS: Final = 16
_CHAT: Final = {"messages": [{"role": "user", "content": _QUESTION}]}
_LIMITS: Final = ("max_tokens", "max_completion_tokens", None)
"""How a chat is kept short: models that refuse one word for it are asked with the next."""
_OTHERWISE: Final[Mapping[Surface, dict[str, object]]] = {
    Surface.RESPONSES: {"input": _QUESTION, "max_output_tokens": _MAX_TOKENS},
    Surface.COMPLETIONS: {"prompt": _QUESTION, "max_tokens": _MAX_TOKENS},
    Surface.EMBEDDINGS: {"input": _QUESTION},
}
"""What those are asked that cannot be told a chat."""


_REFUSED: Final = (Kind.REJECTED, Kind.UNTOLD)
"""What may hold of one way to ask and not of the next."""


class Probe(NamedTuple):
    """What one endpoint answered. ``wall`` pins its price (unix seconds)."""

    endpoint: Endpoint
    wall: float
    usage: Usage | None = None
    fault: str = ""


async def ask_all(
    endpoints: Sequence[Endpoint],
    upstreams: Mapping[Dialect, Upstream],
    clock: Clock,
    limit_s: float,
    step: Callable[[], None],
) -> list[Probe]:
    """Ask every endpoint once; ``step`` is called after each. A fault is a finding."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(endpoint: Endpoint) -> Probe:
        async with turns:
            probe = await _ask(endpoint, upstreams[endpoint.dialect], clock, limit_s)
        step()
        return probe

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(endpoint)) for endpoint in endpoints]
    return [task.result() for task in tasks]


async def _ask(endpoint: Endpoint, upstream: Upstream, clock: Clock, limit_s: float) -> Probe:
    wall = clock.wall()
    calls = _calls(endpoint)
    for call in calls:
        try:
            async with asyncio.timeout(limit_s), upstream.call(endpoint, call) as reply:
                piece = await reply.whole()
        except TimeoutError:
            return Probe(endpoint, wall, fault=f"no answer within {limit_s:g} s")
        except Fault as fault:
            if fault.kind in _REFUSED and call is not calls[-1]:
                continue
            return Probe(endpoint, wall, fault=fault.message)
        return Probe(endpoint, wall, piece.usage)
    raise AssertionError  # the last call returns


def _calls(endpoint: Endpoint) -> list[Call]:
    """Return what to try, one after the other, until it is not refused."""
    if way(Surface.CHAT, endpoint.speaks) is not None:
        bodies = [_CHAT if limit is None else {**_CHAT, limit: _MAX_TOKENS} for limit in _LIMITS]
        return [_call(Surface.CHAT, body, number) for number, body in enumerate(bodies, 1)]
    found = next((each for each in _OTHERWISE if each in endpoint.speaks), Surface.RESPONSES)
    return [_call(found, _OTHERWISE[found], 1)]


def _call(surface: Surface, body: Mapping[str, object], number: int) -> Call:
    return Call(
        msgspec.json.encode(body),
        _HEADERS,
        stream=False,
        wants_usage=True,
        attempt_id=f"doctor-{number}",
        surface=surface,
    )
