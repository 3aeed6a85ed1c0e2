"""`llm`, the library: the proxy's models in its file of further OpenAI models."""

import json
from pathlib import Path

import llm
import pytest
from asking import QUESTION, SHORT, WEATHER_QUESTION, Plant
from conftest import Place


@pytest.fixture(params=["chat", "responses"])
def model(
    request: pytest.FixtureRequest, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> llm.Model:
    """The proxy's model, by each of the APIs that `llm` speaks."""
    row = {
        "model_id": "bought", "model_name": place.model, "api_base": place.proxy.url,
        "headers": SHORT, "supports_tools": True, "supports_schema": True,
        "responses": request.param == "responses",
    }  # fmt: skip
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([row]))  # JSON is YAML
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    return llm.get_model("bought")


def test_it_answers_with_its_usage(model: llm.Model) -> None:
    response = model.prompt(QUESTION, stream=False)
    assert response.text().strip()
    usage = response.usage()
    assert usage.output


def test_it_streams(model: llm.Model) -> None:
    assert "".join(model.prompt(QUESTION, stream=True)).strip()


def test_it_calls_tools_until_it_has_an_answer(model: llm.Model, place: Place) -> None:
    if not place.scripted:
        pytest.skip("the market's models call tools only when they must")
    asked = []

    def weather(city: str, days: int) -> str:
        """Tell the weather."""
        asked.append((city, days))
        return "Rain."

    said = model.chain(WEATHER_QUESTION, tools=[weather]).text()
    assert asked == [("Oslo", 2), ("Rome", 3)]
    assert said.endswith("Rain in Oslo, sun in Rome.")


def test_it_gives_structured_output(model: llm.Model, place: Place) -> None:
    response = model.prompt("Tell of a power plant.", schema=Plant, stream=False)
    assert {*json.loads(response.text())} == {"name", "megawatts"}
