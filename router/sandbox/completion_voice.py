"""A completion of the older kind spoken: the text, and whatever was thought before it in it."""

from msgspec.json import encode

from router.sandbox.ask import Answer
from router.sandbox.chat_voice import FAILED, counted
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import Usage

_BETWEEN = "\n\n"


class CompletionVoice:
    """One answer as chunks of a text completion, or as one."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._head: dict[str, object] = {
            "id": f"cmpl-{answer.number:012x}",
            "object": "text_completion",
            "created": answer.created,
            "model": answer.row.model,
        }
        self._before, self._after = self._chunk("~").split(b"~")

    def _choice(self, text: str, finish: str | None = None) -> dict[str, object]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}

    def _chunk(self, text: str, finish: str | None = None, **more: object) -> bytes:
        choices = [self._choice(text, finish)]
        if self._answer.ask.wants_usage:
            more = {"usage": None, **more}
        return b"data: " + encode({**self._head, "choices": choices, **more}) + b"\n\n"

    def opening(self) -> bytes:
        """Nothing: the first chunk has text."""
        return b""

    def keepalive(self) -> bytes:
        """A comment."""
        return b": keep-alive\n\n"

    def reasoning(self, text: str) -> bytes:
        """A piece of what is thought, which is text like any other here."""
        return self.text(text)

    def turn(self) -> bytes:
        """An empty line after what was thought."""
        return self._chunk(_BETWEEN) if self._answer.take.reasoning else b""

    def text(self, text: str) -> bytes:
        """A chunk of the text."""
        return self._before + text.encode() + self._after

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """The finish chunk, usage where this row reports it, and [DONE]."""
        counts = counted(self._answer, usage)
        more = {"usage": counts} if style is UsageStyle.LAST_CHOICE else {}
        last = self._chunk("", self._finish, **more)
        if style is UsageStyle.OWN_CHUNK and self._answer.ask.wants_usage:
            own = encode({**self._head, "choices": [], "usage": counts})
            last += b"data: " + own + b"\n\n"
        return last + (b"data: [DONE]\n\n" if done else b"")

    def failing(self) -> bytes:
        """An error object where a chunk was expected."""
        return b"data: " + encode({"error": FAILED}) + b"\n\n"

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The completion."""
        said = reasoning + _BETWEEN + text if reasoning and text else reasoning + text
        body = {**self._head, "choices": [self._choice(said, self._finish)]}
        if style is not UsageStyle.NONE:
            body["usage"] = counted(self._answer, usage)
        return encode(body)

    @property
    def _finish(self) -> str:
        return "length" if self._answer.take.cut else "stop"
