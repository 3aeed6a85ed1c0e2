"""The one question, under eight different budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from router.cli.words import CHARS_PER_TOKEN, filler

TEXT: Final = "What is a merit order, and why does it matter?"
R1: Final = "deepseek-r1"


@dataclass(frozen=True, slots=True)
class Question:
    """``title`` is the budget in words, ``headers`` the same as the proxy reads it.

    ``context_tokens`` is how long a text stands before the question: a page, if nothing is said.
    """

    title: str
    model: str = R1
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = True
    context_tokens: int = 1000

    @property
    def prompt(self) -> str:
        """What is sent."""
        return filler(self.context_tokens * CHARS_PER_TOKEN) + TEXT


QUESTIONS: Final = (
    Question("no bounds"),
    Question("first token within 1 s", headers={"X-SLA-TTFT-Ms": "1000"}),
    Question("whole answer within 20 s", headers={"X-SLA-E2E-Ms": "20000"}, stream=False),
    Question("at least 60 tokens/s", headers={"X-SLA-Min-TPS": "60"}),
    Question("a 100,000-token prompt", stream=False, context_tokens=100_000),
    Question(
        "any reasoning model, at most 700 tokens",
        model="reasoning",
        headers={"X-SLA-Max-Answer-Tokens": "700"},
    ),
    Question(
        "first token within 8 s, at most 0.008 USD",
        headers={"X-SLA-TTFT-Ms": "8000", "X-SLA-Max-Cost-USD": "0.008"},
    ),
    Question(
        "first token within 0.1 s, or refuse",
        headers={"X-SLA-TTFT-Ms": "100", "X-SLA-Mode": "strict"},
    ),
)
