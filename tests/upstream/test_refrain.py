"""What is read by the refrain of a stream is what parsing it would have said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Content, Piece
from router.core.faults import Fault
from router.upstream import openai
from router.upstream.openai import Stream
from tests.upstream.asking import an_endpoint
from tests.upstream.recorded import event

ENDPOINT = an_endpoint()
TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from([",", ":", "id", "~", '"', "\\", "c1", "null", "c\u3000", "content"]),
    st.sampled_from(["}", '"},', "\u2028", "\x7f", "a\\u0041", "word", "Wort", "c\u0301"]),
)
KEYS = st.sampled_from(["content", "content", "reasoning_content", "reasoning", "refusal", "role"])


def read(reads: list[bytes]) -> list[Piece]:
    stream = Stream(ENDPOINT, hide_usage=True)
    return [stream.feed(one) for one in reads]


def parsed(one: bytes) -> Piece:
    """What a stream says of the chunk that has seen no other."""
    return read([one])[0]


def an_event(key: str, text: str, *, compact: bool, ascii_only: bool) -> bytes:
    body = {"id": "c1", "choices": [{"index": 0, "delta": {key: text}, "finish_reason": None}]}
    separators = (",", ":") if compact else None
    told = json.dumps(body, ensure_ascii=ascii_only, separators=separators)
    return b"data: " + told.encode("utf-8", "surrogatepass") + b"\n\n"


@given(st.lists(st.tuples(KEYS, TEXTS), max_size=40), st.booleans(), st.booleans())
def test_a_refrain_changes_nothing(
    said: list[tuple[str, str]], compact: bool, ascii_only: bool
) -> None:
    events = [
        an_event(key, text, compact=compact, ascii_only=ascii_only)
        for key, text in said
        if ascii_only or text.isprintable()
    ]
    assert read(events) == [parsed(one) for one in events]
    stream = Stream(ENDPOINT, hide_usage=True)
    at_once = stream.feed(b"".join(events))
    assert at_once.data == b"".join(events)
    assert at_once.chars == sum(parsed(one).chars for one in events)
    assert at_once.reasoning_chars == sum(parsed(one).reasoning_chars for one in events)


@pytest.mark.parametrize("key", ["content", "reasoning_content", "reasoning"])
@pytest.mark.parametrize("text", ["word", ",", ":", "c2", "日本", "~"])
def test_most_of_a_stream_is_not_parsed(
    key: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(ENDPOINT, hide_usage=True)
    stream.feed(an_event(key, text, compact=False, ascii_only=False))

    def never(_: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(openai, "decode_chunk", never)
    piece = stream.feed(an_event(key, "any other", compact=False, ascii_only=False))
    wanted = Content.ANSWER if key == "content" else Content.REASONING
    assert (piece.content, piece.chars) == (wanted, 9)


@pytest.mark.parametrize(
    "first",
    [
        event({"choices": [{"index": 1, "delta": {"content": "a"}}]}),
        event({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}),
        event({"choices": [{"delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]}),
        event({"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 1}}),
        event({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}]}}]}),
        b'data: {"choices":[{"delta":{"content":"a","content":"a"}}]}\n\n',
        b'data: {"x":"a","choices":[{"delta":{"content":"\\u0061"}}]}\n\n',
        b'id: 1\ndata: {"choices":[{"delta":{"content":"a"}}]}\n\n',
    ],
)
def test_a_chunk_with_more_than_a_text_teaches_nothing(first: bytes) -> None:
    second = first.replace(b'"a"', b'"another"')
    assert read([first, second])[1]._replace(data=b"") == parsed(second)._replace(data=b"")


@pytest.mark.parametrize("text", [b"\xff", b"a\nb", b'a"b', b"\\", b"", b"\xed\xa0\x80", b"\x1f"])
def test_a_text_that_does_not_mean_itself_is_parsed(text: bytes) -> None:
    before, after = b'data: {"choices":[{"delta":{"content":"', b'"}}]}\n\n'
    stream = Stream(ENDPOINT, hide_usage=True)
    stream.feed(before + b"a" + after)
    try:
        wanted = parsed(before + text + after)
    except Fault:
        with pytest.raises(Fault):
            stream.feed(before + text + after)
    else:
        assert stream.feed(before + text + after) == wanted
