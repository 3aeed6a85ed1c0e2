"""Bytes to tokens: estimated at once, and corrected per model by what providers report.

Tokenising 100,000 tokens takes tens of milliseconds; a ratio learned per model family from
returned usage is as good for deciding. ASCII and other text are kept apart: English has about four
bytes to a token, while scripts whose characters take two or three bytes differ from that and from
each other. First guesses are not measured; they count for little once usage was reported.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from router.core.ask import PromptSize
from router.core.decay import Group
from router.core.measure import Attempt

TOKENS: Final = Group("tokens", 24 * 3600.0, 8)
"""Estimated and reported prompt tokens of ASCII prompts, the same of others, visible characters and
visible tokens of answers, then whole answers n and the bytes around their characters. A day: a
model's tokeniser stays, what it is asked may change (not measured)."""

ASCII_PER_TOKEN, OTHER_PER_TOKEN = 4.0, 2.0
"""Bytes. Of English the usual rule of thumb; of the rest a guess that rather gives too many tokens
(1.5 for a Chinese character of three bytes, which is about one): too few would burst a window."""
TOKENS_PER_ATTACHMENT = 1000.0
"""What an image costs, roughly: one of 1024 x 1024 is 765 tokens to gpt-4o (85, and 170 for each of
four tiles) and 1,400 to Claude (pixels / 750). The ratio learns."""
HOLD_TOKENS = 300.0
"""Weight of the first guess, in tokens: after one prompt of 1,000 a quarter of it is left, after a
tiny one nearly all. A guess, not measured."""
CHARS_PER_TOKEN = 4.0
"""Of answers, by the same rule of thumb."""
ENVELOPE_BYTES, HOLD_ENVELOPES = 500.0, 1.0
"""What a whole answer has around its text before any was seen (names, ids, usage; OpenAI's about
700), and for how many that counts: the first one seen weighs as much as the guess. Not measured."""
MOST_ENVELOPE_BYTES = 4_000
"""With more around it (log probabilities, an image) an answer tells nothing of the next one. Some
six times OpenAI's; not measured."""


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
        return guess(size) * (self.other if size.other_bytes else self.ascii)

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
