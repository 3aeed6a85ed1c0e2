"""The Anthropic messages dialect: named events, content blocks, usage split over two of them."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import Usage
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens


class _Message(msgspec.Struct):
    role: str
    content: object


class _Tool(msgspec.Struct):
    name: str
    description: str = ""
    input_schema: object = None


class _Prompt(msgspec.Struct):
    model: str
    messages: list[_Message]
    system: object = None
    tools: list[_Tool] | None = None


class _Body(_Prompt, kw_only=True):
    max_tokens: int
    stream: bool | None = None
    tool_choice: object = None


Shape = TypeVar("Shape", bound=_Prompt)


def _called(body: _Body) -> _Tool | None:
    """The tool that must be called, if the request names or requires one."""
    match body.tool_choice:
        case {"type": "any"}:
            wanted = None
        case {"type": "tool", "name": str(name)}:
            wanted = name
        case _:
            return None
    return next((tool for tool in body.tools or () if wanted in (None, tool.name)), None)


def _decode(raw: bytes, shape: type[Shape]) -> Shape:
    try:
        body = msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise Refusal(400, str(error)) from None
    except msgspec.DecodeError:
        raise Refusal(400, "The request body is not valid JSON.") from None
    if not body.messages:
        raise Refusal(400, "messages: at least one message is required")
    return body


def _prompt_tokens(prompt: _Prompt) -> int:
    spoken = sum(content_tokens(m.content) + MESSAGE_TOKENS for m in prompt.messages)
    system = content_tokens(prompt.system) + MESSAGE_TOKENS if prompt.system else 0
    return spoken + system + (len(encode(prompt.tools)) // 4 if prompt.tools else 0)


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = _decode(raw, _Body)
    if body.max_tokens < 1:
        raise Refusal(400, "max_tokens: must be greater than or equal to 1")
    called = _called(body)
    return Ask(
        prompt_tokens=_prompt_tokens(body),
        max_tokens=body.max_tokens,
        stream=bool(body.stream),
        wants_usage=True,
        tool=called.name if called else None,
        said=encode(fitting(called.input_schema)).decode() if called else None,
    )


def count(raw: bytes) -> bytes:
    """The answer to count_tokens. Raises Refusal."""
    return encode({"input_tokens": _prompt_tokens(_decode(raw, _Prompt))})


def _event(name: str, body: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode({"type": name, **body}) + b"\n\n"


def _input(usage: Usage) -> dict[str, object]:
    """Fresh input, cache reads and cache writes: three disjoint counts."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
    }


class MessageVoice:
    """One answer as message events, or as one message."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._thinks = answer.take.reasoning > 0
        self._index = 0
        self._said_before, self._said_after = self._frame("thinking_delta", "thinking")

    def _frame(self, kind: str, field: str) -> tuple[bytes, bytes]:
        """The constant parts of a delta of this kind in the current block."""
        head = f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{self._index},'
        return f'{head}"delta":{{"type":"{kind}","{field}":"'.encode(), b'"}}\n\n'

    def _message(self, content: list[object], stop: str | None) -> dict[str, object]:
        return {
            "id": f"msg_{self._answer.number:012x}",
            "type": "message",
            "role": "assistant",
            "model": self._answer.row.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
        }

    def _start(self, block: dict[str, object]) -> bytes:
        return _event("content_block_start", {"index": self._index, "content_block": block})

    def _block(self) -> dict[str, object]:
        """The empty block of the answer proper."""
        tool = self._answer.ask.tool
        if tool:
            return {"type": "tool_use", "id": self._call_id, "name": tool, "input": {}}
        return {"type": "text", "text": ""}

    def opening(self) -> bytes:
        """The message's start with the input's usage, its first block, a ping."""
        prompt = Usage(prompt=self._answer.ask.prompt_tokens)
        usage = {**_input(prompt), "output_tokens": 1}
        started = _event("message_start", {"message": {**self._message([], None), "usage": usage}})
        block: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        return started + self._start(block if self._thinks else self._block()) + self.keepalive()

    def keepalive(self) -> bytes:
        """A ping."""
        return _event("ping", {})

    def reasoning(self, text: str) -> bytes:
        """A piece of visible thinking."""
        return self._said_before + text.encode() + self._said_after

    def turn(self) -> bytes:
        """The end of the thinking and the start of the answer's block."""
        between = b""
        if self._thinks:
            between = _event("content_block_stop", {"index": self._index})
            self._index += 1
            between += self._start(self._block())
        kind = ("input_json_delta", "partial_json") if self._answer.ask.tool else ("text_delta", "text")
        self._said_before, self._said_after = self._frame(*kind)
        return between

    def text(self, text: str) -> bytes:
        """A piece of the answer, or of a tool call's input."""
        spoken = text.encode() if self._answer.ask.said is None else encode(text)[1:-1]
        return self._said_before + spoken + self._said_after

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """The block's end, the stop reason with the output's usage, the message's end."""
        delta: dict[str, object] = {"delta": {"stop_reason": self._stop, "stop_sequence": None}}
        if style is not UsageStyle.NONE:
            delta["usage"] = {"output_tokens": usage.output}
        last = _event("content_block_stop", {"index": self._index}) + _event("message_delta", delta)
        return last + (_event("message_stop", {}) if done else b"")

    def failing(self) -> bytes:
        """An error event."""
        return _event("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The message."""
        content: list[object] = []
        if reasoning:
            content.append({"type": "thinking", "thinking": reasoning, "signature": ""})
        if self._answer.ask.tool:
            whole = b"{}" if self._answer.take.cut else text.encode()
            content.append({**self._block(), "input": msgspec.Raw(whole)})
        elif text:
            content.append({"type": "text", "text": text})
        message = self._message(content, self._stop)
        if style is not UsageStyle.NONE:
            message["usage"] = {**_input(usage), "output_tokens": usage.output}
        return encode(message)

    @property
    def _call_id(self) -> str:
        return f"toolu_{self._answer.number:012x}"

    @property
    def _stop(self) -> str:
        if self._answer.take.cut:
            return "max_tokens"
        return "tool_use" if self._answer.ask.tool else "end_turn"


def voice(answer: Answer) -> MessageVoice:
    """The voice for one answer."""
    return MessageVoice(answer)


_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
          404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}


def refusal(why: Refusal, number: int) -> bytes:
    """The error object."""
    error = {"type": _TYPES.get(why.status, "api_error"), "message": why.message}
    return encode({"type": "error", "error": error, "request_id": f"req_{number:012x}"})


def headers(number: int) -> Mapping[str, str]:
    """What the provider adds to every response."""
    return {"request-id": f"req_{number:012x}", "anthropic-ratelimit-requests-limit": "4000"}


def admits(headers: Mapping[str, str]) -> bool:
    """Whether the request brought a key."""
    return "x-api-key" in headers or "authorization" in headers
