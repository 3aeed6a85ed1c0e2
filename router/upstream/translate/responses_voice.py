"""A chat completion, told as a response: its items one after the other, each begun and done.

Visible reasoning becomes the summary of a reasoning item, which is where clients look for it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.upstream.retold import MARK
from router.upstream.translate.chat_ear import ChatEar, Heard, hear_whole
from router.upstream.translate.field import Fields, dicts
from router.upstream.translate.response import INCOMPLETE, begun, ended

_ITEM_PREFIXES = {"reasoning": "rs", "message": "msg", "refusal": "msg", "function_call": "fc"}
_FOREIGN_PREFIXES = ("chatcmpl-", "msg_", "gen-")
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class ResponsesVoice(ChatEar):
    """One stream of chunks as the events of a response."""

    __slots__ = (
        "_after", "_asked", "_before", "_created", "_item", "_kind", "_number",
        "_output", "_response", "_said",
    )  # fmt: skip

    def __init__(self, body: bytes, created_s: int) -> None:
        super().__init__()
        self._asked = _asked(body)
        self._created = created_s
        self._number = 0
        self._response: Fields = {}
        self._output: list[Fields] = []
        self._kind = ""
        self._item: Fields = {}
        self._said: list[str] = []
        self._before = self._after = b""

    def begin(self, heard: Heard) -> bytes:
        created = heard.created if isinstance(heard.created, int) and heard.created else None
        name = str(heard.id or "")
        for prefix in _FOREIGN_PREFIXES:
            name = name.removeprefix(prefix)
        model = heard.model or self._asked.get("model")
        self._response = begun(self._asked, f"resp_{name}", created or self._created, model)
        first = self._event("response.created", response=self._response)
        return first + self._event("response.in_progress", response=self._response)

    def think(self, text: str) -> bytes:
        if self._kind == "reasoning":
            return self._piece(text)
        opened = self._open("reasoning", {"type": "reasoning", "summary": []})
        opened += self._event(
            "response.reasoning_summary_part.added",
            **self._where(summary_index=0),
            part={"type": "summary_text", "text": ""},
        )
        self._aim("response.reasoning_summary_text.delta", summary_index=0)
        return opened + self._piece(text)

    def say(self, text: str) -> bytes:
        if self._kind == "message":
            return self._piece(text)
        opened = self._open_message("message", _text_part(""))
        self._aim("response.output_text.delta", content_index=0, logprobs=[])
        return opened + self._piece(text)

    def refuse(self, text: str) -> bytes:
        if self._kind == "refusal":
            return self._piece(text)
        opened = self._open_message("refusal", {"type": "refusal", "refusal": ""})
        self._aim("response.refusal.delta", content_index=0)
        return opened + self._piece(text)

    def call(self, call_id: str, name: str) -> bytes:
        item = {
            "type": "function_call",
            "call_id": call_id,
            "name": name,
            "arguments": "",
            "status": "in_progress",
        }
        opened = self._open("function_call", item)
        self._aim("response.function_call_arguments.delta")
        return opened

    def argue(self, arguments: str) -> bytes:
        return self._piece(arguments)

    def end(self) -> bytes:
        last = self._shut(self._status())
        response = self.response()
        return last + self._event(f"response.{response['status']}", response=response)

    def response(self) -> Fields:
        """Return the response as it ended."""
        return ended(self._response, self._output, self.finish, self.usage)

    def told_whole(self, heard: Heard) -> Fields:
        """Hear a whole completion and return the response."""
        self.usage = heard.counted
        self.begin(heard)
        for choice in heard.choices or ():
            if choice.message is not None and not choice.index:
                calls = dicts(choice.message.tool_calls)
                choice.message.tool_calls = [{**c, "index": i} for i, c in enumerate(calls)]
                self.listen(choice.message)
                reason = choice.finish_reason
                self.finish = reason if isinstance(reason, str) else None
        self._shut(self._status())
        return self.response()

    def _open_message(self, kind: str, part: Fields) -> bytes:
        item = {"type": "message", "role": "assistant", "status": "in_progress", "content": []}
        opened = self._open(kind, item)
        where = self._where(content_index=0)
        return opened + self._event("response.content_part.added", **where, part=part)

    def _open(self, kind: str, item: Fields) -> bytes:
        shut = self._shut()
        name = self._response["id"].removeprefix("resp_")
        index = len(self._output)
        self._kind = kind
        self._item = {"id": f"{_ITEM_PREFIXES[kind]}_{MARK}_{name}_{index}", **item}
        added = "response.output_item.added"
        return shut + self._event(added, output_index=index, item=self._item)

    def _aim(self, kind: str, **where: Any) -> None:
        """Prepare the event that every further piece of this item comes in."""
        fields = {"type": kind, **self._where(**where), "delta": ""}
        head = b"event: " + kind.encode() + b"\ndata: " + _encode(fields)
        self._before, self._after = head[: -len(b'""}')], b',"sequence_number":'

    def _piece(self, text: str) -> bytes:
        self._said.append(text)
        number = self._number
        self._number = number + 1
        return b"".join((self._before, _encode(text), self._after, b"%d}\n\n" % number))

    def _status(self) -> str:
        """Return how the last item ended: as the answer did."""
        return "incomplete" if self.finish in INCOMPLETE else "completed"

    def _shut(self, status: str = "completed") -> bytes:
        if not self._kind:
            return b""
        text = "".join(self._said)
        done = self._close(text, status)
        self._kind = ""
        self._said.clear()
        index = len(self._output)
        self._output.append(self._item)
        return done + self._event("response.output_item.done", output_index=index, item=self._item)

    def _close(self, text: str, status: str) -> bytes:
        """Say that the parts of the item at hand are done, and complete it."""
        match self._kind:
            case "reasoning":
                part = {"type": "summary_text", "text": text}
                where = self._where(summary_index=0)
                self._item = {**self._item, "summary": [part]}
                done = self._event("response.reasoning_summary_text.done", **where, text=text)
                return done + self._event(
                    "response.reasoning_summary_part.done", **where, part=part
                )
            case "function_call":
                self._item = {**self._item, "arguments": text, "status": status}
                return self._event(
                    "response.function_call_arguments.done",
                    **self._where(),
                    name=self._item["name"],
                    arguments=text,
                )
            case "refusal":
                part = {"type": "refusal", "refusal": text}
                return self._close_message("response.refusal.done", part, status, refusal=text)
            case _:
                part = _text_part(text)
                return self._close_message(
                    "response.output_text.done", part, status, text=text, logprobs=[]
                )

    def _close_message(self, kind: str, part: Fields, status: str, **said: Any) -> bytes:
        self._item = {**self._item, "status": status, "content": [part]}
        where = self._where(content_index=0)
        done = self._event(kind, **where, **said)
        return done + self._event("response.content_part.done", **where, part=part)

    def _where(self, **within: Any) -> Fields:
        return {"item_id": self._item["id"], "output_index": len(self._output), **within}

    def _event(self, kind: str, **fields: Any) -> bytes:
        told = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + _encode(told) + b"\n\n"


def whole(body: bytes, answer: bytes, created_s: int) -> bytes:
    """Return a whole chat completion as a response."""
    return _encode(ResponsesVoice(body, created_s).told_whole(hear_whole(answer)))


def _asked(body: bytes) -> Fields:
    """Read what is told back of a request: all but its input."""
    fields = _decode_fields(body)
    return {n: msgspec.json.decode(value) for n, value in fields.items() if n != "input"}


def _text_part(text: str) -> Fields:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
