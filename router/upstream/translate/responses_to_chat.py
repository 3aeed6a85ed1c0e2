"""A request for a response, as a chat endpoint takes it.

Nothing is stored: a response cannot be continued by its name. Metadata, which only what is stored
has a use for, is told back and not passed on; so is what bounds or includes the results of tools
that OpenAI runs itself, since none of them can be asked for here.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.core.catalogue import Endpoint
from router.core.surface import Surface
from router.upstream.translate.field import (
    Fields,
    carry,
    mapping,
    number,
    objects,
    only,
    read,
    refused,
    text,
    wrong,
)
from router.upstream.translate.messages_to_chat import OPENAIS
from router.upstream.translate.responses_items import Conversation

_TOOL: Final = ("type", "name", "description", "parameters", "strict", "allowed_callers")
_CALLERS: Final[tuple[Any, ...]] = (None, [], ["direct"])
_REASONING: Final = ("effort", "summary", "generate_summary", "mode", "context")
_encode = msgspec.json.Encoder().encode


def request(body: bytes, endpoint: Endpoint) -> bytes:
    """Return the body for a chat endpoint. Raises ``Fault``."""
    fields = read(body, Surface.RESPONSES)
    openais = endpoint.provider in OPENAIS
    told: Fields = {"model": fields.get("model"), "messages": _messages(fields)}
    limit = number(fields.get("max_output_tokens"), "max_output_tokens")
    if limit is not None:
        told["max_completion_tokens" if openais else "max_tokens"] = limit
    carry(fields, told, "stream", "temperature", "top_p", "service_tier")
    if openais:
        carry(fields, told, "user", "safety_identifier", "prompt_cache_key")
        carry(fields, told, "prompt_cache_retention", "prompt_cache_options")
    elif user := fields.get("safety_identifier") or fields.get("user"):
        told["user"] = text(user, "user")
    told |= _tools(fields)
    shape = mapping(fields.get("text") or {}, "text")
    only(shape, ("format", "verbosity"), "text")
    if form := _format(shape.get("format")):
        told["response_format"] = form
    if shape.get("verbosity") not in (None, "medium"):
        if not openais:
            raise refused("text.verbosity", "only OpenAI's models take it")
        told["verbosity"] = shape["verbosity"]
    reasoning = mapping(fields.get("reasoning") or {}, "reasoning")
    only(reasoning, _REASONING, "reasoning")
    for name, usual in (("mode", "standard"), ("context", "auto")):
        if reasoning.get(name) not in (None, usual):
            raise refused(f"reasoning.{name}", f"a chat endpoint knows {usual} alone")
    if reasoning.get("effort") is not None:
        told["reasoning_effort"] = reasoning["effort"]
    return _encode(told)


def _messages(fields: Fields) -> list[Fields]:
    instructions = fields.get("instructions")
    if instructions is not None:
        text(instructions, "instructions")
    conversation = Conversation(instructions)
    given = fields.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    items = objects(given, "input")
    if not items:
        raise wrong("input", "a text or a list of items, one at least")
    users = [index for index, item in enumerate(items) if item.get("role") == "user"]
    begun = users[-1] if users else -1
    for index, item in enumerate(items):
        conversation.hear(item, f"input[{index}]", is_open=index > begun)
    return conversation.finish()


def _tools(fields: Fields) -> Fields:
    if not fields.get("tools"):
        return {}
    tools = [
        _tool(tool, f"tools[{index}]")
        for index, tool in enumerate(objects(fields["tools"], "tools"))
    ]
    choice = fields.get("tool_choice")
    match choice:
        case {"type": "allowed_tools", "mode": mode, "tools": allowed}:
            named = objects(allowed, "tool_choice.tools")
            names = [tool.get("name") for tool in named]
            tools = [tool for tool in tools if tool["function"]["name"] in names]
            choice = mode
        case _:
            pass
    told: Fields = {"tools": tools}
    if choice is not None:
        told["tool_choice"] = _choice(choice)
    if fields.get("parallel_tool_calls") is False:
        told["parallel_tool_calls"] = False
    return told


def _tool(tool: Fields, path: str) -> Fields:
    only(tool, _TOOL, path)
    if tool.get("allowed_callers") not in _CALLERS:
        raise refused(f"{path}.allowed_callers", "a chat endpoint knows no callers but the model")
    function: Fields = {"name": text(tool.get("name"), f"{path}.name")}
    carry(tool, function, "description", "parameters", "strict")
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Any:
    match choice:
        case "none" | "auto" | "required":
            return choice
        case {"type": "function", "name": str(name)}:
            return {"type": "function", "function": {"name": name}}
        case _:
            raise wrong("tool_choice", "none, auto, required, a named function or allowed_tools")


def _format(form: Any) -> Fields | None:
    if form is None:
        return None
    held = mapping(form, "text.format")
    match held.get("type"):
        case "text":
            return None
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            only(held, ("type", "name", "description", "schema", "strict"), "text.format")
            named = {name: value for name, value in held.items() if name != "type"}
            return {"type": "json_schema", "json_schema": named}
        case _:
            raise wrong("text.format.type", "text, json_object or json_schema")
