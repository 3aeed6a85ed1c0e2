"""OpenAI's responses, read for routing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.ask import Ask
from router.core.catalogue import Capability, Tier
from router.core.faults import Fault
from router.core.policy import DEFAULT_POLICY
from router.core.surface import Surface
from router.core.tokens import guess
from router.surfaces.asking import read_ask
from router.surfaces.sla import SlaReader
from tests.surfaces.house import POLICIES

CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at":"sky"}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "blue"}
SEALED = {"type": "reasoning", "summary": [], "encrypted_content": "c2ln" * 100}


def ask(**more: Any) -> Ask:
    raw = json.dumps({"model": "deepseek-r1", "input": "Hi", **more}).encode()
    slas = SlaReader(POLICIES, DEFAULT_POLICY)
    return read_ask(
        raw,
        (),
        request_id="req-1",
        slas=slas,
        surface=Surface.RESPONSES,
        translated=frozenset({"deepseek-r1"}),
    )


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_a_text_is_a_question_and_so_is_a_list_of_items() -> None:
    plain, listed = ask(stream=True, max_output_tokens=50), ask(input=[user("Hi")])
    assert (plain.stream, plain.max_tokens, plain.needs) == (True, 50, frozenset())
    assert (listed.stream, listed.max_tokens, listed.needs) == (False, None, frozenset())


def test_calls_side_by_side_are_allowed_and_no_need_as_codex_says_them_always() -> None:
    tools = [{"type": "function", "name": "look"}]
    assert ask(tools=tools, parallel_tool_calls=True).needs == {Capability.TOOLS}


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": [{"type": 3}]}, "input[0].type"),
        ({"input": [user([{"type": []}])]}, "input[0].content[0].type"),
        ({"background": True}, "background"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"reasoning": "high"}, "reasoning"),
        ({"text": "json"}, "text"),
        ({"tools": "all"}, "tools"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(more: dict[str, Any], path: str) -> None:
    with pytest.raises(Fault) as caught:
        ask(**more)
    assert caught.value.param == path


def test_an_input_that_the_provider_keeps_need_not_be_sent() -> None:
    assert ask(input=None, previous_response_id="resp_1").params >= {"previous_response_id"}


def test_media_schemas_tools_and_effort_are_needs() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 8000}
    shown = ask(input=[user([{"type": "input_text", "text": "What?"}, image])])
    assert shown.needs == {Capability.IMAGES}
    assert shown.prompt.ascii_bytes < 100, "the data of an image are no text"
    assert ask(tools=[{"type": "function", "name": "look"}]).needs == {Capability.TOOLS}
    schema = {"format": {"type": "json_schema", "name": "x", "schema": {}}}
    assert ask(text=schema).needs == {Capability.JSON_SCHEMA}
    assert ask(reasoning={"effort": "low"}).needs == {Capability.REASONING_EFFORT}
    assert ask(service_tier="flex").tier is Tier.FLEX


def test_the_prompt_is_instructions_tools_and_items() -> None:
    words = "word " * 400
    alone = guess(ask(input=words).prompt)
    assert alone == pytest.approx(500, rel=0.05)
    assert guess(ask(input=[user(words)], instructions=words).prompt) == pytest.approx(
        2 * alone, rel=0.05
    )
    called = [user("a"), {**CALL, "arguments": words}, {**OUTPUT, "output": words}]
    assert guess(ask(input=called).prompt) == pytest.approx(2 * alone, rel=0.05)


def test_what_only_this_api_brings_along_is_named() -> None:
    assert ask(tools=[{"type": "web_search"}]).only_natively == "tools.web_search"
    reference = {"type": "item_reference", "id": "msg_1"}
    assert ask(input=[reference]).only_natively == "item_reference"


def test_sealed_reasoning_stays_with_who_sealed_it_while_a_tool_loop_is_open() -> None:
    def natively(*items: dict[str, Any]) -> str:
        return ask(input=[user("a"), *items]).only_natively

    assert natively(SEALED, CALL, OUTPUT) == "encrypted_content"
    assert not natively(SEALED, CALL, OUTPUT, user("b"))
    assert not natively({**SEALED, "encrypted_content": None}, CALL, OUTPUT)
