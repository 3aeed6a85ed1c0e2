"""The input of a response, as the messages of a chat.

Items of one answer (text, then calls of tools) become one message of the assistant's. Reasoning
that can be read goes back as ``reasoning_content`` while its tool loop is open; that of finished
turns is left out.
"""

from __future__ import annotations

from typing import Any, Final

from router.upstream.translate.field import Fields, mapping, objects, only, refused, text, wrong
from router.upstream.translate.tool_message import PARAGRAPH, plain, tool_message

_MESSAGE: Final = ("type", "role", "content", "id", "status", "phase")
_CALL: Final = ("type", "id", "call_id", "name", "arguments", "status", "caller")
_OUTPUT: Final = ("type", "id", "call_id", "output", "status", "name", "caller")
_REASONING: Final = ("type", "id", "summary", "content", "encrypted_content", "status")
_PART: Final = ("type", "prompt_cache_breakpoint")
_TEXT: Final = (*_PART, "text", "annotations", "logprobs")
_DIRECT: Final = {"type": "direct"}


class Conversation:
    """The messages of a chat, grown item by item."""

    def __init__(self, instructions: str | None) -> None:
        self.messages: list[Fields] = []
        self._shown: list[Fields] = []
        self._thoughts: list[str] = []
        if instructions:
            self.messages.append({"role": "system", "content": instructions})

    def hear(self, item: Fields, path: str, *, is_open: bool) -> None:
        """Add an item; ``is_open`` says that it belongs to the turn under way. Raises ``Fault``."""
        match item.get("type", "message"):
            case "message":
                only(item, _MESSAGE, path)
                self._message(item, path)
            case "function_call":
                only(item, _CALL, path)
                self._called(item, path)
            case "function_call_output":
                only(item, _OUTPUT, path)
                self._returned(item, path)
            case "reasoning":
                only(item, _REASONING, path)
                if is_open:
                    self._thoughts += _thoughts(item, path)
            case _:
                raise refused(f"{path}.type", "a chat endpoint has no such item")

    def finish(self) -> list[Fields]:
        """Return the messages."""
        self._show()
        return self.messages

    def _message(self, item: Fields, path: str) -> None:
        self._show()
        content = item.get("content")
        parts = _parts(content, f"{path}.content")
        match item.get("role"):
            case "user":
                self._thoughts.clear()
                self.messages.append({"role": "user", "content": plain(parts)})
            case "system" | "developer":
                self.messages.append({"role": "system", "content": _text(parts, path)})
            case "assistant":
                self._say(_text(parts, path))
            case _:
                raise wrong(f"{path}.role", "user, system, developer or assistant")

    def _say(self, said: str) -> None:
        last = self._answering()
        last["content"] = PARAGRAPH.join(filter(None, (last["content"], said))) or None

    def _called(self, item: Fields, path: str) -> None:
        _check_caller(item, path)
        function = {
            "name": text(item.get("name"), f"{path}.name"),
            "arguments": text(item.get("arguments"), f"{path}.arguments"),
        }
        call_id = text(item.get("call_id"), f"{path}.call_id")
        call = {"id": call_id, "type": "function", "function": function}
        self._answering().setdefault("tool_calls", []).append(call)

    def _returned(self, item: Fields, path: str) -> None:
        _check_caller(item, path)
        call_id = text(item.get("call_id"), f"{path}.call_id")
        message, shown = tool_message(call_id, _parts(item.get("output"), f"{path}.output"))
        self.messages.append(message)
        self._shown += shown

    def _answering(self) -> Fields:
        """Return the assistant's message that is being said."""
        self._show()
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": None})
        last = self.messages[-1]
        if self._thoughts:
            last["reasoning_content"] = PARAGRAPH.join(self._thoughts)
            self._thoughts.clear()
        return last

    def _show(self) -> None:
        if self._shown:
            self.messages.append({"role": "user", "content": self._shown})
            self._shown = []


def _thoughts(item: Fields, path: str) -> list[str]:
    name = "content" if item.get("content") else "summary"
    at = f"{path}.{name}"
    held = enumerate(objects(item.get(name) or [], at))
    return [text(part.get("text"), f"{at}[{index}].text") for index, part in held]


def _check_caller(item: Fields, path: str) -> None:
    if item.get("caller") not in (None, _DIRECT):
        raise refused(f"{path}.caller", "a chat endpoint knows no callers but the model")


def _text(parts: list[Fields], path: str) -> str:
    if any(part["type"] != "text" for part in parts):
        raise refused(f"{path}.content", "a chat endpoint takes text alone in this role")
    return PARAGRAPH.join(part["text"] for part in parts)


def _parts(content: Any, path: str) -> list[Fields]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_part(part, f"{path}[{at}]") for at, part in enumerate(objects(content, path))]


def _part(part: Fields, path: str) -> Fields:
    match part.get("type"):
        case "input_text" | "output_text":
            only(part, _TEXT, path)
            return {"type": "text", "text": text(part.get("text"), f"{path}.text")}
        case "refusal":
            only(part, (*_PART, "refusal"), path)
            return {"type": "text", "text": text(part.get("refusal"), f"{path}.refusal")}
        case "input_image":
            only(part, (*_PART, "image_url", "detail"), path)
            image = {"url": text(part.get("image_url"), f"{path}.image_url")}
            if part.get("detail") in ("low", "high"):
                image["detail"] = part["detail"]
            return {"type": "image_url", "image_url": image}
        case "input_file":
            only(part, (*_PART, "file_data", "filename", "detail"), path)
            file = {"file_data": text(part.get("file_data"), f"{path}.file_data")}
            if part.get("filename"):
                file["filename"] = text(part["filename"], f"{path}.filename")
            return {"type": "file", "file": file}
        case "input_audio":
            only(part, (*_PART, "input_audio"), path)
            audio = mapping(part.get("input_audio"), f"{path}.input_audio")
            return {"type": "input_audio", "input_audio": audio}
        case _:
            raise refused(f"{path}.type", "a chat endpoint takes text, images, files and audio")
