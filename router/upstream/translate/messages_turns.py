"""Anthropic's system prompt and turns, as the messages of a chat.

Marks of what to cache are left out: chat endpoints cache by themselves. Signed thinking of finished
turns is left out as well, since Anthropic itself ignores it there; thinking without a signature
came from a chat endpoint, and goes back to it as ``reasoning_content`` while its tool loop is open.
What a tool returned beside text follows in a message of the user's: a tool's holds text alone.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.core.dialects import open_loop
from router.upstream.translate.attachment import file_of, url_of
from router.upstream.translate.field import Fields, mapping, objects, only, refused, text
from router.upstream.translate.tool_message import PARAGRAPH, plain, tool_message

_TEXT: Final = ("type", "text", "cache_control", "citations")
_RESULT: Final = ("type", "tool_use_id", "content", "is_error", "cache_control")
_USE: Final = ("type", "id", "name", "input", "cache_control", "caller")
_DIRECT: Final = {"type": "direct"}
_DOCUMENT: Final = ("type", "source", "title", "context", "citations", "cache_control")
_SOURCE: Final = ("type", "media_type", "data", "url", "content")
_ERROR: Final = "Error: "
_encode = msgspec.json.Encoder().encode


def chat_of(system: Any, messages: list[Fields]) -> list[Fields]:
    """Return the messages of a chat. Raises ``Fault``."""
    chat: list[Fields] = []
    if system:
        chat.append({"role": "system", "content": _system(system, "system")})
    begun = open_loop(messages)
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        only(message, ("role", "content"), path)
        match message.get("role"):
            case "user":
                chat += _heard(message.get("content"), f"{path}.content")
            case "assistant":
                chat += _said(message.get("content"), f"{path}.content", thinking=index >= begun)
            case "system":
                said = _system(message.get("content"), f"{path}.content")
                chat.append({"role": "system", "content": said})
            case _:
                raise refused(f"{path}.role", "it takes user, assistant or system")
    return chat


def _system(system: Any, path: str) -> str:
    """Return the texts of a system prompt, in their order."""
    if isinstance(system, str):
        return system
    texts = []
    for index, block in enumerate(objects(system, path)):
        at = f"{path}[{index}]"
        if block.get("type") != "text":
            raise refused(f"{at}.type", "a system prompt is of text")
        only(block, _TEXT, at)
        texts.append(text(block.get("text"), f"{at}.text"))
    return PARAGRAPH.join(texts)


def _heard(content: Any, path: str) -> list[Fields]:
    """Return the results of tools, each a message, then what the user says."""
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[Fields] = []
    parts: list[Fields] = []
    for index, block in enumerate(objects(content, path)):
        at = f"{path}[{index}]"
        if block.get("type") == "tool_result":
            result, shown = _result(block, at)
            results.append(result)
            parts += shown
        else:
            parts += _parts(block, at)
    if parts:
        results.append({"role": "user", "content": plain(parts)})
    return results


def _result(block: Fields, path: str) -> tuple[Fields, list[Fields]]:
    """Return the message of a tool, and the parts of its result that are no text."""
    only(block, _RESULT, path)
    call_id = text(block.get("tool_use_id"), f"{path}.tool_use_id")
    content = block.get("content") or ""
    if isinstance(content, str):
        parts: list[Fields] = [{"type": "text", "text": content}]
    else:
        at = f"{path}.content"
        each = enumerate(objects(content, at))
        parts = [part for index, held in each for part in _parts(held, f"{at}[{index}]")]
    message, shown = tool_message(call_id, parts)
    if block.get("is_error") and not message["content"].startswith(_ERROR):
        message["content"] = _ERROR + message["content"]
    return message, shown


def _parts(block: Fields, path: str) -> list[Fields]:
    match block.get("type"):
        case "text":
            only(block, _TEXT, path)
            return [{"type": "text", "text": text(block.get("text"), f"{path}.text")}]
        case "image":
            only(block, ("type", "source", "cache_control"), path)
            return [{"type": "image_url", "image_url": {"url": url_of(block, path)}}]
        case "document":
            only(block, _DOCUMENT, path)
            return _document(block, path)
        case _:
            raise refused(f"{path}.type", "a chat endpoint takes text, image and document")


def _document(block: Fields, path: str) -> list[Fields]:
    source = mapping(block.get("source"), f"{path}.source")
    only(source, _SOURCE, f"{path}.source")
    about = [
        text(block[name], f"{path}.{name}") for name in ("title", "context") if block.get(name)
    ]
    inner = source.get("content")
    match source.get("type"):
        case "text":
            texts = [*about, text(source.get("data"), f"{path}.source.data")]
            return [{"type": "text", "text": PARAGRAPH.join(texts)}]
        case "content" if isinstance(inner, str):
            return [{"type": "text", "text": PARAGRAPH.join([*about, inner])}]
        case "content":
            parts = [{"type": "text", "text": PARAGRAPH.join(about)}] if about else []
            at = f"{path}.source.content"
            for index, each in enumerate(objects(inner, at)):
                parts += _parts(each, f"{at}[{index}]")
            return parts
        case _:
            context = [{"type": "text", "text": block["context"]}] if block.get("context") else []
            return [*context, file_of(block, path)]


def _said(content: Any, path: str, *, thinking: bool) -> list[Fields]:
    """Return the assistant's message; none where nothing of it is left."""
    if isinstance(content, str):
        return [{"role": "assistant", "content": content}]
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[Fields] = []
    for index, block in enumerate(objects(content, path)):
        at = f"{path}[{index}]"
        match block.get("type"):
            case "text":
                only(block, _TEXT, at)
                texts.append(text(block.get("text"), f"{at}.text"))
            case "tool_use":
                calls.append(_call(block, at))
            case "thinking" if not block.get("signature"):
                thoughts.append(text(block.get("thinking"), f"{at}.thinking"))
            case "thinking" | "redacted_thinking":
                pass
            case _:
                raise refused(f"{at}.type", "a chat endpoint takes text, tool_use and thinking")
    if not (texts or calls):
        return []
    said: Fields = {"role": "assistant", "content": PARAGRAPH.join(texts) if texts else None}
    if thinking and thoughts:
        said["reasoning_content"] = PARAGRAPH.join(thoughts)
    if calls:
        said["tool_calls"] = calls
    return [said]


def _call(block: Fields, path: str) -> Fields:
    only(block, _USE, path)
    if block.get("caller") not in (None, _DIRECT):
        raise refused(f"{path}.caller", "a chat endpoint knows no callers but the model")
    arguments = _encode(mapping(block.get("input"), f"{path}.input")).decode()
    name = text(block.get("name"), f"{path}.name")
    return {
        "id": text(block.get("id"), f"{path}.id"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
