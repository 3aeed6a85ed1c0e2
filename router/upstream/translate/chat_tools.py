"""The tools of a chat, and the choice among them, as Anthropic takes them."""

from __future__ import annotations

from typing import Any

from router.upstream.translate.field import Fields, carry, mapping, objects, only, text, wrong

_NO_PARAMETERS = {"type": "object", "properties": {}}


def tools_of(fields: Fields) -> Fields:
    """Return ``tools`` and ``tool_choice``, as far as they are given. Raises ``Fault``."""
    if not fields.get("tools"):
        return {}
    tools = [
        _tool(tool, f"tools[{index}]")
        for index, tool in enumerate(objects(fields["tools"], "tools"))
    ]
    choice, allowed = _choice(fields.get("tool_choice"))
    if allowed is not None:
        tools = [tool for tool in tools if tool["name"] in allowed]
    if fields.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def _tool(tool: Fields, path: str) -> Fields:
    only(tool, ("type", "function", "cache_control"), path)
    function = mapping(tool.get("function"), f"{path}.function")
    only(function, ("name", "description", "parameters", "strict"), f"{path}.function")
    turned: Fields = {"name": text(function.get("name"), f"{path}.function.name")}
    carry(function, turned, "description")
    parameters = mapping(function.get("parameters") or {}, f"{path}.function.parameters")
    turned["input_schema"] = {"type": "object", **parameters} if parameters else _NO_PARAMETERS
    if function.get("strict"):
        turned["strict"] = True
    carry(tool, turned, "cache_control")
    return turned


def _choice(choice: Any) -> tuple[Fields, set[str] | None]:
    """Return Anthropic's choice, and the names of the tools allowed if not all are."""
    match choice:
        case None:
            return {}, None
        case "auto" | "none":
            return {"type": choice}, None
        case "required":
            return {"type": "any"}, None
        case {"type": "function", "function": {"name": str(name)}}:
            return {"type": "tool", "name": name}, None
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}:
            names = objects(tools, "tool_choice.allowed_tools.tools")
            return _choice(mode)[0], {_name(tool) for tool in names}
        case _:
            raise wrong("tool_choice", "none, auto, required, a named function or allowed_tools")


def _name(tool: Fields) -> str:
    path = "tool_choice.allowed_tools.tools.function"
    return text(mapping(tool.get("function"), path).get("name"), f"{path}.name")
