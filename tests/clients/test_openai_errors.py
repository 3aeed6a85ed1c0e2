"""What `openai` raises, and what it tries again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from asking import MESSAGES, MODEL, QUICK
from openai import DefaultHttpxClient, OpenAI
from serving import Proxy

Counted = Callable[[str], tuple[OpenAI, list[Any]]]


@pytest.fixture
def counted() -> Iterator[Counted]:
    """A client that tries again twice, and the requests that leave it."""
    with ExitStack() as stack:

        def make(url: str) -> tuple[OpenAI, list[Any]]:
            sent: list[Any] = []
            http = DefaultHttpxClient(event_hooks={"request": [sent.append]})
            made = OpenAI(base_url=url, api_key="none", max_retries=2, http_client=http)
            return stack.enter_context(made), sent

        yield make


def test_a_wrong_bound_is_a_bad_request_that_names_it(proxy: Proxy, counted: Counted) -> None:
    client, sent = counted(proxy.url)
    with pytest.raises(openai.BadRequestError, match="it takes a number") as raised:
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, extra_headers={"X-SLA-TTFT-Ms": "1s"}
        )
    assert raised.value.param is not None
    assert raised.value.param.lower() == "x-sla-ttft-ms"
    assert raised.value.code == "invalid_sla"
    assert raised.value.request_id
    assert len(sent) == 1


def test_a_wrong_bound_in_the_body_is_named_too(proxy: Proxy, counted: Counted) -> None:
    client, _ = counted(proxy.url)
    with pytest.raises(openai.BadRequestError, match="ttft"):
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, extra_body={"sla": {"ttft": 1000}}
        )


def test_an_unknown_model_is_not_found_and_the_served_ones_are_named(
    proxy: Proxy, counted: Counted
) -> None:
    client, sent = counted(proxy.url)
    with pytest.raises(openai.NotFoundError, match="deepseek-r1") as raised:
        client.chat.completions.create(model="deepseek-r2", messages=MESSAGES)
    assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("deepseek-r2")
    assert len(sent) == 2


def test_a_surface_that_is_not_served_is_not_found(proxy: Proxy, counted: Counted) -> None:
    client, _ = counted(proxy.url)
    with pytest.raises(openai.NotFoundError, match="served"):
        client.fine_tuning.jobs.list()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_nobody_can_keep_is_refused_once_with_what_would_have_worked(
    proxy: Proxy, counted: Counted, *, stream: bool
) -> None:
    client, sent = counted(proxy.url)
    with pytest.raises(openai.UnprocessableEntityError) as raised:
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=stream,
            extra_headers={"X-SLA-Max-Cost-USD": "0.0000001", "X-SLA-Mode": "strict"},
        )  # fmt: skip
    assert len(sent) == 1
    assert isinstance(raised.value.body, dict)
    told = raised.value.body["availability"]
    assert told["retryable"] is False
    assert told["excluded_by"] == ["max_cost_usd"]
    assert len(told["candidates"]) == 7
    assert told["nearest"]["relax"]["max_cost_usd"] > 0


def test_an_answer_that_breaks_off_is_an_error_after_what_came(
    troubled: Proxy, counted: Counted
) -> None:
    client, sent = counted(troubled.url)
    came = []
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True,
        extra_headers={**QUICK, "x-sandbox-fault": "die_mid:3"},
    )  # fmt: skip
    with pytest.raises(openai.APIError) as raised:
        came.extend(stream)
    assert any(chunk.choices for chunk in came)
    assert raised.value.code == "upstream_broke_off"
    assert len(sent) == 1


def test_a_provider_that_fails_before_its_first_word_is_not_seen(
    troubled: Proxy, counted: Counted
) -> None:
    client, sent = counted(troubled.url)
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES, max_tokens=10,
        extra_headers={"x-sandbox-fault": "deepseek-r1@nebius=http_500"},
        extra_body={"provider": {"only": ["nebius", "parasail"]}},
    )  # fmt: skip
    assert raw.headers["X-SLA-Endpoint"] == "deepseek-r1@parasail"
    assert raw.headers["X-SLA-Attempts"] == "2"
    assert len(sent) == 1


def test_when_every_provider_fails_the_client_may_try_again(
    troubled: Proxy, counted: Counted
) -> None:
    client, sent = counted(troubled.url)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(
            model="o3", messages=MESSAGES, extra_headers={"x-sandbox-fault": "http_503"}
        )
    assert len(sent) == 3
