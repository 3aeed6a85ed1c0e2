"""A message of Anthropic's, told as a chat completion.

Visible thinking becomes ``reasoning_content``; its signatures have no place there. A ping becomes
a comment. Which stop sequence ended the answer is not said. Text is copied as it was escaped.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from router.core.answer import Usage
from router.upstream.translate.counts import FINISH_REASONS, chat_counts, tier_word
from router.upstream.translate.ear import Ear
from router.upstream.translate.field import Fields, decode, dicts
from router.upstream.unreadable import UNREADABLE
from router.upstream.usage import read_usage

_DONE: Final = b"data: [DONE]\n\n"
_PING: Final = b": ping\n\n"
_EMPTY: Final = b'""'
_encode = msgspec.json.Encoder().encode


class _Asked(msgspec.Struct, gc=False):
    stream_options: Any = None


class _Delta(msgspec.Struct, gc=False):
    type: Any = None
    text: Raw = Raw()
    thinking: Raw = Raw()
    partial_json: Raw = Raw()
    stop_reason: Any = None
    stop_details: Any = None


class _Block(msgspec.Struct, gc=False):
    type: Any = None
    id: Any = None
    name: Any = None
    input: Any = None
    text: Raw = Raw()
    thinking: Raw = Raw()


class _Message(msgspec.Struct, gc=False):
    id: Any = None
    model: Any = None
    usage: dict[str, Any] | None = None


class _Event(msgspec.Struct, gc=False):
    type: Any = None
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_asked = msgspec.json.Decoder(_Asked).decode


class ChatVoice(Ear):
    """One stream of message events as chunks of a chat completion."""

    __slots__ = (
        "_after", "_before", "_calls", "_created", "_done", "_empty", "_finish",
        "_head", "_usage", "_wants_usage",
    )  # fmt: skip

    def __init__(self, body: bytes, created_s: int) -> None:
        super().__init__()
        options = _decode_asked(body).stream_options
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._after = b',"logprobs":null,"finish_reason":null}]'
        self._after += b',"usage":null}\n\n' if self._wants_usage else b"}\n\n"
        self._created = created_s
        self._name("", "", None)
        self._calls: dict[Any, int] = {}
        self._empty: set[Any] = set()
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        self._done = False

    def close(self) -> bytes:
        """Return the last chunks, unless they were said."""
        if self._done:
            return b""
        self._done = True
        last = self._delta({}, self._finish or "stop")
        if self._wants_usage and (usage := self._counted()) is not None:
            last += self._head + b',"choices":[],"usage":' + _encode(chat_counts(usage)) + b"}\n\n"
        return last + _DONE

    def hear(self, told: bytes) -> bytes:
        """Take a message event."""
        try:
            event = _decode(told)
        except UNREADABLE:
            return b""
        delta = event.delta
        match event.type:
            case "content_block_delta" if delta is not None:
                return self._piece(event.index, delta)
            case "content_block_start" if event.content_block is not None:
                return self._opened(event.index, event.content_block)
            case "content_block_stop" if event.index in self._empty:
                return self._argued(event.index, b'"{}"')
            case "message_start" if event.message is not None:
                return self._started(event.message)
            case "message_delta" if delta is not None:
                self._count(event.usage)
                return self._finished(delta)
            case "message_stop":
                return self.close()
            case "ping":
                return _PING
            case _:
                return b""

    def _started(self, message: _Message) -> bytes:
        self._count(message.usage)
        self._name(message.id, message.model, tier_word(self._counted()))
        return self._delta({"role": "assistant", "content": ""}, None)

    def _name(self, answer_id: Any, model: Any, tier: str | None) -> None:
        head = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model,
        }
        if tier:
            head["service_tier"] = tier
        self._head = b"data: " + _encode(head)[:-1]
        self._before = self._head + b',"choices":[{"index":0,"delta":'

    def _opened(self, index: Any, block: _Block) -> bytes:
        if block.type == "tool_use":
            self._calls[index] = number = len(self._calls)
            self._empty.add(index)
            call = {
                "index": number,
                "id": block.id,
                "type": "function",
                "function": {"name": block.name, "arguments": ""},
            }
            opened = self._delta({"tool_calls": [call]}, None)
            if isinstance(block.input, dict) and block.input:
                opened += self._argued(index, _encode(_encode(block.input).decode()))
            return opened
        return self._said(b'{"content":', block.text) + self._said(
            b'{"reasoning_content":', block.thinking
        )

    def _piece(self, index: Any, delta: _Delta) -> bytes:
        match delta.type:
            case "text_delta":
                return self._said(b'{"content":', delta.text)
            case "thinking_delta":
                return self._said(b'{"reasoning_content":', delta.thinking)
            case "input_json_delta" if written := _words(delta.partial_json):
                return self._argued(index, written)
            case _:
                return b""

    def _said(self, name: bytes, text: Raw) -> bytes:
        if not (said := _words(text)):
            return b""
        return b"".join((self._before, name, said, b"}", self._after))

    def _argued(self, index: Any, arguments: bytes) -> bytes:
        self._empty.discard(index)
        number = b"%d" % self._calls.get(index, 0)
        named = b'{"tool_calls":[{"index":' + number + b',"function":{"arguments":'
        return b"".join((self._before, named, arguments, b"}}]}", self._after))

    def _finished(self, delta: _Delta) -> bytes:
        if isinstance(delta.stop_reason, str):
            self._finish = FINISH_REASONS.get(delta.stop_reason, "stop")
        if refusal := explanation(delta.stop_details):
            return self._delta({"refusal": refusal}, None)
        return b""

    def _delta(self, delta: Fields, finish: str | None) -> bytes:
        after = self._after
        if finish is not None:
            after = after.replace(b"null}]", _encode(finish) + b"}]", 1)
        return self._before + _encode(delta) + after

    def _count(self, usage: dict[str, Any] | None) -> None:
        """Counts at the end are of the whole answer; what they do not name stays."""
        self._usage |= {k: v for k, v in (usage or {}).items() if v is not None}

    def _counted(self) -> Usage | None:
        return read_usage(Raw(_encode(self._usage)))


def _words(raw: Raw) -> bytes:
    """Return a string as it was escaped; nothing where it is empty or none."""
    held = bytes(raw)
    return held if held[:1] == b'"' and held != _EMPTY else b""


def explanation(details: Any) -> str | None:
    """Return why an answer was refused, where Anthropic says so."""
    told = details.get("explanation") if isinstance(details, dict) else None
    return told if isinstance(told, str) and told else None


def whole(body: bytes, answer: bytes, created_s: int) -> bytes:
    """Return a whole message as a chat completion."""
    del body
    message = decode(answer)
    blocks = dicts(message.get("content"))
    usage = read_usage(Raw(_encode(message.get("usage"))))
    said: Fields = {
        "role": "assistant",
        "content": _joined(blocks, "text") or None,
        "refusal": explanation(message.get("stop_details")),
    }
    if thought := _joined(blocks, "thinking"):
        said["reasoning_content"] = thought
    if calls := [_call(block) for block in blocks if block.get("type") == "tool_use"]:
        said["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": said,
        "logprobs": None,
        "finish_reason": FINISH_REASONS.get(str(message.get("stop_reason")), "stop"),
    }
    completion: Fields = {
        "id": message.get("id"),
        "object": "chat.completion",
        "created": created_s,
        "model": message.get("model"),
        "choices": [choice],
    }
    if usage is not None:
        completion["usage"] = chat_counts(usage)
    if tier := tier_word(usage):
        completion["service_tier"] = tier
    return _encode(completion)


def _joined(blocks: list[Fields], kind: str) -> str:
    return "".join(str(block.get(kind) or "") for block in blocks if block.get("type") == kind)


def _call(block: Fields) -> Fields:
    arguments = _encode(block.get("input") or {}).decode()
    return {
        "id": block.get("id"),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }
