from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from router.core.faults import Fault, Kind
from tests.surfaces.house import CHUNK, House, Script, fails, running
from tests.surfaces.test_streams import sends

QUESTION: ChatCompletionUserMessageParam = {"role": "user", "content": "Hi"}
EXPLAIN = {"X-SLA-Explain": "true"}


def counted(script: Script, tries: list[int]) -> Script:
    async def counting(*args: Any) -> None:
        tries.append(1)
        await script(*args)

    return counting


def client_of(house: House, *, retries: int = 0) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key="sk-x", max_retries=retries)


@pytest.mark.parametrize(
    ("kind", "raised", "tries"),
    [
        (Kind.INFEASIBLE, openai.UnprocessableEntityError, 1),
        (Kind.CONTEXT_EXCEEDED, openai.BadRequestError, 1),
        (Kind.CREDENTIALS, openai.InternalServerError, 1),
        (Kind.INTERNAL, openai.InternalServerError, 1),
        (Kind.SERVER_ERROR, openai.InternalServerError, 2),
        (Kind.RATE_LIMITED, openai.RateLimitError, 2),
    ],
)
async def test_the_openai_client_raises_the_right_error_and_retries_only_what_may_mend(
    kind: Kind, raised: type[openai.APIStatusError], tries: int
) -> None:
    seen: list[int] = []
    script = counted(fails(Fault(kind, "Words.")), seen)
    async with running(script) as house, client_of(house, retries=1) as client:
        with pytest.raises(raised) as caught:
            await client.chat.completions.create(model="deepseek-r1", messages=[QUESTION])
    assert caught.value.code == kind.value
    assert "Words." in caught.value.message
    assert caught.value.request_id is not None
    assert len(seen) == tries


async def test_the_openai_client_reads_a_whole_answer_with_the_decision_in_it() -> None:
    async with running() as house, client_of(house) as client:
        whole: Any = await client.chat.completions.create(
            model="deepseek-r1",
            messages=[QUESTION],
            extra_headers=EXPLAIN,
            extra_body={"sla": {"ttft_ms": 1000}},
        )
    assert whole.choices[0].message.content == "Hi"
    assert whole.meritorder["verdict"] == "unmeasured"


async def test_the_openai_client_reads_a_stream_with_the_decision_in_its_last_chunk() -> None:
    async with running() as house, client_of(house) as client:
        stream = await client.chat.completions.create(
            model="deepseek-r1", messages=[QUESTION], stream=True, extra_headers=EXPLAIN
        )
        chunks: list[Any] = [chunk async for chunk in stream]
    assert [c.choices[0].delta.content for c in chunks[:2]] == ["Hi", "Hi"]
    assert chunks[2].meritorder["verdict"] == "none"


async def test_the_openai_client_raises_when_a_stream_fails_half_way() -> None:
    script = sends(CHUNK, fault=Fault(Kind.BROKEN, "azure broke off."))
    async with running(script) as house, client_of(house) as client:
        stream = await client.chat.completions.create(
            model="deepseek-r1", messages=[QUESTION], stream=True
        )
        assert (await anext(stream)).choices[0].delta.content == "Hi"
        with pytest.raises(openai.APIError, match="azure broke off") as caught:
            await anext(stream)
    assert caught.value.code == "upstream_broke_off"


async def test_both_clients_list_the_models() -> None:
    async with running() as house:
        async with client_of(house) as client:
            assert [m.id async for m in client.models.list()] == ["deepseek-r1", "reasoning"]
        async with anthropic.AsyncAnthropic(base_url=house.url, api_key="sk-x") as other:
            assert [m.id async for m in other.models.list()] == ["deepseek-r1", "reasoning"]


async def test_both_clients_read_in_their_own_words_that_a_model_is_not_listed() -> None:
    async with running() as house:
        async with client_of(house) as client:
            with pytest.raises(openai.NotFoundError) as caught:
                await client.models.retrieve("x")
            assert caught.value.code == "model_not_found"
        async with anthropic.AsyncAnthropic(base_url=house.url, api_key="sk-x") as other:
            with pytest.raises(anthropic.NotFoundError) as raised:
                await other.models.retrieve("x")
            assert raised.value.type == "not_found_error"


async def test_the_anthropic_client_reads_which_models_are_served() -> None:
    async with (
        running() as house,
        anthropic.AsyncAnthropic(base_url=house.url, api_key="sk-x") as client,
    ):
        with pytest.raises(anthropic.NotFoundError, match=r"is not served here; .*deepseek-r1"):
            await client.messages.create(
                model="x", max_tokens=1, messages=[{"role": "user", "content": "Hi"}]
            )
