"""What translated answers left in a conversation does not reach who would refuse it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.surface import Surface
from router.upstream.body import edit
from router.upstream.translate import TRANSLATIONS
from tests.fuzz.right import REQUESTS, whole
from tests.upstream.asking import an_endpoint

CREATED_S = 1


def sent(surface: Surface, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", **fields}).encode()
    told = edit(body, an_endpoint(), stream=False, wants_usage=True, surface=surface)
    decoded = json.loads(told)
    assert isinstance(decoded, dict)
    return decoded


def answer(surface: Surface) -> dict[str, Any]:
    """What a client gets of an endpoint that speaks chat and thinks aloud."""
    chat = json.loads(whole(Surface.CHAT))
    chat["choices"][0]["message"]["reasoning_content"] = "Hm."
    asked = json.dumps({"model": "m", **REQUESTS[surface][0]}).encode()
    translated = TRANSLATIONS[surface, Surface.CHAT].whole
    told = json.loads(translated(asked, json.dumps(chat).encode(), CREATED_S))
    assert isinstance(told, dict)
    return told


def test_thinking_that_nobody_signed_is_not_shown_to_who_wants_a_signature() -> None:
    content = answer(Surface.MESSAGES)["content"]
    assert content[0]["type"] == "thinking"
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]
    assert sent(Surface.MESSAGES, messages=turns)["messages"] == [
        turns[0],
        {"role": "assistant", "content": content[1:]},
    ]


def test_a_turn_of_nothing_but_unsigned_thinking_is_left_out() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [thought]},
        {"role": "user", "content": "Well?"},
    ]
    assert sent(Surface.MESSAGES, messages=turns)["messages"] == [turns[0], turns[2]]


def test_signed_thinking_passes_as_it_came() -> None:
    thought = {"type": "thinking", "thinking": 'a "signature":"" in words', "signature": "c2ln"}
    turns = [{"role": "assistant", "content": [thought, {"type": "text", "text": "So."}]}]
    assert sent(Surface.MESSAGES, messages=turns)["messages"] == turns


def test_items_of_ours_lose_their_names_and_our_reasoning_goes() -> None:
    output = answer(Surface.RESPONSES)["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call"]
    told = sent(Surface.RESPONSES, input=[{"role": "user", "content": "Hi"}, *output])["input"]
    assert [item.get("type") for item in told] == [None, "message", "function_call"]
    assert not any("id" in item for item in told)
    assert told[2]["call_id"] == output[2]["call_id"]


@pytest.mark.parametrize(
    "given", ["what I told_you", [{"type": "message", "id": "msg_1", "role": "user"}]]
)
def test_what_is_not_ours_passes_as_it_came(given: Any) -> None:
    assert sent(Surface.RESPONSES, input=given)["input"] == given
