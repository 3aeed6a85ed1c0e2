"""What the tests of all Python clients ask."""

import re
from typing import Any

from pydantic import BaseModel

MODEL = "deepseek-r1"
EMBEDDING = "text-embedding-3-small"
"""Served in the market and at the aimock."""

QUESTION = "What is a merit order?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
WEATHER_QUESTION = "What will the weather be in Oslo and Rome?"
ASKING_WEATHER: Any = [{"role": "user", "content": WEATHER_QUESTION}]
QUICK = {"X-SLA-TTFT-Ms": "20000"}
"""Leaves out DeepSeek's own endpoint with its long wait; loose enough for a fast clock."""
SHORT = {**QUICK, "x-sandbox-answer-tokens": "60"}
"""And asks the market's models for few words."""

ARGUMENTS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": ARGUMENTS,
    },
}
"""The tool, as chat and LangChain take it."""

WEATHER_FLAT: Any = {"type": "function", "strict": True, **WEATHER["function"]}
"""As responses takes it."""

WEATHER_ANTHROPIC: Any = {
    "name": "weather",
    "description": "Tell the weather.",
    "input_schema": ARGUMENTS,
}
"""As Anthropic's messages take it."""


PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
"""One pixel."""


class Plant(BaseModel):
    """A structured answer."""

    name: str
    megawatts: int


def levelled(told: str) -> str:
    """The same with what a provider draws by chance (ids) named in order of appearance."""
    names: dict[str, str] = {}
    found = re.compile(r"\b(?:[a-z]+[-_])(?:[A-Za-z0-9_-]{16})(?![A-Za-z0-9_-])")
    return found.sub(lambda one: names.setdefault(one[0], f"drawn-{len(names)}"), told)
