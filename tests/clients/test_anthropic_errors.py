"""What `anthropic` raises, and what it tries again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, DefaultHttpxClient
from asking import MESSAGES, QUICK
from serving import Proxy

CLAUDE = "claude-sonnet-4"
Counted = Callable[[str], tuple[Anthropic, list[Any]]]


@pytest.fixture
def counted() -> Iterator[Counted]:
    """A client that tries again twice, and the requests that leave it."""
    with ExitStack() as stack:

        def make(root: str) -> tuple[Anthropic, list[Any]]:
            sent: list[Any] = []
            http = DefaultHttpxClient(event_hooks={"request": [sent.append]})
            made = Anthropic(base_url=root, api_key="none", max_retries=2, http_client=http)
            return stack.enter_context(made), sent

        yield make


def told(raised: pytest.ExceptionInfo[anthropic.APIStatusError]) -> dict[str, Any]:
    """The error object in Anthropic's envelope."""
    body = raised.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"
    return body["error"]


def test_a_wrong_bound_is_a_bad_request_that_names_it(proxy: Proxy, counted: Counted) -> None:
    client, sent = counted(proxy.root)
    with pytest.raises(anthropic.BadRequestError, match="it takes a number") as raised:
        client.messages.create(
            model=CLAUDE, max_tokens=20, messages=MESSAGES, extra_headers={"X-SLA-TTFT-Ms": "1s"}
        )
    assert told(raised)["type"] == "invalid_request_error"
    assert told(raised)["param"].lower() == "x-sla-ttft-ms"
    assert raised.value.request_id
    assert len(sent) == 1


def test_an_unknown_model_is_not_found_and_the_served_ones_are_named(
    proxy: Proxy, counted: Counted
) -> None:
    client, sent = counted(proxy.root)
    with pytest.raises(anthropic.NotFoundError, match=CLAUDE) as raised:
        client.messages.create(model="claude-sonnet-3", max_tokens=20, messages=MESSAGES)
    assert told(raised)["type"] == "not_found_error"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-sonnet-3")
    assert len(sent) == 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_nobody_can_keep_is_refused_once_with_what_would_have_worked(
    proxy: Proxy, counted: Counted, *, stream: bool
) -> None:
    client, sent = counted(proxy.root)
    with pytest.raises(anthropic.UnprocessableEntityError) as raised:
        client.messages.create(
            model="reasoning", max_tokens=500, messages=MESSAGES, stream=stream,
            extra_headers={"X-SLA-Max-Cost-USD": "0.0000001", "X-SLA-Mode": "strict"},
        )  # fmt: skip
    assert len(sent) == 1
    availability = told(raised)["availability"]
    assert availability["retryable"] is False
    assert availability["nearest"]["relax"]["max_cost_usd"] > 0


@pytest.mark.parametrize("model", [CLAUDE, "o3"])
def test_an_answer_that_breaks_off_is_an_error_after_what_came(
    troubled: Proxy, counted: Counted, model: str
) -> None:
    client, sent = counted(troubled.root)
    came: list[Any] = []
    stream = client.messages.create(
        model=model, max_tokens=2000, messages=MESSAGES, stream=True,
        extra_headers={**QUICK, "x-sandbox-fault": "die_mid:3"},
    )  # fmt: skip
    with pytest.raises(anthropic.APIStatusError, match="broke"):
        came.extend(stream)
    assert "content_block_delta" in [event.type for event in came]
    assert len(sent) == 1


def test_when_the_only_provider_fails_the_client_tries_again(
    troubled: Proxy, counted: Counted
) -> None:
    client, sent = counted(troubled.root)
    with pytest.raises(anthropic.InternalServerError):
        client.messages.create(
            model="gemini-2.5-pro", max_tokens=20, messages=MESSAGES,
            extra_headers={"x-sandbox-fault": "http_503"},
        )  # fmt: skip
    assert len(sent) == 3


def test_a_busy_provider_is_waited_for_as_long_as_it_says(mocked: Proxy, counted: Counted) -> None:
    client, sent = counted(mocked.root)
    began = time.monotonic()
    answer = client.messages.create(model="busy-claude", max_tokens=20, messages=MESSAGES)
    assert answer.content[0].text == "Now there is room."
    assert len(sent) == 2
    assert time.monotonic() - began >= 1
