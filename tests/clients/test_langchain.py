"""LangChain, which brings `openai` along and its own reading of what comes."""

import pytest
from asking import MODEL, QUESTION, QUICK
from langchain_openai import ChatOpenAI
from serving import Proxy


@pytest.fixture
def chat(proxy: Proxy) -> ChatOpenAI:
    return ChatOpenAI(model=MODEL, base_url=proxy.url, api_key="none", default_headers=QUICK)


def test_a_chat_model_answers_with_its_usage(chat: ChatOpenAI) -> None:
    answer = chat.invoke(QUESTION)
    assert answer.text.strip()
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def test_a_chat_model_streams(chat: ChatOpenAI) -> None:
    pieces = list(chat.stream(QUESTION))
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces).strip()


async def test_a_chat_model_binds_tools(chat: ChatOpenAI) -> None:
    def weather(city: str, days: int) -> str:
        """Tell the weather."""
        return f"Rain in {city} for {days} days."

    answer = await chat.bind_tools([weather], tool_choice="weather").ainvoke(QUESTION)
    assert [call["name"] for call in answer.tool_calls] == ["weather"]
    assert {*answer.tool_calls[0]["args"]} == {"city", "days"}
