"""A message spoken: named events with content blocks, or one document.

Usage is split over two events: the input's at the start, the output's at the end.
"""

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import Usage


def _event(name: str, body: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode({"type": name, **body}) + b"\n\n"


def _input(usage: Usage) -> dict[str, object]:
    """Fresh input, cache reads and cache writes: three disjoint counts."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write - usage.cache_write_1h,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
    }


class MessageVoice:
    """One answer as message events, or as one message."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._thinks = answer.take.reasoning > 0
        self._index = 0
        self._said_before, self._said_after = self._frame("thinking_delta", "thinking")

    def _frame(self, kind: str, field: str) -> tuple[bytes, bytes]:
        """The constant parts of a delta of this kind in the current block."""
        name = "content_block_delta"
        head = f'event: {name}\ndata: {{"type":"{name}","index":{self._index},'
        return f'{head}"delta":{{"type":"{kind}","{field}":"'.encode(), b'"}}\n\n'

    def _message(self, content: list[object], stop: str | None) -> dict[str, object]:
        return {
            "id": f"msg_{self._answer.number:012x}",
            "type": "message",
            "role": "assistant",
            "model": self._answer.row.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
        }

    def _start(self, block: dict[str, object]) -> bytes:
        return _event("content_block_start", {"index": self._index, "content_block": block})

    def _block(self) -> dict[str, object]:
        """The empty block of the answer proper."""
        tool = self._answer.ask.tool
        if tool:
            return {"type": "tool_use", "id": self._call_id, "name": tool, "input": {}}
        return {"type": "text", "text": ""}

    def opening(self) -> bytes:
        """The message's start with the input's usage, its first block, a ping."""
        known = self._answer.remembered
        prompt = Usage(
            prompt=self._answer.ask.prompt_tokens,
            cached=known.read,
            cache_write=known.written,
            cache_write_1h=known.written_1h,
        )
        usage = {**_input(prompt), "output_tokens": 1}
        started = _event("message_start", {"message": {**self._message([], None), "usage": usage}})
        block: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        return started + self._start(block if self._thinks else self._block()) + self.keepalive()

    def keepalive(self) -> bytes:
        """A ping."""
        return _event("ping", {})

    def reasoning(self, text: str) -> bytes:
        """A piece of visible thinking."""
        return self._said_before + text.encode() + self._said_after

    def turn(self) -> bytes:
        """The end of the thinking and the start of the answer's block."""
        between = b""
        if self._thinks:
            between = _event("content_block_stop", {"index": self._index})
            self._index += 1
            between += self._start(self._block())
        kind = (
            ("input_json_delta", "partial_json")
            if self._answer.ask.tool
            else ("text_delta", "text")
        )
        self._said_before, self._said_after = self._frame(*kind)
        return between

    def text(self, text: str) -> bytes:
        """A piece of the answer, or of a tool call's input."""
        spoken = text.encode() if self._answer.ask.said is None else encode(text)[1:-1]
        return self._said_before + spoken + self._said_after

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """The block's end, the stop reason with the output's usage, the message's end."""
        delta: dict[str, object] = {"delta": {"stop_reason": self._stop, "stop_sequence": None}}
        if style is not UsageStyle.NONE:
            delta["usage"] = {"output_tokens": usage.output}
        last = _event("content_block_stop", {"index": self._index}) + _event("message_delta", delta)
        return last + (_event("message_stop", {}) if done else b"")

    def failing(self) -> bytes:
        """An error event."""
        return _event("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The message."""
        content: list[object] = []
        if reasoning:
            content.append({"type": "thinking", "thinking": reasoning, "signature": ""})
        if self._answer.ask.tool:
            whole = b"{}" if self._answer.take.cut else text.encode()
            content.append({**self._block(), "input": msgspec.Raw(whole)})
        elif text:
            content.append({"type": "text", "text": text})
        message = self._message(content, self._stop)
        if style is not UsageStyle.NONE:
            message["usage"] = {**_input(usage), "output_tokens": usage.output}
        return encode(message)

    @property
    def _call_id(self) -> str:
        return f"toolu_{self._answer.number:012x}"

    @property
    def _stop(self) -> str:
        if self._answer.take.cut:
            return "max_tokens"
        return "tool_use" if self._answer.ask.tool else "end_turn"
