"""What a request asks of a provider, whichever dialect it came in, and how it is refused."""

from dataclasses import dataclass

from router.sandbox.draw import Take
from router.sandbox.fleet import Row


@dataclass(frozen=True, slots=True)
class Ask:
    """A parsed request. `said` is the JSON that must be said instead of prose, `tool` its tool."""

    prompt_tokens: int
    max_tokens: int | None = None
    stream: bool = False
    wants_usage: bool = False
    tool: str | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a voice must know to speak: who answers what, and as which message."""

    row: Row
    ask: Ask
    take: Take
    number: int
    created: int


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
