"""What a provider sends is what the client gets, byte for byte, where both speak one dialect.

Through a real proxy over sockets, whatever pieces the stream came in; the readers' own tests cut it
at every byte. ``Recorded.given`` says what is added or kept back: an end mark that a provider
forgot, a usage chunk that the client did not ask for.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from router.core.surface import Surface
from tests.fuzz.house import House, open_house
from tests.fuzz.right import REQUESTS, whole
from tests.upstream.corpus import ALL, NAMES
from tests.upstream.scripted import JSON, response

HEADERS = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def native(surface: Surface) -> str:
    return "anthropic" if surface.is_anthropic else "openai"


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("size", [1 << 20, 997, 7])
@pytest.mark.parametrize(("surface", "name"), NAMES)
async def test_a_stream_arrives_as_it_was_sent(
    house: House, surface: Surface, name: str, size: int
) -> None:
    recorded = ALL[surface][name]
    if len(recorded.sent) / size > 2_000:
        pytest.skip("a long line is cut at every byte elsewhere")
    body = {"model": native(surface), "stream": True, **REQUESTS[surface][0]}
    case = await house.case(
        f"/v1{surface.path}",
        json.dumps(body).encode(),
        HEADERS,
        answer=response(*cut(recorded.sent, size)),
    )
    assert case.status == 200
    assert case.body == recorded.given


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("surface", Surface)
async def test_a_whole_answer_arrives_as_it_was_sent(house: House, surface: Surface) -> None:
    sent = b" " + whole(surface).replace(b", ", b" ,\n") + b"\n"
    body = {"model": native(surface), **REQUESTS[surface][0]}
    case = await house.case(
        f"/v1{surface.path}",
        json.dumps(body).encode(),
        HEADERS,
        answer=response(sent, content_type=JSON),
    )
    assert (case.status, case.body) == (200, sent)
