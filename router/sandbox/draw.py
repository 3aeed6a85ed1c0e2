"""Chance: how long an answer becomes, how long it takes, how fast it comes.

Lengths, waits and speeds are lognormal about the row's medians. The wait grows linearly with the
prompt from the row's value at 500 tokens. Hidden reasoning is a wait like any other to the client,
and output like any other on the bill.
"""

from dataclasses import dataclass
from math import exp, floor
from random import Random

from router.sandbox.fleet import Reasoning, Row

PROMPT_OF_ROW = 500
_SHORTEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """What request and weather impose on a draw. Tokens are billed output, seconds virtual."""

    prompt_tokens: int
    max_tokens: int | None = None
    answer_tokens: int | None = None
    said_tokens: int | None = None
    ttft_s: float | None = None
    ttft_factor: float = 1.0
    speed_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Take:
    """One drawn answer: `hidden` tokens are never seen, `reasoning` then `text` are streamed."""

    ttft_s: float
    tokens_per_s: float
    thinking_s: float
    hidden: int
    reasoning: int
    text: int
    cut: bool

    @property
    def visible(self) -> int:
        """Tokens that are streamed."""
        return self.reasoning + self.text

    @property
    def duration_s(self) -> float:
        """From the request to the last token."""
        return self.due_at_s(max(0, self.visible - 1))

    def due_at_s(self, token: int) -> float:
        """When visible token `token`, counted from 0, falls due after the request."""
        return self.ttft_s + token / self.tokens_per_s

    def due(self, elapsed_s: float) -> int:
        """Visible tokens that have fallen due `elapsed_s` after the request."""
        if elapsed_s < self.ttft_s:
            return 0
        return min(self.visible, 1 + floor((elapsed_s - self.ttft_s) * self.tokens_per_s + 1e-9))

    def thought(self, elapsed_s: float) -> int:
        """Hidden tokens that have been generated `elapsed_s` after the request."""
        if elapsed_s >= self.ttft_s or not self.hidden:
            return self.hidden
        share = 1 - (self.ttft_s - elapsed_s) / self.thinking_s
        return floor(self.hidden * max(0.0, share))


def _length(row: Row, wish: Wish, chance: Random) -> tuple[int, int, bool]:
    """Reasoning and text tokens of the answer, and whether `max_tokens` cut it."""
    drawn = max(1, round(row.answer_tokens * exp(row.answer_sigma * chance.gauss(0, 1))))
    total = drawn if wish.answer_tokens is None else wish.answer_tokens
    reasoning = round(total * row.reasoning_share)
    text = total - reasoning if wish.said_tokens is None else wish.said_tokens
    limit = reasoning + text if wish.max_tokens is None else wish.max_tokens
    return min(reasoning, limit), min(text, max(0, limit - reasoning)), reasoning + text > limit


def draw(row: Row, wish: Wish, chance: Random) -> Take:
    """One answer of this row. The same chance gives the same noise whatever the wish says."""
    reasoning, text, cut = _length(row, wish, chance)
    wait_noise = exp(row.ttft_sigma * chance.gauss(0, 1))
    speed_noise = exp(row.speed_sigma * chance.gauss(0, 1))
    speed = row.tokens_per_s * speed_noise * wish.speed_factor
    beyond_1k = (wish.prompt_tokens - PROMPT_OF_ROW) / 1000
    wait = max(row.ttft_s * _SHORTEST_SHARE, row.ttft_s + row.ttft_s_per_1k * beyond_1k)
    hidden = reasoning if row.reasoning is Reasoning.HIDDEN else 0
    thinking = hidden / speed
    ttft = (wait * wait_noise + thinking) * wish.ttft_factor if wish.ttft_s is None else wish.ttft_s
    return Take(
        ttft_s=ttft,
        tokens_per_s=speed,
        thinking_s=min(ttft, thinking * wish.ttft_factor),
        hidden=hidden,
        reasoning=reasoning - hidden,
        text=text,
        cut=cut,
    )
