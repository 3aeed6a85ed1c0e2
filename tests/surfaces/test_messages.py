"""Anthropic's messages, read for routing."""

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

PIXELS = {"type": "base64", "media_type": "image/png", "data": "A" * 8000}
USED = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "blue"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln" * 200}


def ask(surface: Surface = Surface.MESSAGES, **more: Any) -> Ask:
    body = {"model": "deepseek-r1", "max_tokens": 900, "messages": said("Hi"), **more}
    raw = json.dumps(body).encode()
    slas = SlaReader(POLICIES, DEFAULT_POLICY)
    return read_ask(
        raw,
        (),
        request_id="req-1",
        slas=slas,
        surface=surface,
        translated=frozenset({"deepseek-r1"}),
    )


def said(*contents: Any) -> list[dict[str, Any]]:
    """Return turns, the first of them the user's."""
    return [{"role": ("user", "assistant")[n % 2], "content": c} for n, c in enumerate(contents)]


def test_a_plain_question_needs_nothing() -> None:
    found = ask(stream=True)
    assert (found.surface, found.model, found.stream) == (Surface.MESSAGES, "deepseek-r1", True)
    assert (found.max_tokens, found.needs, found.only_natively) == (900, frozenset(), "")


@pytest.mark.parametrize(
    ("speed", "tier"),
    [
        ("fast", Tier.FAST_MODE),
        ("standard", Tier.STANDARD),
        (None, Tier.STANDARD),
        (2, Tier.STANDARD),
    ],
)
def test_speed_is_a_tier_of_its_own(speed: object, tier: Tier) -> None:
    found = ask(speed=speed, service_tier="auto")
    assert found.tier is tier
    assert ask(speed=speed).tier is tier


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"content": "Hi"}]}, "messages[0]"),
        ({"messages": said([{"type": 3}])}, "messages[0].content[0].type"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"thinking": True}, "thinking"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}], "tool_choice": "auto"}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(more: dict[str, Any], path: str) -> None:
    with pytest.raises(Fault) as caught:
        ask(**more)
    assert caught.value.param == path


def test_what_is_shown_to_a_model_must_be_seen_by_it_also_inside_a_tools_result() -> None:
    shown = ask(messages=said([{"type": "image", "source": PIXELS}]))
    result = {**RESULT, "content": [{"type": "image", "source": {}}]}
    held = ask(messages=said("a", [USED], [result]))
    read = ask(messages=said([{"type": "document", "source": PIXELS}]))
    assert shown.needs == held.needs == {Capability.IMAGES}
    assert read.needs == {Capability.DOCUMENTS}
    assert shown.prompt.attachments == 1
    assert shown.prompt.ascii_bytes < 100, "the data of an image are no text"


def test_tools_schemas_and_thinking_are_needs() -> None:
    assert ask(tools=[{"name": "look", "input_schema": {}}]).needs == {Capability.TOOLS}
    schema = {"format": {"type": "json_schema", "schema": {}}}
    assert ask(output_config=schema).needs == {Capability.JSON_SCHEMA}
    assert ask(output_config={"effort": "low"}).needs == {Capability.REASONING_EFFORT}
    assert ask(thinking={"type": "enabled", "budget_tokens": 1024}).needs == {
        Capability.REASONING_EFFORT
    }
    assert ask(thinking={"type": "disabled"}).needs == frozenset()


def test_what_claude_code_says_of_thinking_leaves_every_endpoint_in() -> None:
    said = ask(thinking={"type": "adaptive"}, output_config={"effort": "high"})
    assert said.needs == frozenset()


def test_the_prompt_is_system_tools_and_messages() -> None:
    words = "word " * 400
    alone = guess(ask(messages=said(words)).prompt)
    assert alone == pytest.approx(500, rel=0.05)
    system = [{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}]
    assert guess(ask(messages=said(words), system=system).prompt) == pytest.approx(
        2 * alone, rel=0.05
    )
    tools = [{"name": "look", "description": words, "input_schema": {}}]
    with_tools = ask(messages=said(words), tools=tools)
    assert guess(with_tools.prompt) == pytest.approx(2 * alone, rel=0.05)


def test_signed_thinking_in_an_open_tool_loop_stays_with_who_signed_it() -> None:
    open_loop = ask(messages=said("Why?", [THOUGHT, USED], [RESULT]))
    assert open_loop.only_natively == "signature"
    long_loop = ask(messages=said("Why?", [THOUGHT, USED], [RESULT], [USED], [RESULT]))
    assert long_loop.only_natively == "signature"


def test_what_was_thought_before_a_person_spoke_again_may_go_anywhere() -> None:
    closed = ask(messages=said("Why?", [THOUGHT, USED], [RESULT], "So.", "And then?"))
    assert not closed.only_natively


def test_what_only_anthropics_api_brings_along_is_named() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    assert ask(tools=[search]).only_natively == "tools.web_search_20250305"
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert ask(messages=said("a", [found])).only_natively == "web_search_tool_result"


def test_a_prompt_to_be_counted_needs_no_limit() -> None:
    found = ask(Surface.COUNT_TOKENS, max_tokens=None)
    assert (found.surface, found.stream, found.max_tokens) == (Surface.COUNT_TOKENS, False, 1)


def test_a_field_that_says_nothing_rules_nobody_out() -> None:
    assert "brand_new" not in ask(brand_new=None).params
    assert "brand_new" in ask(brand_new=0).params
