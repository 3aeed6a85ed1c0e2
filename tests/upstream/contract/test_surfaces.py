"""Every surface over the real relay, against the market of the sandbox and its books."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import BaseConnector

from router.core.answer import Content, Piece
from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call
from router.sandbox.process import Market
from router.upstream.connector import open_connector
from router.upstream.relay import Relay
from tests.upstream.asking import (
    a_call,
    an_endpoint,
    answer,
    best_content,
    client_bytes,
    entry_of,
    read_into,
    usage_of,
)
from tests.upstream.contract.conftest import ENVIRON

pytestmark = pytest.mark.asyncio(loop_scope="session")

R1, O3 = "deepseek-r1@parasail", "o3@openai"
CLAUDE, SMALL = "claude-sonnet-4@anthropic", "embedding-3@openai"
ASKED: dict[Surface, dict[str, Any]] = {
    Surface.CHAT: {},
    Surface.RESPONSES: {"input": "Why is the sky blue?"},
    Surface.COMPLETIONS: {"prompt": "The sky is blue because"},
    Surface.MESSAGES: {},
    Surface.EMBEDDINGS: {"input": ["The sky", "is blue"]},
    Surface.COUNT_TOKENS: {},
}
STREAMED = [
    (Surface.CHAT, R1),
    (Surface.RESPONSES, R1),
    (Surface.RESPONSES, O3),
    (Surface.COMPLETIONS, R1),
    (Surface.MESSAGES, CLAUDE),
]
TOOL: Any = {
    Surface.RESPONSES: {
        "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
        "tool_choice": "required",
    },
    Surface.MESSAGES: {
        "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
    },
}
"""What a tool's name looks like on each surface, and that it must be called."""


KINDS = {
    "http_429:3": Kind.RATE_LIMITED,
    "http_529": Kind.SERVER_ERROR,
    "error_mid:0": Kind.SERVER_ERROR,
    "error_mid:9": Kind.SERVER_ERROR,
    "half_chunk": Kind.BROKEN,
    "die_mid:5": Kind.BROKEN,
}


@pytest_asyncio.fixture(loop_scope="session")
async def connector() -> AsyncIterator[BaseConnector]:
    async with open_connector() as opened:
        yield opened


def at(market: Market, row: str, surface: Surface) -> Endpoint:
    base_url = f"{market.root}/{row}/v1"
    return an_endpoint(base_url, id=EndpointId(row), speaks=frozenset((surface,)))


def asking(surface: Surface, *, stream: bool = True, fault: str = "", **fields: Any) -> Call:
    return a_call(surface=surface, stream=stream, fault=fault, **ASKED[surface], **fields)


async def heard(
    connector: BaseConnector, market: Market, row: str, surface: Surface, call: Call
) -> list[Piece]:
    endpoint = at(market, row, surface)
    relay = Relay(connector, [endpoint], environ=ENVIRON, wall=lambda: 0.0)
    return await answer(relay, endpoint, call)


@pytest.mark.parametrize(("surface", "row"), [*STREAMED, (Surface.EMBEDDINGS, SMALL)])
@pytest.mark.parametrize("stream", [True, False])
async def test_the_counts_are_those_of_the_providers_own_books(
    connector: BaseConnector, market: Market, surface: Surface, row: str, stream: bool
) -> None:
    call = asking(surface, stream=stream and surface.generates)
    pieces = await heard(connector, market, row, surface, call)
    usage, booked = usage_of(pieces), await entry_of(market, call)
    assert booked.end == "complete"
    assert usage is not None
    assert usage.input == booked.prompt_tokens > 0
    assert (usage.reasoning, usage.text) == (booked.reasoning_tokens, booked.text_tokens)
    assert pieces[-1].ended
    assert best_content(pieces) is Content.ANSWER


@pytest.mark.parametrize(("surface", "row"), STREAMED)
async def test_a_whole_answer_has_the_characters_its_stream_would_have(
    connector: BaseConnector, market: Market, surface: Surface, row: str
) -> None:
    for stream in (True, False):
        call = asking(surface, stream=stream)
        pieces = await heard(connector, market, row, surface, call)
        booked = await entry_of(market, call)
        chars, thought = (
            sum(p.chars for p in pieces),
            sum(p.reasoning_chars for p in pieces),
        )
        hidden = 0 if thought or surface is Surface.COMPLETIONS else booked.reasoning_tokens
        shown = booked.reasoning_tokens + booked.text_tokens - hidden
        assert chars / shown == pytest.approx(4.5, rel=0.15)


@pytest.mark.parametrize("surface", TOOL)
async def test_a_call_of_a_tool_is_an_answer(
    connector: BaseConnector, market: Market, surface: Surface
) -> None:
    row = CLAUDE if surface is Surface.MESSAGES else O3
    pieces = await heard(connector, market, row, surface, asking(surface, **TOOL[surface]))
    assert best_content(pieces) is Content.ANSWER
    assert sum(piece.chars for piece in pieces) == len("weather") + len("{}")


async def test_counting_tokens_costs_nothing(connector: BaseConnector, market: Market) -> None:
    call = asking(Surface.COUNT_TOKENS, stream=False)
    (piece,) = await heard(connector, market, CLAUDE, Surface.COUNT_TOKENS, call)
    assert piece.data.startswith(b'{"input_tokens":')
    assert piece.usage is not None
    assert (piece.usage.input, piece.usage.output) == (0, 0)


@pytest.mark.parametrize(("surface", "row"), STREAMED)
@pytest.mark.parametrize("fault", KINDS)
async def test_what_goes_wrong_is_the_same_fault_on_every_surface(
    connector: BaseConnector, market: Market, surface: Surface, row: str, fault: str
) -> None:
    endpoint = at(market, row, surface)
    relay = Relay(connector, [endpoint], environ=ENVIRON, wall=lambda: 0.0)
    pieces: list[Piece] = []
    with pytest.raises(Fault) as told:
        await read_into(pieces, relay, endpoint, asking(surface, fault=fault))
    assert told.value.kind is KINDS[fault]
    assert b"had an error" not in client_bytes(pieces)
    assert b"Overloaded" not in client_bytes(pieces)
    begun = fault in {"error_mid:9", "half_chunk", "die_mid:5"}
    assert (best_content(pieces) is not Content.NOTHING) is begun


@pytest.mark.parametrize(("surface", "row"), STREAMED)
async def test_a_stream_is_read_whatever_its_line_ends_and_packets(
    connector: BaseConnector, market: Market, surface: Surface, row: str
) -> None:
    for fault in ("crlf", "split", "no_done", "big_line"):
        call = asking(surface, fault=fault)
        pieces = await heard(connector, market, row, surface, call)
        booked = await entry_of(market, call)
        usage = usage_of(pieces)
        assert usage is not None
        assert usage.output == booked.reasoning_tokens + booked.text_tokens
        assert pieces[-1].ended
