"""OpenAI's Responses: requests and refusals. Their answers: `response_voice`.

The sandbox keeps no state: what refers to an earlier response is not found.
"""

from collections.abc import Iterator
from hashlib import blake2s

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Prefix, Refusal
from router.sandbox.fleet import Row
from router.sandbox.openai import admits, decode, headers, refusal
from router.sandbox.response_voice import ResponseVoice
from router.sandbox.shape import fitting
from router.sandbox.speech import MESSAGE_TOKENS, content_tokens, json_tokens, text_tokens
from router.sandbox.tools import ANY, Tool, called

__all__ = ["admits", "headers", "parse", "refusal", "too_long", "voice"]

_SHORTEST_LIMIT = 16


class _Text(msgspec.Struct):
    format: object = None


class _Body(msgspec.Struct):
    model: str
    input: str | list[dict[str, object]]
    instructions: str | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    stream: bool | None = None
    tools: list[object] | None = None
    tool_choice: object = None
    text: _Text | None = None


_REPEATED = (
    "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning", "store",
    "temperature", "text", "tool_choice", "tools", "top_p", "truncation", "user",
)  # fmt: skip


def _tools(body: _Body) -> Iterator[Tool]:
    for tool in body.tools or ():
        match tool:
            case {"type": "function", "name": str(name), **rest}:
                yield name, rest.get("parameters")
            case _:
                pass


def _called(body: _Body) -> Tool | None:
    match body.tool_choice:
        case "required":
            return called(ANY, _tools(body))
        case {"type": "function", "name": str(name)}:
            return called(name, _tools(body))
        case _:
            return None


def _said(body: _Body, parameters: object, *, called: bool) -> str | None:
    """The JSON that must be said: a tool's arguments or a structured answer."""
    if called:
        return encode(fitting(parameters)).decode()
    match body.text and body.text.format:
        case {"type": "json_schema", "schema": schema}:
            return encode(fitting(schema)).decode()
        case {"type": "json_object"}:
            return '{"answer":"as planned"}'
        case _:
            return None


def _items(given: str | list[dict[str, object]]) -> list[dict[str, object]]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def _tokens(item: dict[str, object]) -> int:
    match item:
        case {"role": str(), "content": content}:
            return content_tokens(content) + MESSAGE_TOKENS
        case {"type": "function_call_output" | "custom_tool_call_output", "output": output}:
            return content_tokens(output) + MESSAGE_TOKENS
        case {"type": "item_reference", "id": str(name)}:
            raise Refusal(404, f"Item with id '{name}' not found.", param="input")
        case {"type": str()}:
            return json_tokens(item)
        case _:
            raise Refusal(400, "Invalid 'input': an item has no type.", param="input")


def _prefixes(body: _Body) -> tuple[Prefix, ...]:
    """The prompt up to each of its items; tools and instructions are read before them."""
    read = blake2s(encode((body.tools, body.instructions)), digest_size=12)
    tokens = json_tokens(body.tools)
    if body.instructions:
        tokens += text_tokens(body.instructions) + MESSAGE_TOKENS
    found = []
    for item in _items(body.input):
        read.update(encode(item))
        tokens += _tokens(item)
        found.append((read.digest(), tokens))
    return tuple(found)


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = decode(raw, _Body)
    if not body.input:
        raise Refusal(400, "Invalid 'input': it is empty.", param="input")
    if (earlier := body.previous_response_id) is not None:
        raise Refusal(
            400,
            f"Previous response with id '{earlier}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    limit = body.max_output_tokens
    if limit is not None and limit < _SHORTEST_LIMIT:
        why = f"Invalid 'max_output_tokens': {limit} is below {_SHORTEST_LIMIT}."
        code = "integer_below_min_value"
        raise Refusal(400, why, code=code, param="max_output_tokens")
    name, parameters = _called(body) or (None, None)
    prefixes = _prefixes(body)
    fields = msgspec.json.decode(raw, type=dict[str, object])
    return Ask(
        prompt_tokens=prefixes[-1][1],
        max_tokens=limit,
        stream=bool(body.stream),
        wants_usage=True,
        tool=name,
        said=_said(body, parameters, called=name is not None),
        prefixes=prefixes,
        repeated={k: v for k, v in fields.items() if k in _REPEATED and v is not None},
    )


def voice(answer: Answer) -> ResponseVoice:
    """The voice for one answer."""
    return ResponseVoice(answer)


def too_long(row: Row, ask: Ask) -> Refusal:
    """The refusal of what does not fit the window."""
    del row, ask
    return Refusal(
        400,
        "Your input exceeds the context window of this model. Please adjust your input and try "
        "again.",
        code="context_length_exceeded",
        param="input",
    )
