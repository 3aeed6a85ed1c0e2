"""What every upstream promises (``ports.Upstream``), against the market of the sandbox."""

import asyncio

import pytest

from router.core.answer import Content, Piece
from router.core.faults import Fault, Kind
from tests.upstream.asking import (
    a_call,
    answer,
    best_content,
    client_bytes,
    entry_of,
    events_of,
    read_into,
    usage_of,
)
from tests.upstream.contract.conftest import Subject

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_counts_are_those_of_the_providers_own_books(
    subject: Subject, stream: bool
) -> None:
    call = a_call(stream=stream)
    pieces = await answer(subject.upstream, subject.endpoint, call)
    usage = usage_of(pieces)
    booked = await entry_of(subject.market, call)
    assert booked.end == "complete"
    assert usage is not None
    assert usage.input == booked.prompt_tokens
    assert usage.cache_read == booked.cached_tokens
    assert usage.cache_write == booked.cache_write_tokens
    assert usage.reasoning == booked.reasoning_tokens
    assert usage.text == booked.text_tokens


async def test_a_stream_is_events_that_end_with_done(subject: Subject) -> None:
    pieces = await answer(subject.upstream, subject.endpoint, a_call())
    events = events_of(pieces)
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert text
    assert pieces[-1].ended
    assert not any(p.ended for p in pieces[:-1])
    assert sum(p.chars - p.reasoning_chars for p in pieces) == len(text)
    assert [p.finish for p in pieces if p.finish] == [subject.word("stop")]


async def test_the_first_piece_of_a_stream_is_no_content(subject: Subject) -> None:
    pieces = await answer(subject.upstream, subject.endpoint, a_call())
    assert best_content(pieces) is Content.ANSWER
    assert len(pieces) > 3, "what came apart is passed on apart"


@pytest.mark.parametrize("wants_usage", [True, False])
async def test_usage_is_shown_to_those_who_asked_only(subject: Subject, wants_usage: bool) -> None:
    pieces = await answer(subject.upstream, subject.endpoint, a_call(wants_usage=wants_usage))
    assert usage_of(pieces) is not None
    assert any(event.get("usage") for event in events_of(pieces)) is wants_usage


async def test_a_whole_answer_is_one_piece(subject: Subject) -> None:
    [piece] = await answer(subject.upstream, subject.endpoint, a_call(stream=False))
    assert piece.ended
    assert piece.content is Content.ANSWER
    assert piece.finish == subject.word("stop")
    assert b'"chat.completion"' in piece.data


async def test_leaving_early_stops_the_generation(subject: Subject) -> None:
    call = a_call(fault="slow_speed:200")
    async with subject.upstream.call(subject.endpoint, call) as reply:
        async for piece in reply.pieces():
            if piece.content:
                break
    assert (await entry_of(subject.market, call)).end == "cancelled"


async def test_cancelling_between_two_tokens_stops_the_generation(subject: Subject) -> None:
    call = a_call(fault="slow_speed:5000")
    pieces: list[Piece] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await read_into(pieces, subject.upstream, subject.endpoint, call)
    assert best_content(pieces) is not Content.NOTHING
    assert (await entry_of(subject.market, call)).end == "cancelled"


@pytest.mark.parametrize("stream", [True, False])
async def test_cancelling_before_the_headers_stops_the_request(
    subject: Subject, stream: bool
) -> None:
    call = a_call(stream=stream, max_tokens=100_000, fault="slow_ttft:600")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await answer(subject.upstream, subject.endpoint, call)
    assert (await entry_of(subject.market, call)).end == "cancelled"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("http_400", Kind.REJECTED),
        ("http_401", Kind.CREDENTIALS),
        ("http_403", Kind.CREDENTIALS),
        ("http_429:3", Kind.RATE_LIMITED),
        ("http_500", Kind.SERVER_ERROR),
        ("http_503", Kind.SERVER_ERROR),
        ("http_529", Kind.SERVER_ERROR),
        ("html_502", Kind.SERVER_ERROR),
        ("html", Kind.GARBAGE),
        ("garbage", Kind.GARBAGE),
        ("reset", Kind.BROKEN),
        ("die_mid:5", Kind.BROKEN),
    ],
)
async def test_what_goes_wrong_has_a_kind(
    subject: Subject, fault: str, kind: Kind, stream: bool
) -> None:
    call = a_call(stream=stream, fault=fault)
    with pytest.raises(Fault) as told:
        await answer(subject.upstream, subject.endpoint, call)
    assert told.value.kind is kind
    assert "k-secret" not in str(told.value)


@pytest.mark.parametrize("fault", ["die_mid:5", "half_chunk", "html", "garbage"])
async def test_what_breaks_after_its_headers_breaks_while_it_is_read(
    subject: Subject, fault: str
) -> None:
    call = a_call(stream=False, fault=fault)
    async with subject.upstream.call(subject.endpoint, call) as reply:
        assert reply.status == 200
        with pytest.raises(Fault) as told:
            await reply.whole()
    assert told.value.upstream is None


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_whose_usage_nobody_told_is_complete_and_uncounted(
    subject: Subject, stream: bool
) -> None:
    call = a_call(stream=stream, fault="no_usage")
    pieces = await answer(subject.upstream, subject.endpoint, call)
    assert pieces[-1].ended
    assert best_content(pieces) is Content.ANSWER
    assert usage_of(pieces) is None


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_is_called_and_counted(subject: Subject, stream: bool) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    call = a_call(
        stream=stream,
        tools=[{"type": "function", "function": {"name": "weather", "parameters": schema}}],
        tool_choice="required",
    )
    pieces = await answer(subject.upstream, subject.endpoint, call)
    assert [p.finish for p in pieces if p.finish] == [subject.word("tool_calls")]
    assert b'"name":"weather"' in client_bytes(pieces).replace(b": ", b":")
    usage = usage_of(pieces)
    booked = await entry_of(subject.market, call)
    assert usage is not None
    assert usage.input == booked.prompt_tokens
    assert usage.output == booked.reasoning_tokens + booked.text_tokens


@pytest.mark.parametrize("stream", [True, False])
async def test_half_an_answer_is_no_answer(subject: Subject, stream: bool) -> None:
    with pytest.raises(Fault) as told:
        await answer(subject.upstream, subject.endpoint, a_call(stream=stream, fault="half_chunk"))
    assert told.value.kind is Kind.BROKEN


async def test_a_rate_limit_says_how_long_to_wait(subject: Subject) -> None:
    with pytest.raises(Fault) as told:
        await answer(subject.upstream, subject.endpoint, a_call(fault="http_429:3"))
    assert told.value.retry_after_s == 3
    assert told.value.upstream is not None
    assert told.value.upstream.status == 429


async def test_a_refused_key_names_endpoint_and_variable_and_passes_nothing_on(
    subject: Subject,
) -> None:
    with pytest.raises(Fault) as told:
        await answer(subject.upstream, subject.endpoint, a_call(fault="http_401"))
    assert subject.endpoint.id in told.value.message
    assert "THE_KEY" in told.value.message
    assert told.value.upstream is None


async def test_an_error_amid_the_stream_comes_after_what_was_said(subject: Subject) -> None:
    pieces: list[Piece] = []
    call = a_call(fault="error_mid:700")
    with pytest.raises(Fault) as told:
        await read_into(pieces, subject.upstream, subject.endpoint, call)
    assert told.value.kind is Kind.SERVER_ERROR
    assert best_content(pieces) is not Content.NOTHING
    assert b"error" not in client_bytes(pieces)
    # A status here would say that the answer was refused, and cost nothing.
    assert told.value.upstream is None or any(piece.error for piece in pieces)


@pytest.mark.parametrize("fault", ["hang", "hang_headers", "pings_only"])
async def test_silence_is_no_content_and_can_be_left(subject: Subject, fault: str) -> None:
    call = a_call(fault=fault)
    pieces: list[Piece] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await read_into(pieces, subject.upstream, subject.endpoint, call)
    assert best_content(pieces) is Content.NOTHING
    await entry_of(subject.market, call)


@pytest.mark.parametrize("fault", ["usage_last", "no_done", "big_line", "crlf", "split"])
async def test_manners_change_nothing(subject: Subject, fault: str) -> None:
    pieces = await answer(subject.upstream, subject.endpoint, a_call(fault=fault))
    assert pieces[-1].ended
    assert events_of(pieces)
    assert best_content(pieces) is Content.ANSWER
    assert usage_of(pieces) is not None


async def test_an_empty_answer_is_an_answer_without_content(subject: Subject) -> None:
    pieces = await answer(subject.upstream, subject.endpoint, a_call(fault="empty"))
    assert pieces[-1].ended
    assert best_content(pieces) is not Content.ANSWER
    usage = usage_of(pieces)
    assert usage is not None
    assert usage.output == 0
