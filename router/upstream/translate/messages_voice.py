"""A chat completion, told as a message of Anthropic's.

Visible reasoning becomes thinking with an empty signature: nobody signed it. A chat endpoint counts
tokens at its end, so the message begins with counts of 0 and its last delta tells them all.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.core.faults import Fault, Kind
from router.upstream.translate.chat_ear import (
    ChatEar,
    Heard,
    arguments_of,
    hear_whole,
    thought_and_text,
)
from router.upstream.translate.counts import STOP_REASONS, message_counts
from router.upstream.translate.field import Fields, decode, dicts

INVALID_JSON: Final = "INVALID_JSON"
"""Where Anthropic advises to put arguments that are no object, so that they can be seen.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming"""

_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_END: Final = b"}}\n\n"
_encode = msgspec.json.Encoder().encode


class MessagesVoice(ChatEar):
    """One stream of chunks as message events."""

    __slots__ = ("_before", "_index", "_kind", "_refused", "_used")

    def __init__(self, body: bytes, created_s: int) -> None:
        del body, created_s
        super().__init__()
        self._index = -1
        self._kind = ""
        self._before = b""
        self._refused = self._used = False

    def begin(self, heard: Heard) -> bytes:
        started = {**_message(heard), "usage": message_counts(None)}
        return _event("message_start", message=started) + _PING

    def think(self, text: str) -> bytes:
        return self._delta("thinking", "thinking_delta", "thinking", text)

    def say(self, text: str) -> bytes:
        return self._delta("text", "text_delta", "text", text)

    def refuse(self, text: str) -> bytes:
        self._refused = True
        return self.say(text)

    def call(self, call_id: str, name: str) -> bytes:
        self._used = True
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        return self._open("tool_use", block, "input_json_delta", "partial_json")

    def argue(self, arguments: str) -> bytes:
        if self._kind != "tool_use":
            raise Fault(Kind.GARBAGE, "the endpoint went on with a call of a tool after other text")
        return self._before + _encode(arguments) + _END

    def end(self) -> bytes:
        delta = {
            "stop_reason": stop_reason(self.finish, used=self._used, refused=self._refused),
            "stop_sequence": None,
        }
        counted = message_counts(self.usage)
        return self._shut() + _event("message_delta", delta=delta, usage=counted) + _STOP

    def _delta(self, kind: str, delta: str, field: str, text: str) -> bytes:
        said = b""
        if kind != self._kind:
            block = {"type": kind, field: "", **({"signature": ""} if kind == "thinking" else {})}
            said = self._open(kind, block, delta, field)
        return b"".join((said, self._before, _encode(text), _END))

    def _open(self, kind: str, block: Fields, delta: str, field: str) -> bytes:
        shut = self._shut()
        self._index += 1
        self._kind = kind
        self._before = (
            'event: content_block_delta\ndata: {"type":"content_block_delta",'
            f'"index":{self._index},"delta":{{"type":"{delta}","{field}":'
        ).encode()
        return shut + _event("content_block_start", index=self._index, content_block=block)

    def _shut(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        return _event("content_block_stop", index=self._index)


def stop_reason(finish: str | None, *, used: bool, refused: bool) -> str:
    """Return Anthropic's reason. Some endpoints say ``stop`` where tools were called."""
    reason = STOP_REASONS.get(finish or "stop", "end_turn")
    if reason != "end_turn":
        return reason
    if refused:
        return "refusal"
    return "tool_use" if used else reason


def whole(body: bytes, answer: bytes, created_s: int) -> bytes:
    """Return a whole chat completion as a message."""
    del body, created_s
    heard = hear_whole(answer)
    choice = next((each for each in heard.choices or () if not each.index), None)
    content: list[Fields] = []
    refused = used = False
    if choice is not None and (message := choice.message) is not None:
        thought, text = thought_and_text(message)
        if thought:
            content.append({"type": "thinking", "thinking": thought, "signature": ""})
        if isinstance(message.refusal, str) and message.refusal:
            refused = True
            text += message.refusal
        if text:
            content.append({"type": "text", "text": text})
        calls = [_use(call, index) for index, call in enumerate(dicts(message.tool_calls))]
        content += calls
        used = bool(calls)
    finish = choice.finish_reason if choice is not None else None
    reason = stop_reason(finish if isinstance(finish, str) else None, used=used, refused=refused)
    ended = {"content": content, "stop_reason": reason, "usage": message_counts(heard.counted)}
    return _encode({**_message(heard), **ended})


def _message(heard: Heard) -> Fields:
    return {
        "id": heard.id or "",
        "type": "message",
        "role": "assistant",
        "model": heard.model or "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _use(call: Fields, index: int) -> Fields:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return {
        "type": "tool_use",
        "id": call.get("id") or f"call_{index}",
        "name": function.get("name") or "",
        "input": _input(arguments_of(function)),
    }


def _input(arguments: str) -> Any:
    if not arguments:
        return {}
    try:
        decode(arguments.encode())
    except (Fault, UnicodeError):
        return {INVALID_JSON: arguments}
    return msgspec.Raw(arguments.encode())


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _encode({"type": kind, **fields}) + b"\n\n"
