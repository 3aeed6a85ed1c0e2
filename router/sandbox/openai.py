"""The OpenAI chat-completions dialect: requests, refusals, headers. Its answers: `chat_voice`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2s
from typing import TypeVar

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Prefix, Refusal
from router.sandbox.chat_voice import ChatVoice
from router.sandbox.fleet import Row
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens, json_tokens
from router.sandbox.tools import ANY, Tool, called

_FIELD = re.compile(r"(?:\$\.|field `)(\w+)")


class _Message(msgspec.Struct):
    role: str
    content: object = None
    tool_calls: list[object] | None = None


class Options(msgspec.Struct):
    """What a stream is to tell beside the answer."""

    include_usage: bool = False


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: Options | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[object] | None = None
    tool_choice: object = None
    response_format: object = None
    n: object = None
    logprobs: object = None
    modalities: object = None
    function_call: object = None


def _tools(body: _Body) -> Iterator[Tool]:
    for tool in body.tools or ():
        match tool:
            case {"function": {"name": str(name), **rest}}:
                yield name, rest.get("parameters")
            case _:
                pass


def _called(body: _Body) -> Tool | None:
    match body.tool_choice:
        case "required":
            return called(ANY, _tools(body))
        case {"function": {"name": str(name)}}:
            return called(name, _tools(body))
        case _:
            return None


def _said(body: _Body, parameters: object, *, called: bool) -> str | None:
    """The JSON that must be said: a tool's arguments or a structured answer."""
    if called:
        return encode(fitting(parameters)).decode()
    match body.response_format:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return encode(fitting(schema)).decode()
        case {"type": "json_object"}:
            return '{"answer":"as planned"}'
        case _:
            return None


Shape = TypeVar("Shape", bound=msgspec.Struct)


def decode(raw: bytes, shape: type[Shape]) -> Shape:
    """The body. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        named = _FIELD.search(str(error))
        field = named[1] if named else None
        raise Refusal(400, str(error), code="invalid_value", param=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "We could not parse the JSON body of your request.") from None


def only(name: str, value: object, played: Sequence[object] = ()) -> None:
    """Raises Refusal 400 for a field that an answer would have to show, and none here does."""
    if value is not None and value not in played:
        raise Refusal(400, f"The sandbox does not play this '{name}': leave it out.", param=name)


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON, wrong or missing fields, and what is not
    played.
    """
    body = decode(raw, _Body)
    if not body.messages:
        raise Refusal(400, "[] is too short - 'messages'", param="messages")
    only("n", body.n, [1])
    only("logprobs", body.logprobs, [False])
    only("modalities", body.modalities, [["text"]])
    only("function_call", body.function_call, ["auto", "none"])
    limit = body.max_completion_tokens if body.max_tokens is None else body.max_tokens
    if limit is not None and limit < 1:
        raise Refusal(400, f"Invalid 'max_tokens': {limit} is below 1.", param="max_tokens")
    name, parameters = _called(body) or (None, None)
    prefixes = _prefixes(body)
    return Ask(
        prompt_tokens=prefixes[-1][1],
        max_tokens=limit,
        stream=bool(body.stream),
        wants_usage=body.stream_options is not None and body.stream_options.include_usage,
        tool=name,
        said=_said(body, parameters, called=name is not None),
        prefixes=prefixes,
    )


def _prefixes(body: _Body) -> tuple[Prefix, ...]:
    """The prompt up to each of its messages; tools are read before them."""
    read, tokens = blake2s(encode(body.tools), digest_size=12), json_tokens(body.tools)
    found = []
    for message in body.messages:
        read.update(encode(message))
        tokens += content_tokens(message.content) + json_tokens(message.tool_calls)
        tokens += MESSAGE_TOKENS
        found.append((read.digest(), tokens))
    return tuple(found)


def voice(answer: Answer) -> ChatVoice:
    """The voice for one answer."""
    return ChatVoice(answer)


def too_long(row: Row, ask: Ask) -> Refusal:
    """The refusal of what does not fit the window."""
    completion = ask.max_tokens or 0
    return Refusal(
        400,
        f"This model's maximum context length is {row.context} tokens. However, you requested "
        f"{ask.prompt_tokens + completion} tokens ({ask.prompt_tokens} in the messages, "
        f"{completion} in the completion). Please reduce the length of the messages or completion.",
        code="context_length_exceeded",
        param="messages",
    )


_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def _type(status: int) -> str:
    """The error type of a status."""
    if status == 429:
        return "requests"
    return "server_error" if status >= 500 else "invalid_request_error"


def refusal(why: Refusal, number: int) -> bytes:  # noqa: ARG001 - its id is in the headers only
    """The error object."""
    error = {
        "message": why.message,
        "type": _type(why.status),
        "param": why.param,
        "code": why.code or _CODES.get(why.status),
    }
    return encode({"error": error})


def headers(number: int) -> Mapping[str, str]:
    """What the provider adds to every response."""
    return {"x-request-id": f"req_{number:012x}", "x-ratelimit-limit-requests": "10000"}


def admits(headers: Mapping[str, str]) -> bool:
    """Whether the request brought a key: a Bearer token, or Azure's api-key."""
    return bool(headers.get("authorization") or headers.get("api-key"))
