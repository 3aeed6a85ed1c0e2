"""Python's `openai` with completions, which only endpoints that speak them can serve."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from asking import QUESTION, SHORT
from openai import OpenAI
from serving import Proxy, serving

CONFIG = (Path(__file__).parents[2] / "config.toml").read_text()
SPEAKS = 'speaks = ["chat", "responses"]'


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """A client of a proxy whose operator says that OpenAI's endpoint speaks completions."""
    assert CONFIG.count(SPEAKS) == 1
    told = CONFIG.replace(SPEAKS, f'{SPEAKS[:-1]}, "completions"]')
    with (
        serving(tmp_path_factory.mktemp("speaking"), told) as proxy,
        OpenAI(base_url=proxy.url, api_key="none", default_headers=SHORT) as client,
    ):
        yield client


def test_a_completion_is_answered_whole(speaking: OpenAI) -> None:
    answer = speaking.completions.create(model="o3", prompt=QUESTION, max_tokens=200)
    assert answer.object == "text_completion"
    assert answer.choices[0].text.strip()
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


def test_a_completion_streams(speaking: OpenAI) -> None:
    chunks = list(
        speaking.completions.create(model="o3", prompt=QUESTION, max_tokens=200, stream=True)
    )
    assert "".join(chunk.choices[0].text for chunk in chunks).strip()
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_where_nobody_speaks_them_the_refusal_says_so(proxy: Proxy) -> None:
    with (
        OpenAI(base_url=proxy.url, api_key="none") as client,
        pytest.raises(openai.UnprocessableEntityError) as raised,
    ):
        client.completions.create(model="claude-sonnet-4", prompt=QUESTION, max_tokens=20)
    assert isinstance(raised.value.body, dict)
    assert "completions" in str(raised.value.body["availability"]["candidates"])
