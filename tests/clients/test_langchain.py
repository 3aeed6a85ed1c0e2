"""LangChain, which brings `openai` and `anthropic` along and its own reading of what comes."""

import pytest
from asking import QUESTION, SHORT, WEATHER_QUESTION, Plant
from conftest import Place
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from serving import Proxy


@pytest.fixture(params=["openai", "responses", "anthropic"])
def chat(request: pytest.FixtureRequest, place: Place) -> BaseChatModel:
    """LangChain's models in each dialect that they speak."""
    if request.param == "anthropic":
        return ChatAnthropic(
            model=place.model, base_url=place.proxy.root, api_key="none", max_tokens=4000,
            default_headers=SHORT,
        )  # fmt: skip
    return ChatOpenAI(
        model=place.model, base_url=place.proxy.url, api_key="none", default_headers=SHORT,
        use_responses_api=request.param == "responses",
    )  # fmt: skip


def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"Rain in {city} for {days} days."


def test_a_chat_model_answers_with_its_usage(chat: BaseChatModel) -> None:
    answer = chat.invoke(QUESTION)
    assert answer.text.strip()
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def test_a_chat_model_streams(chat: BaseChatModel) -> None:
    pieces = list(chat.stream(QUESTION))
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces).strip()


async def test_a_chat_model_calls_tools_and_takes_their_results(chat: BaseChatModel) -> None:
    asked = HumanMessage(WEATHER_QUESTION)
    answer = await chat.bind_tools([weather], tool_choice="weather").ainvoke([asked])
    assert {call["name"] for call in answer.tool_calls} == {"weather"}
    results = [
        ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls
    ]
    told = await chat.bind_tools([weather]).ainvoke([asked, answer, *results])
    assert told.text.strip()
    assert not told.tool_calls


def test_a_chat_model_gives_structured_output(place: Place) -> None:
    chat = ChatOpenAI(model=place.model, base_url=place.proxy.url, api_key="none")
    plant = chat.with_structured_output(Plant).invoke("Tell of a power plant.")
    assert isinstance(plant, Plant)


def test_embeddings_are_vectors_of_the_texts(mocked: Proxy) -> None:
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=mocked.url, api_key="none", dimensions=8,
        check_embedding_ctx_length=False,
    )  # fmt: skip
    vectors = embeddings.embed_documents(["one text", "another"])
    assert [len(vector) for vector in vectors] == [8, 8]
    assert vectors[0] != vectors[1]
