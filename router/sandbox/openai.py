"""The OpenAI chat-completions dialect, with the accents providers speak it in.

The constant parts of a chunk are rendered once for an answer; a chunk is then three byte strings
joined. The words need no escaping, JSON that is recited is escaped where it is spoken.
"""

from collections.abc import Mapping

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.fleet import Accent, UsageStyle
from router.sandbox.ledger import Usage, cost_nano_usd
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens, text_tokens


class _Message(msgspec.Struct):
    role: str
    content: object = None
    tool_calls: list[object] | None = None


class _Options(msgspec.Struct):
    include_usage: bool = False


class _Function(msgspec.Struct):
    name: str
    parameters: object = None


class _Tool(msgspec.Struct):
    function: _Function


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _Options | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: object = None
    response_format: object = None


def _called(body: _Body) -> _Function | None:
    """The tool that must be called, if the request names or requires one."""
    match body.tool_choice:
        case "required":
            wanted = None
        case {"function": {"name": str(name)}}:
            wanted = name
        case _:
            return None
    return next((t.function for t in body.tools or () if wanted in (None, t.function.name)), None)


def _said(body: _Body, called: _Function | None) -> str | None:
    """The JSON that must be said: a tool's arguments or a structured answer."""
    if called:
        return encode(fitting(called.parameters)).decode()
    match body.response_format:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return encode(fitting(schema)).decode()
        case {"type": "json_object"}:
            return '{"answer":"as planned"}'
        case _:
            return None


def _decode(raw: bytes) -> _Body:
    try:
        body = msgspec.json.decode(raw, type=_Body)
    except msgspec.ValidationError as error:
        field = "messages" if "messages" in str(error) else "model"
        raise Refusal(400, str(error), code="missing_required_parameter", param=field) from None
    except msgspec.DecodeError:
        raise Refusal(400, "We could not parse the JSON body of your request.") from None
    if not body.messages:
        raise Refusal(400, "[] is too short - 'messages'", param="messages")
    return body


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = _decode(raw)
    called = _called(body)
    spoken = sum(
        content_tokens(m.content) + MESSAGE_TOKENS + (text_tokens(str(m.tool_calls)) if m.tool_calls else 0)
        for m in body.messages
    )
    tools = len(encode(body.tools)) // 4 if body.tools else 0
    limit = body.max_completion_tokens if body.max_tokens is None else body.max_tokens
    if limit is not None and limit < 1:
        raise Refusal(400, f"Invalid 'max_tokens': {limit} is below 1.", param="max_tokens")
    return Ask(
        prompt_tokens=spoken + tools,
        max_tokens=limit,
        stream=bool(body.stream),
        wants_usage=bool(body.stream_options and body.stream_options.include_usage),
        tool=called.name if called else None,
        said=_said(body, called),
    )


def _usage(answer: Answer, usage: Usage) -> dict[str, object]:
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
        self._after_text = b'"},"finish_reason":null}]}\n\n'
        self._before_text = self._before_delta + b'{"content":"'
        if answer.ask.tool:
            self._before_text = (
                self._before_delta + b'{"tool_calls":[{"index":0,"function":{"arguments":"'
            )
            self._after_text = b'"}}]},"finish_reason":null}]}\n\n'
        self._before_reasoning = self._before_delta + b'{"' + self._seen.encode() + b'":"'

    def _delta(self, delta: object, finish: str | None = None) -> bytes:
        ending = b',"finish_reason":' + encode(finish) + b"}]}\n\n"
        return self._before_delta + encode(delta) + ending

    def opening(self) -> bytes:
        """The role chunk; Azure sends its content filter's verdict first."""
        delta: dict[str, object] = {"role": "assistant", "content": ""}
        first = b""
        match self._answer.row.accent:
            case Accent.DEEPSEEK:
                delta["reasoning_content"] = None
            case Accent.AZURE:
                first = b'data: {"id":"","object":"","created":0,"model":"","choices":[],'
                first += b'"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}\n\n'
        return first + self._delta(delta)

    def keepalive(self) -> bytes:
        """A comment, as the provider words it."""
        if self._answer.row.accent is Accent.OPENROUTER:
            return b": OPENROUTER PROCESSING\n\n"
        return b": keep-alive\n\n"

    def reasoning(self, text: str) -> bytes:
        """A chunk of visible reasoning."""
        return self._before_reasoning + text.encode() + b'"},"finish_reason":null}]}\n\n'

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
        counts = b',"usage":' + encode(_usage(self._answer, usage)) + b"}\n\n"
        last = self._delta({}, self._finish)
        if style is UsageStyle.LAST_CHOICE:
            last = last[: -len(b"}\n\n")] + counts
        elif style is UsageStyle.OWN_CHUNK and self._answer.ask.wants_usage:
            last += b"data: " + self._head + b',"choices":[]' + counts
        return last + (b"data: [DONE]\n\n" if done else b"")

    def failing(self) -> bytes:
        """An error object where a chunk was expected."""
        return b"data: " + refusal(Refusal(500, "The server had an error."), 0) + b"\n\n"

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
            body["usage"] = _usage(self._answer, usage)
        return encode(body)

    @property
    def _call_id(self) -> str:
        return f"call_{self._answer.number:012x}"

    @property
    def _finish(self) -> str:
        if self._answer.take.cut:
            return "length"
        return "tool_calls" if self._answer.ask.tool else "stop"


def voice(answer: Answer) -> ChatVoice:
    """The voice for one answer."""
    return ChatVoice(answer)


_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error",
          403: "permission_error", 429: "requests"}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def refusal(why: Refusal, number: int) -> bytes:  # noqa: ARG001 - its id is in the headers only
    """The error object."""
    error = {
        "message": why.message,
        "type": _TYPES.get(why.status, "server_error"),
        "param": why.param,
        "code": why.code or _CODES.get(why.status),
    }
    return encode({"error": error})


def headers(number: int) -> Mapping[str, str]:
    """What the provider adds to every response."""
    return {"x-request-id": f"req_{number:012x}", "x-ratelimit-limit-requests": "10000"}


def admits(headers: Mapping[str, str]) -> bool:
    """Whether the request brought a key: a Bearer token, or Azure's api-key."""
    return "authorization" in headers or "api-key" in headers
