"""A response spoken: numbered, named events that build its items, or one document.

What was thought openly is an item with its text, as servers of open weights tell it; what was
thought in silence is an empty one, as OpenAI does. Every item is told again when it is done, and
all of them in the last event, without which a stream has not ended.
"""

from msgspec.json import encode

from router.sandbox.ask import Answer
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import Usage

_FAILED = {"code": "server_error", "message": "The server had an error."}
_Item = dict[str, object]


class ResponseVoice:
    """One answer as the events of a response, or as one response."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._next = 0
        self._output: list[_Item] = []
        self._thoughts: list[str] = []
        self._words: list[str] = []
        self._thinking = False
        self._speaking = False

    def _event(self, name: str, /, **fields: object) -> bytes:
        body = {"type": name, "sequence_number": self._next, **fields}
        self._next += 1
        return b"event: " + name.encode() + b"\ndata: " + encode(body) + b"\n\n"

    def _response(self, status: str, usage: object = None) -> dict[str, object]:
        cut = {"reason": "max_output_tokens"} if status == "incomplete" else None
        return {
            "id": f"resp_{self._answer.number:012x}",
            "object": "response",
            "created_at": self._answer.created,
            "status": status,
            "background": False,
            "error": _FAILED if status == "failed" else None,
            "incomplete_details": cut,
            "instructions": None,
            "max_output_tokens": None,
            "metadata": {},
            "model": self._answer.row.model,
            "output": self._output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": usage,
            "user": None,
            **self._answer.ask.repeated,
        }

    def opening(self) -> bytes:
        """The response's start, and the empty item of what is thought in silence."""
        begun = self._response("in_progress")
        events = self._event("response.created", response=begun)
        events += self._event("response.in_progress", response=begun)
        if self._answer.take.hidden:
            item = self._reasoning_item("")
            events += self._added(item) + self._done(item)
        return events

    def keepalive(self) -> bytes:
        """A sign of life (https://github.com/openai/openai-node/issues/1964)."""
        return self._event("keepalive")

    def reasoning(self, text: str) -> bytes:
        """A piece of visible thinking, the start of its item before the first."""
        events = b""
        if not self._thinking:
            self._thinking = True
            item = {**self._reasoning_item(""), "status": "in_progress"}
            part = {"type": "reasoning_text", "text": ""}
            events = self._added(item) + self._in_part("response.content_part.added", part=part)
        self._thoughts.append(text)
        return events + self._in_part("response.reasoning_text.delta", delta=text)

    def turn(self) -> bytes:
        """The end of the thinking's item and the start of the answer's."""
        events = self._thought_out()
        self._speaking = True
        if self._answer.ask.tool:
            return events + self._added(self._call("", "in_progress"))
        events += self._added({**self._message(""), "status": "in_progress", "content": []})
        return events + self._in_part("response.content_part.added", part=_part(""))

    def text(self, text: str) -> bytes:
        """A piece of the answer, or of a tool call's arguments."""
        self._words.append(text)
        if self._answer.ask.tool:
            return self._in_item("response.function_call_arguments.delta", delta=text)
        return self._in_part("response.output_text.delta", delta=text, logprobs=[])

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """The end of the item under way, and the whole response with its usage."""
        del done  # the last event is no mere mark: it says how the answer ended
        events = self._thought_out() + (self._spoken() if self._speaking else b"")
        counts = None if style is UsageStyle.NONE else _counted(usage)
        status = self._status
        return events + self._event(f"response.{status}", response=self._response(status, counts))

    def failing(self) -> bytes:
        """An error event, and the failed response."""
        events = self._event("error", error={"type": "server_error", "param": None, **_FAILED})
        return events + self._event("response.failed", response=self._response("failed"))

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The response."""
        if reasoning or self._answer.take.hidden:
            self._output.append(self._reasoning_item(reasoning))
        if self._answer.ask.tool:
            self._output.append(self._call(text, self._status))
        elif text:
            self._output.append(self._message(text))
        counts = None if style is UsageStyle.NONE else _counted(usage)
        return encode(self._response(self._status, counts))

    def _thought_out(self) -> bytes:
        """The end of the thinking's item, if one is under way."""
        if not self._thinking:
            return b""
        self._thinking = False
        text = "".join(self._thoughts)
        part = {"type": "reasoning_text", "text": text}
        return (
            self._in_part("response.reasoning_text.done", text=text)
            + self._in_part("response.content_part.done", part=part)
            + self._done(self._reasoning_item(text))
        )

    def _spoken(self) -> bytes:
        """The end of the answer's item."""
        text = "".join(self._words)
        if self._answer.ask.tool:
            name = "response.function_call_arguments.done"
            told = self._in_item(name, name=self._answer.ask.tool, arguments=text)
            return told + self._done(self._call(text, self._status))
        return (
            self._in_part("response.output_text.done", text=text, logprobs=[])
            + self._in_part("response.content_part.done", part=_part(text))
            + self._done(self._message(text))
        )

    def _added(self, item: _Item) -> bytes:
        index = len(self._output)
        return self._event("response.output_item.added", output_index=index, item=item)

    def _done(self, item: _Item) -> bytes:
        index = len(self._output)
        self._output.append(item)
        return self._event("response.output_item.done", output_index=index, item=item)

    def _in_item(self, event: str, /, **fields: object) -> bytes:
        place = {"item_id": self._id(), "output_index": len(self._output)}
        return self._event(event, **place, **fields)

    def _in_part(self, event: str, /, **fields: object) -> bytes:
        return self._in_item(event, content_index=0, **fields)

    def _id(self) -> str:
        """The id of the item under way."""
        kind = "rs" if self._thinking else "fc" if self._answer.ask.tool else "msg"
        return f"{kind}_{self._answer.number:012x}"

    def _reasoning_item(self, text: str) -> _Item:
        item: _Item = {"id": f"rs_{self._answer.number:012x}", "type": "reasoning", "summary": []}
        return {**item, "content": [{"type": "reasoning_text", "text": text}]} if text else item

    def _message(self, text: str) -> _Item:
        return {
            "id": f"msg_{self._answer.number:012x}",
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [_part(text)],
        }

    def _call(self, arguments: str, status: str) -> _Item:
        return {
            "id": f"fc_{self._answer.number:012x}",
            "type": "function_call",
            "status": status,
            "call_id": f"call_{self._answer.number:012x}",
            "name": self._answer.ask.tool,
            "arguments": arguments,
        }

    @property
    def _status(self) -> str:
        return "incomplete" if self._answer.take.cut else "completed"


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _counted(usage: Usage) -> dict[str, object]:
    """The usage object, in the Responses' words."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.output,
    }
