from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.ask import Ask, PromptSize
from router.core.catalogue import Capability, Tier
from router.core.faults import Fault, Kind
from router.core.policy import DEFAULT_POLICY
from router.core.tokens import guess
from router.sandbox.openai import parse as parsed_by_the_sandbox
from router.surfaces.asking import read_ask
from router.surfaces.sla import SlaReader
from tests.surfaces.house import POLICIES, body


def read(raw: bytes) -> Ask:
    return read_ask(raw, (), request_id="req-1", slas=SlaReader(POLICIES, DEFAULT_POLICY))


def ask(**more: Any) -> Ask:
    return read(json.dumps(body(**more)).encode())


def refused(raw: bytes) -> Fault:
    with pytest.raises(Fault) as caught:
        read(raw)
    return caught.value


def test_a_plain_question_needs_nothing_and_asks_for_its_model() -> None:
    found = ask()
    assert (found.model, found.stream, found.wants_usage, found.max_tokens) == (
        "deepseek-r1",
        False,
        False,
        None,
    )
    assert found.needs == frozenset()
    assert found.params == {"model", "messages"}


def test_streaming_and_its_usage_are_read() -> None:
    found = ask(stream=True, stream_options={"include_usage": True})
    assert (found.stream, found.wants_usage) == (True, True)
    assert not ask(stream=True, stream_options={"include_usage": False}).wants_usage
    assert not ask(stream=None, stream_options=None).stream


def test_asking_for_usage_excludes_no_endpoint() -> None:
    found = ask(stream=True, stream_options={"include_usage": True}, seed=1)
    assert found.params == {"model", "messages", "stream", "seed"}


def test_of_two_limits_of_the_answer_the_tighter_holds() -> None:
    assert ask(max_tokens=300).max_tokens == 300
    assert ask(max_completion_tokens=200).max_tokens == 200
    assert ask(max_tokens=300, max_completion_tokens=200).max_tokens == 200
    # Either name is told to everybody by the one they take: neither excludes anybody.
    assert ask(max_tokens=300, max_completion_tokens=200).params.isdisjoint(
        {"max_tokens", "max_completion_tokens"}
    )


def test_our_own_keys_are_no_parameters_of_the_model() -> None:
    found = ask(sla={"ttft_ms": 800}, provider={"only": ["azure"]}, temperature=0.1)
    assert found.params == {"model", "messages", "temperature"}
    assert found.preferences.only == {"azure"}
    assert found.sla.bounds[0].limit == 800


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("fast", Tier.PRIORITY),
        ("flex", Tier.FLEX),
        ("priority", Tier.PRIORITY),
        ("auto", Tier.STANDARD),
        ("gold", Tier.STANDARD),
        (None, Tier.STANDARD),
        ({"a": [1]}, Tier.STANDARD),
    ],
)
def test_the_tier_of_service_is_read_and_what_it_is_not_is_left_to_the_provider(
    word: object, tier: Tier
) -> None:
    found = ask(service_tier=word)
    assert found.tier is tier
    assert "service_tier" in found.params


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGR", "format": "wav"}}
FILE = {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}}


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        ({"tools": [{"type": "function"}]}, {Capability.TOOLS}),
        ({"functions": [{"name": "f"}]}, {Capability.TOOLS}),
        ({"tools": []}, set()),
        ({"tools": None}, set()),
        ({"tools": [{}], "parallel_tool_calls": True}, {Capability.TOOLS}),
        ({"response_format": {"type": "json_object"}}, {Capability.JSON_OBJECT}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            {Capability.JSON_SCHEMA},
        ),
        ({"response_format": {"type": "text"}}, set()),
        ({"logprobs": True}, {Capability.LOGPROBS}),
        ({"logprobs": False, "top_logprobs": 0}, set()),
        ({"n": 2}, {Capability.SEVERAL_CHOICES}),
        ({"n": 1}, set()),
        ({"reasoning_effort": "low"}, {Capability.REASONING_EFFORT}),
        ({"seed": 0}, {Capability.SEED}),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, {Capability.IMAGES}),
        ({"messages": [{"role": "user", "content": [AUDIO]}]}, {Capability.AUDIO}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}, {Capability.AUDIO}),
        ({"modalities": ["text"]}, set()),
        ({"messages": [{"role": "user", "content": [FILE]}]}, {Capability.DOCUMENTS}),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
            set(),
        ),
    ],
)
def test_what_a_body_uses_is_what_an_endpoint_must_have(
    more: dict[str, Any], needs: set[Capability]
) -> None:
    assert ask(**more).needs == needs


def test_a_text_that_speaks_of_images_needs_none() -> None:
    text = json.dumps([IMAGE])
    found = ask(messages=[{"role": "user", "content": text}])
    assert found.needs == frozenset()
    assert found.prompt.attachments == 0


def test_the_bytes_of_an_attachment_are_no_prompt() -> None:
    data = base64.b64encode(bytes(300_000)).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    found = ask(messages=[{"role": "user", "content": [picture, AUDIO]}]).prompt
    assert found.attachments == 2
    assert found.ascii_bytes < 300


def test_escaped_and_plain_text_of_one_language_have_one_size() -> None:
    message = body(messages=[{"role": "user", "content": "量子纠缠" * 100 + "<plain>"}])
    plain = read(json.dumps(message, ensure_ascii=False).encode()).prompt
    escaped = read(json.dumps(message).encode()).prompt
    assert plain == escaped
    assert plain.other_bytes == 1200


def test_escaped_ascii_stays_ascii() -> None:
    raw = json.dumps(body()).encode().replace(b"Hi", b"\\u003cHi\\u003e")
    assert read(raw).prompt == PromptSize(len("<Hi>") + 16 - 2 + 2)


def test_an_escape_is_the_byte_it_stands_for() -> None:
    text = 'a "quoted" line\n\tof C:\\users\\new\\\\ and \x01' * 50
    found = ask(messages=[{"role": "user", "content": text}]).prompt
    assert found == PromptSize(len(text) + 16)


@pytest.mark.parametrize("tokens", [10, 30, 100, 1000, 10_000, 100_000])
@pytest.mark.parametrize("turns", [1, 2, 9])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_prompt_is_estimated_as_its_provider_counts_it(
    tokens: int, turns: int, separators: tuple[str, str]
) -> None:
    if tokens < 10 * turns:
        return
    text = 'She said "no",\nand so it was. ' * (tokens // 7)
    size = 4 * (tokens // turns - 4)
    roles = ("system", "user", "assistant")
    said = body(messages=[{"role": roles[i % 3], "content": text[:size]} for i in range(turns)])
    said |= {"temperature": 0.7, "metadata": {"not": "read" * 100}}
    raw = json.dumps(said, separators=separators).encode()
    counted = parsed_by_the_sandbox(raw).prompt_tokens
    assert counted == pytest.approx(tokens, rel=0.15)
    assert guess(read(raw).prompt) == pytest.approx(counted, rel=0.1)


def test_tools_their_calls_and_a_schema_are_read_by_the_model_too() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "x" * 400}}
    said = body(tools=[{"type": "function", "function": {"name": "f", "description": "y" * 400}}])
    said["messages"] += [{"role": "assistant", "content": None, "tool_calls": [call]}]
    said["messages"] += [{"role": "user", "content": [{"type": "text", "text": "z" * 400}]}]
    raw = json.dumps(said).encode()
    assert guess(read(raw).prompt) == pytest.approx(
        parsed_by_the_sandbox(raw).prompt_tokens, rel=0.1
    )
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": "t" * 400}}}
    assert ask(response_format=schema).prompt.ascii_bytes > ask().prompt.ascii_bytes + 400
    assert ask(response_format={"type": "json_object"}).prompt == ask().prompt


BAD_BODIES: list[tuple[bytes, Kind, str | None]] = [
    (b"", Kind.BAD_JSON, None),
    (b"{", Kind.BAD_JSON, None),
    (b"{'model': 1}", Kind.BAD_JSON, None),
    (b'{"model": NaN}', Kind.BAD_JSON, None),
    (b"[]", Kind.BAD_BODY, None),
    (b'"hi"', Kind.BAD_BODY, None),
    (b"{}", Kind.BAD_BODY, "model"),
    (b'{"model": "m", "messages": [{"role": "user", "content": "\xff"}]}', Kind.BAD_JSON, None),
    (b'{"\xff": 1}', Kind.BAD_JSON, None),
    (b'{"a":' + b"[" * 100_000, Kind.BAD_JSON, None),
]


@pytest.mark.parametrize(("raw", "kind", "param"), BAD_BODIES)
def test_a_body_that_is_no_json_object_is_refused(
    raw: bytes, kind: Kind, param: str | None
) -> None:
    fault = refused(raw)
    assert (fault.kind, fault.param) == (kind, param)


def test_broken_json_is_told_with_its_position() -> None:
    assert "byte 2" in refused(b"{ model: 1}").message


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"model": "m" * 257}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"content": [{"type": 3}]}]}, "messages[0].content[0].type"),
        ({"stream": "true"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "300"}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"n": 0}, "n"),
        ({"tools": {}}, "tools"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {}}, "response_format"),
        ({"response_format": {"type": 1}}, "response_format.type"),
        ({"logprobs": 5}, "logprobs"),
        ({"reasoning_effort": 5}, "reasoning_effort"),
        ({"seed": "x"}, "seed"),
        ({"provider": []}, "provider"),
    ],
)
def test_a_wrong_type_is_refused_by_the_path_of_its_field(more: dict[str, Any], param: str) -> None:
    fault = refused(json.dumps(body(**more)).encode())
    assert (fault.kind, fault.param) == (Kind.BAD_BODY, param)


def test_the_last_of_a_key_given_twice_counts_as_it_does_upstream() -> None:
    raw = b'{"model":"a","messages":[{"role":"user","content":"x"}],"model":"b"}'
    assert read(raw).model == "b"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_fault(raw: bytes) -> None:
    assert refused(raw).spec.status == 400


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
NAMES = ("model", "messages", "stream", "stream_options", "max_tokens", "n", "tools", "logprobs")
MORE_NAMES = ("response_format", "sla", "provider", "seed", "reasoning_effort")
names = st.sampled_from((*NAMES, *MORE_NAMES))


@given(st.dictionaries(names, values))
def test_no_json_raises_anything_but_a_fault(said: dict[str, Any]) -> None:
    raw = json.dumps({**body(), **said}).encode()
    with suppress(Fault):
        assert read(raw).prompt.ascii_bytes >= 1
