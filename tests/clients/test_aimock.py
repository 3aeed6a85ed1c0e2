"""What a client gets from a provider nobody here wrote, through the proxy and directly."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic import Anthropic
from asking import (
    ASKING_WEATHER,
    MESSAGES,
    QUESTION,
    WEATHER,
    WEATHER_ANTHROPIC,
    WEATHER_FLAT,
    WEATHER_QUESTION,
    levelled,
)  # fmt: skip
from openai import OpenAI
from serving import Proxy

GPT, CLAUDE = "gpt-scripted", "claude-scripted"
SAID = "Plants run in the order of what the next megawatt costs."
SCHEMA = {"name": "plant", "schema": {"type": "object"}}
CHAT: Any = {"model": GPT, "messages": MESSAGES}
MESSAGE: Any = {"model": CLAUDE, "max_tokens": 500, "messages": MESSAGES}
RESPONSE: Any = {"model": GPT, "input": QUESTION}


def saying(text: str) -> Any:
    return [{"role": "user", "content": text}]


ASKED: dict[str, tuple[str, Any]] = {
    "chat": ("chat/completions", CHAT),
    "chat-tools": ("chat/completions", {**CHAT, "messages": ASKING_WEATHER, "tools": [WEATHER]}),
    "chat-thinking": ("chat/completions", {**CHAT, "messages": saying("What is six times seven?")}),
    "chat-schema": (
        "chat/completions",
        {
            **CHAT, "messages": saying("Tell of a power plant."),
            "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        },
    ),
    "chat-refused": ("chat/completions", {**CHAT, "messages": saying("Something wrong")}),
    "responses": ("responses", RESPONSE),
    "responses-tools": (
        "responses", {**RESPONSE, "input": WEATHER_QUESTION, "tools": [WEATHER_FLAT]}
    ),
    "responses-thinking": ("responses", {**RESPONSE, "input": "What is six times seven?"}),
    "responses-refused": ("responses", {**RESPONSE, "input": "Something wrong"}),
    "messages": ("messages", MESSAGE),
    "messages-tools": (
        "messages", {**MESSAGE, "messages": ASKING_WEATHER, "tools": [WEATHER_ANTHROPIC]}
    ),
    "messages-thinking": ("messages", {**MESSAGE, "messages": saying("What is six times seven?")}),
    "messages-refused": ("messages", {**MESSAGE, "messages": saying("Something wrong")}),
}  # fmt: skip


def post(base: str, path: str, body: Any) -> httpx2.Response:
    return httpx2.post(
        f"{base}/v1/{path}", json=body, timeout=30,
        headers={"authorization": "Bearer none", "anthropic-version": "2023-06-01"},
    )  # fmt: skip


def assert_the_same(aimock: str, mocked: Proxy, path: str, body: Any) -> None:
    there, here = post(aimock, path, body), post(mocked.root, path, body)
    assert here.status_code == there.status_code, here.text
    kind, _, _ = here.headers["content-type"].partition(";")
    assert kind == there.headers["content-type"]
    assert levelled(here.text) == levelled(there.text)
    assert there.text


@pytest.mark.parametrize(("path", "body"), list(ASKED.values()), ids=list(ASKED))
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_every_byte_is_the_providers(
    aimock: str, mocked: Proxy, path: str, body: Any, *, stream: bool
) -> None:
    assert_the_same(aimock, mocked, path, {**body, "stream": stream})


def test_every_byte_is_the_providers_where_usage_was_asked_for(aimock: str, mocked: Proxy) -> None:
    asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    assert_the_same(aimock, mocked, "chat/completions", asked)


@pytest.mark.parametrize("given", ["one text", ["two", "texts"]], ids=["one", "two"])
def test_every_number_of_an_embedding_is_the_providers(
    aimock: str, mocked: Proxy, given: Any
) -> None:
    asked = {"model": "text-embedding-3-small", "input": given, "dimensions": 8}
    assert_the_same(aimock, mocked, "embeddings", asked)


Clients = Callable[[str], tuple[OpenAI, Anthropic]]


@pytest.fixture
def clients() -> Iterator[Clients]:
    with ExitStack() as stack:

        def make(root: str, retries: int = 0) -> tuple[OpenAI, Anthropic]:
            ours = OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=retries)
            theirs = Anthropic(base_url=root, api_key="none", max_retries=retries)
            return stack.enter_context(ours), stack.enter_context(theirs)

        yield make


TAKEN: dict[str, Callable[[OpenAI, Anthropic], Any]] = {
    "chat": lambda one, _: one.chat.completions.create(**CHAT),
    "chat-stream": lambda one, _: [*one.chat.completions.create(**CHAT, stream=True)],
    "chat-helper": lambda one, _: (
        one.chat.completions.stream(**CHAT).__enter__().get_final_completion()
    ),
    "responses": lambda one, _: one.responses.create(**RESPONSE),
    "responses-stream": lambda one, _: [*one.responses.create(**RESPONSE, stream=True)],
    "embeddings": lambda one, _: one.embeddings.create(
        model="text-embedding-3-small", input=QUESTION
    ),
    "messages": lambda _, two: two.messages.create(**MESSAGE),
    "messages-stream": lambda _, two: [*two.messages.create(**MESSAGE, stream=True)],
}


@pytest.mark.parametrize("take", list(TAKEN.values()), ids=list(TAKEN))
def test_a_client_reads_the_same_here_and_there(
    aimock: str, mocked: Proxy, clients: Clients, take: Callable[[OpenAI, Anthropic], Any]
) -> None:
    there, here = (take(*clients(root)) for root in (aimock, mocked.root))
    assert levelled(repr(here)) == levelled(repr(there))


def test_an_openai_client_reads_what_claude_said(mocked: Proxy, clients: Clients) -> None:
    client, _ = clients(mocked.root)
    answer = client.chat.completions.create(model=CLAUDE, messages=MESSAGES)
    assert answer.choices[0].message.content == SAID
    assert answer.model == CLAUDE
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (14, 11)
    response = client.responses.create(model=CLAUDE, input=QUESTION)
    assert response.output_text == SAID
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (14, 11)
    tools = client.chat.completions.create(model=CLAUDE, messages=ASKING_WEATHER, tools=[WEATHER])
    calls = tools.choices[0].message.tool_calls
    assert [call.id for call in calls] == ["call_oslo", "call_rome"]
    assert json.loads(calls[1].function.arguments) == {"city": "Rome", "days": 3}


def test_an_anthropic_client_reads_what_gpt_said(mocked: Proxy, clients: Clients) -> None:
    _, client = clients(mocked.root)
    answer = client.messages.create(model=GPT, max_tokens=500, messages=MESSAGES)
    assert [block.text for block in answer.content] == [SAID]
    assert answer.model == GPT
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (14, 11)
    tools = client.messages.create(
        model=GPT, max_tokens=500, messages=ASKING_WEATHER, tools=[WEATHER_ANTHROPIC]
    )
    calls = [block for block in tools.content if block.type == "tool_use"]
    assert [call.id for call in calls] == ["call_oslo", "call_rome"]
    assert calls[1].input == {"city": "Rome", "days": 3}


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_refusal_reads_the_same_in_the_clients_own_words(
    mocked: Proxy, clients: Clients, dialect: str
) -> None:
    """The refusal of an endpoint that speaks another dialect than the client."""
    ours, theirs = clients(mocked.root)
    if dialect == "openai":
        with pytest.raises(openai.BadRequestError, match="not allowed"):
            ours.chat.completions.create(model=CLAUDE, messages=saying("Something wrong"))
    else:
        with pytest.raises(anthropic.BadRequestError, match="not allowed") as raised:
            theirs.messages.create(model=GPT, max_tokens=9, messages=saying("Something wrong"))
        assert isinstance(raised.value.body, dict)
        assert raised.value.body["error"]["type"] == "invalid_request_error"


def test_a_busy_provider_is_waited_for_as_long_as_it_says(mocked: Proxy, clients: Clients) -> None:
    client, _ = clients(mocked.root, 2)
    began = time.monotonic()
    answer = client.chat.completions.create(model="busy-gpt", messages=MESSAGES)
    assert answer.choices[0].message.content == "Now there is room."
    assert time.monotonic() - began >= 1


def test_a_provider_that_fails_is_replaced_by_the_next_dearer(
    mocked: Proxy, clients: Clients
) -> None:
    client, _ = clients(mocked.root)
    raw = client.chat.completions.with_raw_response.create(model="patched", messages=MESSAGES)
    assert raw.parse().choices[0].message.content == SAID
    assert raw.headers["X-SLA-Endpoint"] == "dear@aimock"
    assert raw.headers["X-SLA-Attempts"] == "2"


@pytest.mark.parametrize("chaos", ["drop", "malformed", "disconnect"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_chaos_is_an_error_that_may_be_tried_again_and_the_next_request_is_served(
    mocked: Proxy, clients: Clients, chaos: str, *, stream: bool
) -> None:
    client, _ = clients(mocked.root)
    asked = {"model": "chaos", "messages": MESSAGES}
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(
            **asked, stream=stream, extra_headers={f"x-aimock-chaos-{chaos}": "1"}
        )
    assert raised.value.response.headers.get("x-should-retry") != "false"
    assert client.chat.completions.create(**asked).choices[0].message.content == SAID


def test_an_answer_that_breaks_off_is_an_error_after_what_came(
    mocked: Proxy, clients: Clients
) -> None:
    ours, theirs = clients(mocked.root)
    came: list[Any] = []
    with pytest.raises(openai.APIError) as raised:
        came.extend(
            ours.chat.completions.create(model=GPT, messages=saying("a long story"), stream=True)
        )
    assert raised.value.code == "upstream_broke_off"
    assert any(chunk.choices for chunk in came)
    events: list[Any] = []
    with pytest.raises(anthropic.APIStatusError, match="broke"):
        events.extend(
            theirs.messages.create(
                model=CLAUDE, max_tokens=500, messages=saying("a long story"), stream=True
            )
        )
    assert any(event.type == "content_block_delta" for event in events)
