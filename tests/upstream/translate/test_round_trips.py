"""What holds of every answer: grouping changes nothing, streamed and whole are the same answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.surface import Surface
from router.upstream.translate import TRANSLATIONS
from tests.upstream.translate.saying import (
    NOW_S,
    Json,
    a_message,
    as_chat_stream,
    as_completion,
    as_message,
    as_message_stream,
    as_response,
    as_response_stream,
    assembled_chat,
    assembled_message,
    chunk,
    completion,
    cut,
    data_of,
    message_events,
    named,
    plain,
    to_chat,
    to_messages,
)

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
SPOKEN = TEXTS.filter(str.strip)
"""Blank text is none towards Anthropic, which refuses it."""
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
INPUTS = st.dictionaries(NAMES, TEXTS | st.integers(-9, 9) | st.none(), max_size=3)


@st.composite
def calls(draw: st.DrawFn) -> list[tuple[str, str, Json]]:
    count = draw(st.integers(0, 3))
    return [(f"call_{i}", draw(NAMES), draw(INPUTS)) for i in range(count)]


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str, Json]]]:
    """Thought, text and calls of an answer."""
    return draw(TEXTS | st.just("")), draw(TEXTS | st.just("")), draw(calls())


def blocks(answer: tuple[str, str, list[tuple[str, str, Json]]]) -> list[Json]:
    thought, text, used = answer
    content: list[Json] = []
    if thought:
        content.append({"type": "thinking", "thinking": thought, "signature": ""})
    if text:
        content.append({"type": "text", "text": text})
    return content + [
        {"type": "tool_use", "id": name, "name": tool, "input": given} for name, tool, given in used
    ]


def message(answer: tuple[str, str, list[tuple[str, str, Json]]]) -> Json:
    thought, text, used = answer
    said: Json = {"content": text or None}
    if thought:
        said["reasoning_content"] = thought
    if used:
        said["tool_calls"] = [
            {
                "id": name,
                "type": "function",
                "function": {"name": tool, "arguments": json.dumps(given)},
            }
            for name, tool, given in used
        ]
    return said


def chunks(said: Json, pieces: int, finish: str) -> list[Json]:
    """A message as the chunks of a stream."""
    told = [chunk({"role": "assistant", "content": ""})]
    for name in ("reasoning_content", "content"):
        told += [chunk({name: piece}) for piece in cut(said.get(name) or "", pieces)]
    for index, call in enumerate(said.get("tool_calls", ())):
        first = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        told.append(chunk({"tool_calls": [first]}))
        for piece in cut(call["function"]["arguments"], pieces):
            more = {"index": index, "function": {"arguments": piece}}
            told.append(chunk({"tool_calls": [more]}))
    return [*told, chunk({}, finish)]


@given(answers(), st.integers(1, 6))
def test_a_message_streamed_is_the_message_whole(answer: Any, pieces: int) -> None:
    content = blocks(answer)
    streamed = assembled_chat(as_chat_stream(message_events(*content, pieces=pieces)))
    [choice] = as_completion(a_message(*content))["choices"]
    whole = choice["message"]
    assert streamed["message"]["content"] == (whole["content"] or "")
    assert streamed["message"]["reasoning_content"] == whole.get("reasoning_content", "")
    assert [
        (c["id"], c["name"], json.loads(c["arguments"])) for c in streamed["message"]["tool_calls"]
    ] == [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
        for c in whole.get("tool_calls", ())
    ]
    assert streamed["finish_reason"] == choice["finish_reason"]


@given(answers(), st.integers(1, 6), st.sampled_from(["stop", "length", "tool_calls"]))
def test_a_completion_streamed_is_the_completion_whole(
    answer: Any, pieces: int, finish: str
) -> None:
    said = message(answer)
    told = chunks(said, pieces, finish)
    whole = completion(said, finish)
    assert assembled_message(as_message_stream(told)) == as_message(whole)
    *_, last = data_of(as_response_stream(plain(told)))
    assert last["response"] == as_response(whole)


@given(answers())
def test_an_answer_to_a_chat_and_back_is_the_same(answer: Any) -> None:
    content = blocks(answer)
    sent = a_message(*content, stop="tool_use")
    back = as_message(as_completion(sent))
    assert {**back, "usage": None} == {**sent, "usage": None}
    assert sent["usage"].items() <= back["usage"].items()


@given(calls().filter(bool), SPOKEN, TEXTS)
def test_a_conversation_to_a_chat_and_back_is_the_same(
    used: list[tuple[str, str, Json]], asked: str, returned: str
) -> None:
    results = [
        {"type": "tool_result", "tool_use_id": name, "content": returned} for name, _, _ in used
    ]
    turns: list[Json] = [
        {"role": "user", "content": [{"type": "text", "text": asked}]},
        {"role": "assistant", "content": blocks(("", asked, used))},
        {"role": "user", "content": results},
    ]
    system = [{"type": "text", "text": asked}]
    chat = to_chat(messages=turns, system=system)
    back = to_messages(messages=chat["messages"])
    assert back["messages"] == turns
    assert back["system"] == system


@pytest.mark.parametrize("way", TRANSLATIONS, ids="<-".join)
@given(answer=answers(), data=st.data())
def test_how_events_are_grouped_changes_nothing(
    way: tuple[Surface, Surface], answer: Any, data: st.DataObject
) -> None:
    if way[1] is Surface.MESSAGES:
        events = named(message_events(*blocks(answer), pieces=3))
    else:
        events = plain(chunks(message(answer), 3, "stop"))
    body = b'{"model":"m","stream_options":{"include_usage":true}}'
    one_by_one = TRANSLATIONS[way].stream(body, NOW_S)
    wanted = b"".join(map(one_by_one.feed, events)) + one_by_one.close()
    grouped = TRANSLATIONS[way].stream(body, NOW_S)
    said = b""
    while events:
        count = data.draw(st.integers(1, len(events)))
        said += grouped.feed(b"".join(events[:count]))
        events = events[count:]
    assert said + grouped.close() == wanted
