"""The messages of a chat, as Anthropic's system prompt and turns.

System and developer messages become the system prompt, in their order, wherever they stand: not
every model takes one inside a conversation. Turns of one role that follow each other become one, so
that all results of parallel tool calls stand in one message, as Anthropic demands. A hint of how
closely to look at an image, and reasoning of earlier answers, have no counterpart and need none.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from router.upstream.translate.attachment import document_of, source_of
from router.upstream.translate.field import (
    Fields,
    mapping,
    objects,
    only,
    refused,
    text,
    wrong,
)

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
"""What an identifier of a tool call may not hold at Anthropic's."""

_PART = ("type", "cache_control", "prompt_cache_breakpoint")
_MESSAGE = ("role", "content", "cache_control")
_ASSISTANT = (
    *_MESSAGE, "tool_calls", "refusal",
    "annotations", "reasoning", "reasoning_content", "reasoning_details",
)  # fmt: skip
_EPHEMERAL = {"type": "ephemeral"}
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def turns_of(messages: list[Fields]) -> tuple[list[Fields], list[Fields]]:
    """Return the blocks of the system prompt, and the turns. Raises ``Fault``."""
    system: list[Fields] = []
    turns: list[Fields] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        role = message.get("role")
        match role:
            case "system" | "developer":
                only(message, _MESSAGE, path)
                system += _blocks(message, path)
                continue
            case "user":
                only(message, _MESSAGE, path)
                speaker, blocks = "user", _blocks(message, path)
            case "assistant":
                only(message, _ASSISTANT, path)
                speaker, blocks = "assistant", _said(message, path)
            case "tool":
                only(message, (*_MESSAGE, "tool_call_id", "name"), path)
                speaker, blocks = "user", [_result(message, path)]
            case _:
                raise refused(f"{path}.role", "it takes system, developer, user, assistant or tool")
        if not blocks:
            continue
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": speaker, "content": blocks})
    if not turns:
        raise refused("messages", "a Messages endpoint needs one that is not of the system")
    return system, turns


def identifier(call_id: Any, path: str) -> str:
    """Return the identifier of a tool call as Anthropic takes it."""
    return _FOREIGN.sub("_", text(call_id, path))


def _said(message: Fields, path: str) -> list[Fields]:
    blocks = _blocks(message, path)
    if message.get("refusal"):
        blocks.append({"type": "text", "text": text(message["refusal"], f"{path}.refusal")})
    calls = message.get("tool_calls")
    if calls:
        blocks += [
            _call(call, f"{path}.tool_calls[{index}]")
            for index, call in enumerate(objects(calls, f"{path}.tool_calls"))
        ]
    return blocks


def _call(call: Fields, path: str) -> Fields:
    only(call, ("id", "type", "function", "index"), path)
    function = mapping(call.get("function"), f"{path}.function")
    only(function, ("name", "arguments"), f"{path}.function")
    arguments = text(function.get("arguments") or "{}", f"{path}.function.arguments")
    try:
        _decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        raise refused(
            f"{path}.function.arguments",
            "a Messages endpoint takes a JSON object, and this is none",
        ) from None
    return {
        "type": "tool_use",
        "id": identifier(call.get("id"), f"{path}.id"),
        "name": text(function.get("name"), f"{path}.function.name"),
        "input": msgspec.Raw(arguments.encode()),
    }


def _result(message: Fields, path: str) -> Fields:
    block: Fields = {
        "type": "tool_result",
        "tool_use_id": identifier(message.get("tool_call_id"), f"{path}.tool_call_id"),
    }
    content = message.get("content")
    if isinstance(content, str):
        block["content"] = content
    else:
        block["content"] = _parts(content, f"{path}.content")
    return _cached(block, message)


def _blocks(message: Fields, path: str) -> list[Fields]:
    content = message.get("content")
    if not content or (isinstance(content, str) and not content.strip()):
        return []  # nothing was said: Anthropic takes no blank text
    if isinstance(content, str):
        return [_cached({"type": "text", "text": content}, message)]
    blocks = _parts(content, f"{path}.content")
    if blocks:
        _cached(blocks[-1], message)
    return blocks


def _parts(content: Any, path: str) -> list[Fields]:
    blocks = []
    for index, part in enumerate(objects(content, path)):
        block = _block(part, f"{path}[{index}]")
        if block is not None:
            blocks.append(_cached(block, part))
    return blocks


def _block(part: Fields, path: str) -> Fields | None:
    match part.get("type"):
        case "text" | "refusal" as kind:
            only(part, (*_PART, kind), path)
            said = text(part.get(kind), f"{path}.{kind}")
            return {"type": "text", "text": said} if said.strip() else None
        case "image_url":
            only(part, (*_PART, "image_url"), path)
            image = mapping(part.get("image_url"), f"{path}.image_url")
            only(image, ("url", "detail"), f"{path}.image_url")
            at = f"{path}.image_url.url"
            return {"type": "image", "source": source_of(text(image.get("url"), at), at)}
        case "file":
            only(part, (*_PART, "file"), path)
            return document_of(mapping(part.get("file"), f"{path}.file"), f"{path}.file")
        case str():
            raise refused(f"{path}.type", "a Messages endpoint takes text, image_url and file")
        case _:
            raise wrong(f"{path}.type", "a string")


def _cached(block: Fields, said: Fields) -> Fields:
    """Keep the mark that a prompt is to be cached up to here."""
    if said.get("cache_control") is not None:
        block["cache_control"] = said["cache_control"]
    elif said.get("prompt_cache_breakpoint"):
        block["cache_control"] = _EPHEMERAL
    return block
