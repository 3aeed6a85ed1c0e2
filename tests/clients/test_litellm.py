"""`litellm` as a client, in the three dialects that it speaks to a proxy."""

import json
from typing import Any

import litellm
import pytest
from asking import ASKING_WEATHER, MESSAGES, QUESTION, SHORT, WEATHER
from conftest import Place
from serving import Proxy

pytestmark = pytest.mark.filterwarnings("ignore")  # its own, about its own types


def reached(place: Place, dialect: str) -> dict[str, Any]:
    """How a caller of litellm names the proxy: as a server of that dialect."""
    base = place.proxy.root if dialect == "anthropic" else place.proxy.url
    return {
        "model": f"{dialect}/{place.model}", "api_base": base, "api_key": "none",
        "extra_headers": SHORT, "max_tokens": 4000,  # to Anthropic it would ask for 128,000
    }  # fmt: skip


@pytest.fixture(params=["openai", "anthropic"])
def there(request: pytest.FixtureRequest, place: Place) -> dict[str, Any]:
    return reached(place, request.param)


def test_completion_answers_with_its_usage(there: dict[str, Any]) -> None:
    answer = litellm.completion(messages=MESSAGES, **there)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 0


def test_completion_streams(there: dict[str, Any]) -> None:
    chunks = list(litellm.completion(messages=MESSAGES, stream=True, **there))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_completion_calls_tools(there: dict[str, Any]) -> None:
    answer = await litellm.acompletion(
        messages=ASKING_WEATHER, tools=[WEATHER], tool_choice="required", **there
    )
    calls = answer.choices[0].message.tool_calls
    assert {call.function.name for call in calls} == {"weather"}
    assert {*json.loads(calls[0].function.arguments)} == {"city", "days"}


def test_responses_answer(place: Place) -> None:
    answer = litellm.responses(
        model=f"openai/{place.model}", input=QUESTION, api_base=place.proxy.url, api_key="none",
        extra_headers=SHORT,
    )  # fmt: skip
    texts = [part.text for item in answer.output if item.type == "message" for part in item.content]
    assert "".join(texts).strip()


def test_embeddings_are_vectors(mocked: Proxy) -> None:
    answer = litellm.embedding(
        model="openai/text-embedding-3-small", input=["one text"], api_base=mocked.url,
        api_key="none",
    )  # fmt: skip
    assert answer.data[0]["embedding"]


def test_a_wrong_bound_is_a_bad_request_that_names_it(proxy: Proxy) -> None:
    with pytest.raises(litellm.BadRequestError, match=r"x-sla-ttft-ms: .* it takes a number"):
        litellm.completion(
            model="openai/deepseek-r1", api_base=proxy.url, api_key="none", messages=MESSAGES,
            extra_headers={"X-SLA-TTFT-Ms": "1s"},
        )  # fmt: skip
