"""Bytes to tokens: estimated at once, and corrected per model by what providers report.

Tokenising 100,000 tokens takes tens of milliseconds; a ratio learned per model family from
returned usage is as good for deciding. ASCII and other text are kept apart, since a Chinese
character is three bytes and about one token, an English one four bytes a token.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from router.core.ask import PromptSize
from router.core.decay import Group
from router.core.measure import Attempt

TOKENS: Final = Group("tokens", 24 * 3600.0, 8)
"""Estimated and reported prompt tokens of ASCII prompts, the same of others, visible characters and
visible tokens of answers, then whole answers n and the bytes around their characters."""

ASCII_PER_TOKEN, OTHER_PER_TOKEN = 4.0, 2.0
TOKENS_PER_ATTACHMENT = 1000.0
"""What an image costs, roughly; providers differ and the ratio learns."""
HOLD_TOKENS = 300.0
"""Weight of the first guess, in tokens."""
CHARS_PER_TOKEN = 4.0
ENVELOPE_BYTES, HOLD_ENVELOPES = 500.0, 1.0
"""What a whole answer has around its text before any was seen (names, ids, usage; OpenAI's about
700), and for how many that counts."""
MOST_ENVELOPE_BYTES = 4_000
"""With more around it (log probabilities, an image) an answer tells nothing of the next one."""


class Rates(NamedTuple):
    """What one model makes of bytes: corrections for ASCII and other prompts, characters/token.

    ``envelope`` is the bytes of a whole answer beside its characters.
    """

    ascii: float = 1.0
    other: float = 1.0
    chars: float = CHARS_PER_TOKEN
    envelope: float = ENVELOPE_BYTES

    def prompt_tokens(self, size: PromptSize) -> float:
        """Estimate the prompt's tokens."""
        return guess(size) * self.correction(size)

    def correction(self, size: PromptSize) -> float:
        """Return the factor between the first guess and what this model makes of it."""
        return self.other if size.other_bytes else self.ascii

    def visible_tokens(self, chars: int) -> float:
        """Estimate the tokens of visible characters."""
        return chars / self.chars

    def document_tokens(self, length: int) -> float:
        """Estimate the visible tokens of a whole answer whose body has ``length`` bytes."""
        return max(0.0, length - self.envelope) / self.chars


def guess(size: PromptSize) -> float:
    """Estimate tokens before anything was learned."""
    return max(
        1.0,
        size.ascii_bytes / ASCII_PER_TOKEN
        + size.other_bytes / OTHER_PER_TOKEN
        + size.attachments * TOKENS_PER_ATTACHMENT,
    )


def believed(sums: list[float]) -> Rates:
    """Return the learned ratios."""
    chars_hold = HOLD_TOKENS * CHARS_PER_TOKEN
    return Rates(
        ascii=(sums[1] + HOLD_TOKENS) / (sums[0] + HOLD_TOKENS),
        other=(sums[3] + HOLD_TOKENS) / (sums[2] + HOLD_TOKENS),
        chars=(sums[4] + chars_hold) / (sums[5] + HOLD_TOKENS),
        envelope=(sums[7] + ENVELOPE_BYTES * HOLD_ENVELOPES) / (sums[6] + HOLD_ENVELOPES),
    )


def learned(attempt: Attempt, size: PromptSize) -> list[tuple[int, float]]:
    """Return (index, amount) that an attempt with reported usage adds; else nothing."""
    usage = attempt.usage
    if usage is None or usage.estimated or usage.input <= 0:
        return []
    at = 2 if size.other_bytes else 0
    found = [(at, guess(size)), (at + 1, float(usage.input))]
    if attempt.complete and attempt.visible_chars and attempt.visible_tokens > 0:
        found += [(4, float(attempt.visible_chars)), (5, attempt.visible_tokens)]
        around = (attempt.body_bytes or 0) - attempt.visible_chars
        if 0 < around <= MOST_ENVELOPE_BYTES:
            found += [(6, 1.0), (7, float(around))]
    return found
