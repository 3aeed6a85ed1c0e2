"""A chat completion spoken: chunks of a stream, or one document, with the providers' accents.

The constant parts of a chunk are rendered once for an answer; a chunk is then three byte strings
joined. Prose needs no escaping; JSON that is recited is escaped where it is spoken.
"""

from msgspec.json import encode

from router.sandbox.ask import Answer
from router.sandbox.fleet import Accent, UsageStyle
from router.sandbox.ledger import Usage, cost_nano_usd

FAILED = {
    "message": "The server had an error.",
    "type": "server_error",
    "param": None,
    "code": None,
}


def counted(answer: Answer, usage: Usage) -> dict[str, object]:
    """The usage object, with what the row's accent adds."""
    counts: dict[str, object] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
    match answer.row.accent:
        case Accent.DEEPSEEK:
            counts["prompt_cache_hit_tokens"] = usage.cached
            counts["prompt_cache_miss_tokens"] = usage.prompt - usage.cached
        case Accent.OPENROUTER:
            counts["cost"] = cost_nano_usd(usage, answer.row.price) / 1e9
        case Accent.PLAIN | Accent.AZURE:
            pass
    return counts


class ChatVoice:
    """One answer as chat-completion chunks, or as one chat completion."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        row = answer.row
        self._seen = "reasoning" if row.accent is Accent.OPENROUTER else "reasoning_content"
        self._id = f"chatcmpl-{answer.number:012x}"
        self._head = encode(
            {
                "id": self._id,
                "object": "chat.completion.chunk",
                "created": answer.created,
                "model": row.model,
            }
        )[:-1]
        self._before_delta = b"data: " + self._head + b',"choices":[{"index":0,"delta":'
        # Asked for usage, OpenAI names it in every chunk; it is null in all but the last.
        self._tail = b'],"usage":null}\n\n' if answer.ask.wants_usage else b"]}\n\n"
        self._after_reasoning = b'"},"finish_reason":null}' + self._tail
        self._after_text = self._after_reasoning
        self._before_text = self._before_delta + b'{"content":"'
        if answer.ask.tool:
            self._before_text = (
                self._before_delta + b'{"tool_calls":[{"index":0,"function":{"arguments":"'
            )
            self._after_text = b'"}}]},"finish_reason":null}' + self._tail
        self._before_reasoning = self._before_delta + b'{"' + self._seen.encode() + b'":"'

    def _delta(self, delta: object, finish: str | None = None) -> bytes:
        ending = b',"finish_reason":' + encode(finish) + b"}"
        return self._before_delta + encode(delta) + ending + self._tail

    def opening(self) -> bytes:
        """The role chunk; Azure sends its content filter's verdict first."""
        delta: dict[str, object] = {"role": "assistant", "content": ""}
        first = b""
        match self._answer.row.accent:
            case Accent.DEEPSEEK:
                delta["reasoning_content"] = None
            case Accent.AZURE:
                first = b'data: {"id":"","object":"","created":0,"model":"","choices":[],'
                first += (
                    b'"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}\n\n'
                )
            case Accent.PLAIN | Accent.OPENROUTER:
                pass
        return first + self._delta(delta)

    def keepalive(self) -> bytes:
        """A comment, as the provider words it."""
        if self._answer.row.accent is Accent.OPENROUTER:
            return b": OPENROUTER PROCESSING\n\n"
        return b": keep-alive\n\n"

    def reasoning(self, text: str) -> bytes:
        """A chunk of visible reasoning."""
        return self._before_reasoning + text.encode() + self._after_reasoning

    def turn(self) -> bytes:
        """The name of the tool that is called, if one is."""
        tool = self._answer.ask.tool
        if not tool:
            return b""
        function = {"name": tool, "arguments": ""}
        call = {"index": 0, "id": self._call_id, "type": "function", "function": function}
        return self._delta({"tool_calls": [call]})

    def text(self, text: str) -> bytes:
        """A chunk of the answer."""
        spoken = text.encode() if self._answer.ask.said is None else encode(text)[1:-1]
        return self._before_text + spoken + self._after_text

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """The finish chunk, usage where this row reports it, and [DONE]."""
        counts = b',"usage":' + encode(counted(self._answer, usage)) + b"}\n\n"
        last = self._delta({}, self._finish)
        if style is UsageStyle.LAST_CHOICE:
            last = last.removesuffix(self._tail) + b"]" + counts
        elif style is UsageStyle.OWN_CHUNK and self._answer.ask.wants_usage:
            last += b"data: " + self._head + b',"choices":[]' + counts
        return last + (b"data: [DONE]\n\n" if done else b"")

    def failing(self) -> bytes:
        """An error object where a chunk was expected."""
        return b"data: " + encode({"error": FAILED}) + b"\n\n"

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The chat completion."""
        message: dict[str, object] = {"role": "assistant", "content": text}
        if reasoning:
            message[self._seen] = reasoning
        if self._answer.ask.tool:
            function = {"name": self._answer.ask.tool, "arguments": text}
            call = {"id": self._call_id, "type": "function", "function": function}
            message |= {"content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        body: dict[str, object] = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._answer.created,
            "model": self._answer.row.model,
            "choices": [choice],
        }
        if style is not UsageStyle.NONE:
            body["usage"] = counted(self._answer, usage)
        return encode(body)

    @property
    def _call_id(self) -> str:
        return f"call_{self._answer.number:012x}"

    @property
    def _finish(self) -> str:
        if self._answer.take.cut:
            return "length"
        return "tool_calls" if self._answer.ask.tool else "stop"
