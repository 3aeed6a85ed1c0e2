"""What the virtual models say, and how its tokens are counted.

Prose comes from a ring of plain English words: one word with the space before it is one token,
4.5 characters on average wherever one starts, so billed tokens are proportional to visible
characters. No word needs escaping in JSON. Prompts are counted as a quarter of their UTF-8 bytes:
crude, deterministic, and independent of what the proxy believes.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from msgspec.json import encode

IMAGE_TOKENS = 1000
MESSAGE_TOKENS = 4
BYTES_PER_TOKEN = 4

_WORDS = (  # noqa: SIM905 - prose is read as prose
    "The price of a kilowatt is not what it says but what we pay for it in time. "
    "So we look at the plants one by one and ask how much each can give today. "
    "When the load is low a cheaper one will do, and all the rest can stay cold. "
    "As it rises we call the next, and then another, in order of their cost. "
    "No rule is simple if the wind may turn, yet this one has been kept for decades. "
).split()
_RING = len(_WORDS)
_TEXT = "".join(f" {word}" for word in _WORDS)
_ENDS = (0, *accumulate(len(word) + 1 for word in _WORDS))


class Speech(Protocol):
    """A text of which tokens can be cut out."""

    def between(self, first: int, last: int) -> str:
        """The tokens [first, last) as text."""


@dataclass(frozen=True, slots=True)
class Prose:
    """Endless words, beginning `offset` words into the ring."""

    offset: int = 0

    def between(self, first: int, last: int) -> str:
        """The tokens [first, last) as text; the very first has no space before it."""
        turns, start = divmod(first + self.offset, _RING)
        end = last + self.offset - turns * _RING
        whole, rest = divmod(end, _RING)
        text = (_TEXT * whole + _TEXT[: _ENDS[rest]])[_ENDS[start] :]
        return text[1:] if first == 0 else text


@dataclass(frozen=True, slots=True)
class Recital:
    """A given text, four characters to the token."""

    text: str

    @property
    def tokens(self) -> int:
        """How many tokens the whole text has."""
        return -(-len(self.text) // BYTES_PER_TOKEN)

    def between(self, first: int, last: int) -> str:
        """The tokens [first, last) as text."""
        return self.text[first * BYTES_PER_TOKEN : last * BYTES_PER_TOKEN]


def text_tokens(text: str) -> int:
    """Tokens of a text in a prompt: a quarter of its UTF-8 bytes, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def json_tokens(value: object) -> int:
    """Tokens of tools and tool calls: a quarter of their JSON, rounded up; none for nothing."""
    return -(-len(encode(value)) // BYTES_PER_TOKEN) if value else 0


def content_tokens(content: object) -> int:
    """Tokens of a message's content: a string, or parts of either dialect, nested as they come."""
    match content:
        case str():
            return text_tokens(content)
        case list():
            return sum(content_tokens(part) for part in content)
        case {"type": "image" | "image_url" | "input_image"}:
            return IMAGE_TOKENS
        case {"text": str(text)}:
            return text_tokens(text)
        case {"content": inner}:
            return content_tokens(inner)
        case {"input": inner}:
            return json_tokens(inner)
        case _:
            return 0
