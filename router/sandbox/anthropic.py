"""The Anthropic messages dialect: requests, refusals, headers. Its answers: `message_voice`."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.fleet import Row
from router.sandbox.message_voice import MessageVoice
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens, json_tokens


class _Message(msgspec.Struct):
    role: str
    content: object


class _Prompt(msgspec.Struct):
    model: str
    messages: list[_Message]
    system: object = None
    tools: list[object] | None = None


class _Body(_Prompt, kw_only=True):
    max_tokens: int
    stream: bool | None = None
    tool_choice: object = None


Shape = TypeVar("Shape", bound=_Prompt)


def _called(body: _Body) -> tuple[str, object] | None:
    """Name and schema of the tool that must be called, if one is named or required."""
    match body.tool_choice:
        case {"type": "any"}:
            wanted = None
        case {"type": "tool", "name": str(named)}:
            wanted = named
        case _:
            return None
    for tool in body.tools or ():
        match tool:
            case {"name": str(name), **rest} if wanted in (None, name):
                return name, rest.get("input_schema")
            case _:
                pass
    return None


def _decode(raw: bytes, shape: type[Shape]) -> Shape:
    try:
        body = msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise Refusal(400, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "The request body is not valid JSON.") from None
    if not body.messages:
        raise Refusal(400, "messages: at least one message is required")
    return body


def _prompt_tokens(prompt: _Prompt) -> int:
    spoken = sum(content_tokens(m.content) + MESSAGE_TOKENS for m in prompt.messages)
    system = content_tokens(prompt.system) + MESSAGE_TOKENS if prompt.system else 0
    return spoken + system + json_tokens(prompt.tools)


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = _decode(raw, _Body)
    if body.max_tokens < 1:
        raise Refusal(400, "max_tokens: must be greater than or equal to 1")
    name, schema = _called(body) or (None, None)
    return Ask(
        prompt_tokens=_prompt_tokens(body),
        max_tokens=body.max_tokens,
        stream=bool(body.stream),
        wants_usage=True,
        tool=name,
        said=encode(fitting(schema)).decode() if name else None,
    )


def count(raw: bytes) -> bytes:
    """The answer to count_tokens. Raises Refusal."""
    return encode({"input_tokens": _prompt_tokens(_decode(raw, _Prompt))})


def voice(answer: Answer) -> MessageVoice:
    """The voice for one answer."""
    return MessageVoice(answer)


def too_long(row: Row, ask: Ask) -> Refusal:
    """The refusal of what does not fit the window."""
    if ask.prompt_tokens > row.context:
        length = f"{ask.prompt_tokens} tokens > {row.context} maximum"
        return Refusal(400, f"prompt is too long: {length}")
    sum_of_both = f"{ask.prompt_tokens} + {ask.max_tokens} > {row.context}"
    return Refusal(400, f"input length and `max_tokens` exceed context limit: {sum_of_both}")


_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def refusal(why: Refusal, number: int) -> bytes:
    """The error object."""
    error = {"type": _TYPES.get(why.status, "api_error"), "message": why.message}
    return encode({"type": "error", "error": error, "request_id": f"req_{number:012x}"})


def headers(number: int) -> Mapping[str, str]:
    """What the provider adds to every response."""
    return {"request-id": f"req_{number:012x}", "anthropic-ratelimit-requests-limit": "4000"}


def admits(headers: Mapping[str, str]) -> bool:
    """Whether the request brought a key."""
    return bool(headers.get("x-api-key") or headers.get("authorization"))
