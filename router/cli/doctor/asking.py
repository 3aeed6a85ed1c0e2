"""One tiny request to each endpoint, straight to it: no routing, no retry, nothing learned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from router.core.answer import Usage
from router.core.catalogue import Dialect, Endpoint
from router.core.faults import Fault, Kind
from router.ports import Call, Clock, Upstream

_AT_ONCE: Final = 8
_HEADERS: Final = {"content-type": "application/json"}
_QUESTION: Final = "Reply with the single word: merit"
_MAX_TOKENS: Final = 16
LIMITS: Final = ("max_tokens", "max_completion_tokens", None)
"""How the answer is kept short: models that refuse one word for it are asked with the next."""


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
    for number, limit in enumerate(LIMITS):
        try:
            async with (
                asyncio.timeout(limit_s),
                upstream.call(endpoint, _call(limit, number)) as reply,
            ):
                piece = await reply.whole()
        except TimeoutError:
            return Probe(endpoint, wall, fault=f"no answer within {limit_s:g} s")
        except Fault as fault:
            if fault.kind is Kind.REJECTED and limit is not LIMITS[-1]:
                continue
            return Probe(endpoint, wall, fault=fault.message)
        return Probe(endpoint, wall, piece.usage)
    raise AssertionError  # the last limit returns


def _call(limit: str | None, number: int) -> Call:
    body: dict[str, object] = {"messages": [{"role": "user", "content": _QUESTION}]}
    if limit is not None:
        body[limit] = _MAX_TOKENS
    return Call(
        msgspec.json.encode(body),
        _HEADERS,
        stream=False,
        wants_usage=True,
        attempt_id=f"doctor-{number + 1}",
    )
