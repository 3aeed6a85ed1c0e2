"""What a request asks of a provider, whichever dialect it came in, and how it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.sandbox.draw import Take
from router.sandbox.fleet import Row

Prefix = tuple[bytes, int]
"""A beginning of a prompt: its hash, and its tokens."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be embedded: the hash of each input, the tokens of the longest, and the shape of
    the vectors; `dimensions` None are the model's own.
    """

    digests: tuple[bytes, ...]
    longest: int
    dimensions: int | None = None
    base64: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A parsed request. `said` is the JSON that must be said instead of prose, `tool` its tool.

    `prefixes` are the beginnings of the prompt that end with a message, shortest first. `inputs`
    are there where vectors are wanted and not text. `repeated` are fields of the request that its
    answer repeats.
    """

    prompt_tokens: int
    max_tokens: int | None = None
    stream: bool = False
    wants_usage: bool = False
    tool: str | None = None
    said: str | None = None
    prefixes: tuple[Prefix, ...] = ()
    inputs: Inputs | None = None
    repeated: Mapping[str, object] = field(default_factory=dict)

    @property
    def window_tokens(self) -> int:
        """What must fit the window: prompt and answer, or each input alone."""
        read = self.prompt_tokens if self.inputs is None else self.inputs.longest
        return read + (self.max_tokens or 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a voice must know to speak: who answers what, and as which message.

    `cached` are the prompt tokens that the row remembered.
    """

    row: Row
    ask: Ask
    take: Take
    number: int
    created: int
    cached: int = 0


class Refusal(Exception):
    """A request that is turned down before any work; each dialect has its own shape for it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
