"""What a chat endpoint says, heard as one answer: thoughts, text, refusals, calls of tools.

Providers disagree: reasoning comes under three names or as parts of the content, calls without an
index or all under the same one, content as a list. Voices of other dialects are made from what is
heard here. Of several choices the first is heard; their dialects cannot ask for more.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

import msgspec

from router.core.answer import Usage
from router.core.faults import Fault, Kind
from router.upstream.chunk import Chunk, Message
from router.upstream.translate.ear import Ear
from router.upstream.translate.field import dicts
from router.upstream.unreadable import UNREADABLE


class Heard(Chunk, gc=False):
    """A chunk, or a whole completion, with its name."""

    id: Any = None
    model: Any = None
    created: Any = None


_decode: Final = msgspec.json.Decoder(Heard).decode


class ChatEar(Ear):
    """Hears one stream and says it in another dialect, by the methods of its subclass."""

    __slots__ = ("_began", "_calls", "_count", "_current", "_ended", "finish", "usage")

    def __init__(self) -> None:
        super().__init__()
        self._began = self._ended = False
        self._calls: dict[int, str] = {}
        self._current = -1
        self._count = 0
        self.finish: str | None = None
        self.usage: Usage | None = None

    @abstractmethod
    def begin(self, heard: Heard) -> bytes:
        """Say that the answer begins."""

    @abstractmethod
    def think(self, text: str) -> bytes:
        """Say a piece of visible reasoning."""

    @abstractmethod
    def say(self, text: str) -> bytes:
        """Say a piece of text."""

    @abstractmethod
    def refuse(self, text: str) -> bytes:
        """Say a piece of a refusal."""

    @abstractmethod
    def call(self, call_id: str, name: str) -> bytes:
        """Say that a tool is called. What is argued next belongs to this call."""

    @abstractmethod
    def argue(self, arguments: str) -> bytes:
        """Say a piece of the arguments of the call under way."""

    @abstractmethod
    def end(self) -> bytes:
        """Say that the answer has ended."""

    def close(self) -> bytes:
        """Return the last events, unless they were said."""
        if self._ended:
            return b""
        first = b"" if self._began else self._begin(Heard())
        self._ended = True
        return first + self.end()

    def hear(self, told: bytes) -> bytes:
        """Take a chunk."""
        try:
            heard = _decode(told)
        except UNREADABLE:
            return self.close() if told.startswith(b"[DONE]") else b""
        if (usage := heard.counted) is not None:
            self.usage = usage
        if not heard.choices:
            return b""
        said = b"" if self._began else self._begin(heard)
        for choice in heard.choices:
            if choice.index:
                continue
            if choice.delta is not None:
                said += self.listen(choice.delta)
            if isinstance(choice.finish_reason, str):
                self.finish = choice.finish_reason
        return said

    def _begin(self, heard: Heard) -> bytes:
        self._began = True
        return self.begin(heard)

    def listen(self, delta: Message) -> bytes:
        """Say what a delta, or a whole message, brings."""
        thought, text = thought_and_text(delta)
        said = self.think(thought) if thought else b""
        if text:
            said += self.say(text)
        if isinstance(delta.refusal, str) and delta.refusal:
            said += self.refuse(delta.refusal)
        if delta.tool_calls:
            for call in dicts(delta.tool_calls):
                said += self._called(call)
        return said

    def _called(self, call: dict[str, Any]) -> bytes:
        """A call is new if its index is, or if it is named again: some number all of them 0."""
        function = call.get("function")
        if not isinstance(function, dict):
            return b""
        name, index, call_id = function.get("name"), call.get("index"), call.get("id")
        index = index if isinstance(index, int) else 0
        said = b""
        known = self._calls.get(index)
        if known is None or (name and call_id and call_id != known):
            call_id = call_id if isinstance(call_id, str) and call_id else f"call_{self._count}"
            said = self.call(call_id, _string(name))
            self._calls[index] = call_id
            self._current = index
            self._count += 1
        if arguments := arguments_of(function):
            if index != self._current:
                raise Fault(Kind.GARBAGE, "the endpoint went back to an earlier call of a tool")
            said += self.argue(arguments)
        return said


def hear_whole(answer: bytes) -> Heard:
    """Read a whole completion. Raises ``Fault(GARBAGE)`` for what is none."""
    try:
        return _decode(answer)
    except UNREADABLE:
        raise Fault(Kind.GARBAGE, "the endpoint answered with what is no completion") from None


def thought_and_text(message: Message) -> tuple[str, str]:
    """Return the visible reasoning and the text of a delta or message."""
    content = message.content
    thought = message.reasoning_content or message.reasoning
    if not isinstance(thought, str):
        details = dicts(message.reasoning_details)
        thought = "".join(_string(d.get("text")) or _string(d.get("summary")) for d in details)
    if isinstance(content, str):
        return thought, content
    text = ""
    for part in dicts(content):
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thought += _string(inner) + "".join(_string(p.get("text")) for p in dicts(inner))
        else:
            text += _string(part.get("text"))
    return thought, text


def arguments_of(function: dict[str, Any]) -> str:
    """Return a call's arguments as text; some send the object itself."""
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return _string(arguments)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
