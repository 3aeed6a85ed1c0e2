"""Asks through the real ``openai`` client, unmodified, as an application would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from router.cli.demo.questions import Question

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionUserMessageParam

Note = Callable[[str], None]
Json = dict[str, Any]
_LIMIT_S: Final = 120.0


@dataclass(slots=True)
class Answer:
    """What came back for one question. Times are the market's, costs USD.

    ``told`` is what the proxy says of it (``X-SLA-Explain``): decision, verdict, facts;
    ``refusal`` the error body of a question that was turned down.
    """

    question: Question
    endpoint: str = ""
    told: Json = field(default_factory=dict)
    refusal: Json | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


def client_of(base_url: str) -> AsyncOpenAI:
    """Return a client of the proxy. Loopback is never reached through an HTTP proxy."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    return AsyncOpenAI(
        base_url=base_url,
        api_key="any",
        max_retries=0,
        timeout=_LIMIT_S,
        http_client=DefaultAsyncHttpxClient(trust_env=False, timeout=_LIMIT_S),
    )


async def ask(client: AsyncOpenAI, question: Question, note: Note) -> Answer:
    """Ask, tell the progress, and return the answer or the refusal."""
    from openai import APIStatusError

    note("waiting")
    answer = Answer(question)
    try:
        await (_streamed if question.stream else _whole)(client, answer, note)
    except APIStatusError as error:
        if not isinstance(error.body, dict):
            raise
        answer.refusal = {**error.body, "status": error.status_code}
        note(f"refused ({error.status_code})")
    else:
        note(f"done, by {answer.endpoint}")
    return answer


def _messages(question: Question) -> list[ChatCompletionUserMessageParam]:
    return [{"role": "user", "content": question.prompt}]


def _headers(question: Question) -> dict[str, str]:
    return {**question.headers, "X-SLA-Explain": "true"}


async def _streamed(client: AsyncOpenAI, answer: Answer, note: Note) -> None:
    question = answer.question
    raw = await client.chat.completions.with_raw_response.create(
        model=question.model,
        messages=_messages(question),
        extra_headers=_headers(question),
        stream=True,
        stream_options={"include_usage": True},
    )
    answer.endpoint = raw.headers["X-SLA-Endpoint"]
    note(f"{answer.endpoint} has begun")
    async with raw.parse() as chunks:
        async for chunk in chunks:
            extra = chunk.model_extra or {}
            answer.told = extra.get("meritorder", answer.told)
            _count(answer, chunk.usage)


async def _whole(client: AsyncOpenAI, answer: Answer, note: Note) -> None:
    del note
    question = answer.question
    raw = await client.chat.completions.with_raw_response.create(
        model=question.model, messages=_messages(question), extra_headers=_headers(question)
    )
    completion = raw.parse()
    answer.endpoint = raw.headers["X-SLA-Endpoint"]
    answer.told = (completion.model_extra or {})["meritorder"]
    _count(answer, completion.usage)


def _count(answer: Answer, usage: CompletionUsage | None) -> None:
    if usage is None:
        return
    answer.input_tokens, answer.output_tokens = usage.prompt_tokens, usage.completion_tokens
    details = usage.prompt_tokens_details
    answer.cached_tokens = (details.cached_tokens or 0) if details is not None else 0
