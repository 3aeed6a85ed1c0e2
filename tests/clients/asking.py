"""What the tests of all Python clients ask."""

from typing import Any

MODEL = "deepseek-r1"
QUESTION = "What is a merit order?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
QUICK = {"X-SLA-TTFT-Ms": "20000"}
"""Leaves out DeepSeek's own endpoint with its long wait; loose enough for a fast clock."""

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
