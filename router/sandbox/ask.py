"""What a request asks of a provider, whichever dialect it came in, and how it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.sandbox.draw import Take
from router.sandbox.fleet import Row

Prefix = tuple[bytes, int]
"""A beginning of a prompt: its hash, and its tokens."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A beginning that is to be remembered: its place among the prefixes, and for how long."""

    place: int
    keep_s: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """Prompt tokens that were read from the cache and written to it, `written_1h` of these for an
    hour.
    """

    read: int = 0
    written: int = 0
    written_1h: int = 0


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

    `prefixes` are the beginnings of the prompt that end with a message or a block of one, shortest
    first, and `marks` those that are to be remembered where that must be asked for. `inputs` are
    there where vectors are wanted and not text. `repeated` are fields of the request that its
    answer repeats.
    """

    prompt_tokens: int
    max_tokens: int | None = None
    stream: bool = False
    wants_usage: bool = False
    tool: str | None = None
    said: str | None = None
    prefixes: tuple[Prefix, ...] = ()
    marks: tuple[Mark, ...] = ()
    inputs: Inputs | None = None
    repeated: Mapping[str, object] = field(default_factory=dict)

    @property
    def window_tokens(self) -> int:
        """What must fit the window: prompt and answer, or each input alone."""
        read = self.prompt_tokens if self.inputs is None else self.inputs.longest
        return read + (self.max_tokens or 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a voice must know to speak: who answers what, and as which message, and what of the
    prompt the row remembered.
    """

    row: Row
    ask: Ask
    take: Take
    number: int
    created: int
    remembered: Remembered = Remembered()


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
