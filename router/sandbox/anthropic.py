"""The Anthropic messages dialect: requests, refusals, headers. Its answers: `message_voice`."""

from collections.abc import Iterator, Mapping
from hashlib import blake2s
from typing import TypeVar

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Mark, Prefix, Refusal
from router.sandbox.fleet import Row
from router.sandbox.message_voice import MessageVoice
from router.sandbox.prompts import HOUR_S
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens, json_tokens
from router.sandbox.tools import ANY, Tool, called


class _Message(msgspec.Struct):
    role: str
    content: object


class _Prompt(msgspec.Struct):
    model: str
    messages: list[_Message]
    system: object = None
    tools: list[object] | None = None
    cache_control: dict[str, object] | None = None


class _Body(_Prompt, kw_only=True):
    max_tokens: int
    stream: bool | None = None
    tool_choice: object = None
    output_config: object = None


Shape = TypeVar("Shape", bound=_Prompt)


def _tools(body: _Body) -> Iterator[Tool]:
    for tool in body.tools or ():
        match tool:
            case {"name": str(name), **rest}:
                yield name, rest.get("input_schema")
            case _:
                pass


def _called(body: _Body) -> Tool | None:
    match body.tool_choice:
        case {"type": "any"}:
            return called(ANY, _tools(body))
        case {"type": "tool", "name": str(name)}:
            return called(name, _tools(body))
        case _:
            return None


def _said(body: _Body, schema: object, *, called: bool) -> str | None:
    """The JSON that must be said: a tool's input or a structured answer."""
    if called:
        return encode(fitting(schema)).decode()
    match body.output_config:
        case {"format": {"type": "json_schema", "schema": wanted}}:
            return encode(fitting(wanted)).decode()
        case _:
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


_MOST_MARKS = 4
_KEEP_S = 300.0


def _blocks(content: object) -> list[object]:
    return content if isinstance(content, list) and content else [content]


def _units(prompt: _Prompt) -> Iterator[tuple[object, int, list[object]]]:
    """The prompt in the order it is read: what, its tokens, and the blocks a mark may stand on."""
    if prompt.tools:
        yield prompt.tools, json_tokens(prompt.tools), prompt.tools
    spoken = [_Message("system", prompt.system)] if prompt.system else []
    for message in spoken + prompt.messages:
        more = MESSAGE_TOKENS
        for block in _blocks(message.content):
            yield (message.role, block), content_tokens(block) + more, [block]
            more = 0


def _unmarked(value: object) -> object:
    """The value without its marks: moving one does not change the prompt."""
    match value:
        case dict():
            return {k: _unmarked(v) for k, v in value.items() if k != "cache_control"}
        case list() | tuple():
            return [_unmarked(one) for one in value]
        case _:
            return value


def _keep_s(block: object) -> float | None:
    """How long what ends with this block is to be remembered; None where it bears no mark."""
    match block:
        case {"cache_control": {"type": "ephemeral", **rest}}:
            return HOUR_S if rest.get("ttl") == "1h" else _KEEP_S
        case _:
            return None


def _read(prompt: _Prompt) -> tuple[tuple[Prefix, ...], tuple[Mark, ...]]:
    """The beginnings of the prompt, and which of them are marked. Raises Refusal 400."""
    digest, tokens = blake2s(digest_size=12), 0
    prefixes: list[Prefix] = []
    marks: list[Mark] = []
    found = 0
    for what, more, blocks in _units(prompt):
        digest.update(encode(_unmarked(what)))
        tokens += more
        kept = [keep_s for block in blocks if (keep_s := _keep_s(block)) is not None]
        found += len(kept)
        if kept:
            marks.append(Mark(len(prefixes), kept[-1]))
        prefixes.append((digest.digest(), tokens))
    if found > _MOST_MARKS:
        raise Refusal(
            400,
            f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {found}.",
        )
    whole = _keep_s({"cache_control": prompt.cache_control})
    if whole is not None:
        marks = [*(mark for mark in marks if mark.place != len(prefixes) - 1)]
        marks.append(Mark(len(prefixes) - 1, whole))
    return tuple(prefixes), tuple(marks)


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = _decode(raw, _Body)
    if body.max_tokens < 1:
        raise Refusal(400, "max_tokens: must be greater than or equal to 1")
    name, schema = _called(body) or (None, None)
    prefixes, marks = _read(body)
    return Ask(
        prompt_tokens=prefixes[-1][1],
        max_tokens=body.max_tokens,
        stream=bool(body.stream),
        wants_usage=True,
        tool=name,
        said=_said(body, schema, called=name is not None),
        prefixes=prefixes,
        marks=marks,
    )


def count(raw: bytes) -> bytes:
    """The answer to count_tokens. Raises Refusal."""
    prefixes, _ = _read(_decode(raw, _Prompt))
    return encode({"input_tokens": prefixes[-1][1]})


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
