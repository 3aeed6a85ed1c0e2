"""Streams in the shapes that providers really send; every one says the same of its answer's end.

Written after recordings of mid-2025; prompts, answers and ids are made up.
"""

import json
from dataclasses import dataclass, field

from router.core.answer import Content, Usage
from router.core.catalogue import Tier


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def chunk(
    finish: str | None = None, /, *, extra: dict[str, object] | None = None, **delta: object
) -> bytes:
    """One chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk"}
    return event({**head, "choices": [choice], **(extra or {})})


DONE = b"data: [DONE]\n\n"
COUNTS = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}
USAGE = event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": COUNTS})
COUNTED = Usage(fresh_input=20, text=9)


@dataclass(frozen=True)
class Recorded:
    """A stream, and what it must come to for a client that did not ask for usage."""

    sent: bytes
    given: bytes
    usage: Usage | None = COUNTED
    content: Content = Content.ANSWER
    chars: int = 5
    reasoning_chars: int = 0
    finish: str = "stop"
    marks: list[str] = field(default_factory=list)


_ROLE = chunk(role="assistant", content="", refusal=None)
_TEXT = chunk(content="Hel") + chunk(content="lo")
_STOP = chunk("stop")
_PLAIN = _ROLE + _TEXT + _STOP
_BOM = b"\xef\xbb\xbf"

_AZURE = event(
    {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
)
_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}


def _arguments(text: str) -> bytes:
    return chunk(tool_calls=[{"index": 0, "function": {"arguments": text}}])


_CALLED = (
    _ROLE + chunk(tool_calls=[_CALL]) + _arguments('{"a"') + _arguments(":1}") + chunk("tool_calls")
)
_REFUSED = _ROLE + chunk(refusal="Never") + _STOP
_TWO = _PLAIN + event(
    {"choices": [{"index": 1, "delta": {"content": "Hi"}, "finish_reason": "length"}]}
)
_DEEPSEEK_USAGE = {
    **COUNTS,
    "prompt_cache_hit_tokens": 16,
    "prompt_cache_miss_tokens": 4,
    "prompt_tokens_details": {"cached_tokens": 16},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
_DEEPSEEK = (
    chunk(role="assistant", content=None, reasoning_content="")
    + chunk(content=None, reasoning_content="Let me ")
    + chunk(content=None, reasoning_content="see")
    + _TEXT
    + chunk("stop", content="", reasoning_content=None, extra={"usage": _DEEPSEEK_USAGE})
)
_OPENROUTER_USAGE = {**COUNTS, "cost": 0.00000123, "completion_tokens_details": None}
_TIMINGS = {"cache_n": 16, "prompt_n": 4, "prompt_ms": 20.5, "predicted_n": 9}
_FLEX = event({"id": "c1", "choices": [], "service_tier": "flex", "usage": COUNTS})
_BIG = "x" * 150_000
_UNICODE = "\u65e5\u672c\u8a9e \U0001f600 \u2028 \x85"

STREAMS = {
    "openai": Recorded(_PLAIN + USAGE + DONE, _PLAIN + DONE),
    "null usage on every chunk": Recorded(
        chunk(content="Hello", extra={"usage": None}) + _STOP + USAGE + DONE,
        chunk(content="Hello", extra={"usage": None}) + _STOP + DONE,
    ),
    "azure": Recorded(_AZURE + _PLAIN + USAGE + DONE, _AZURE + _PLAIN + DONE),
    "deepseek": Recorded(
        _DEEPSEEK + DONE,
        _DEEPSEEK + DONE,
        usage=Usage(fresh_input=4, cache_read=16, text=2, reasoning=7),
        chars=15,
        reasoning_chars=10,
    ),
    "openrouter": Recorded(
        b": OPENROUTER PROCESSING\n\n" * 2
        + chunk(role="assistant", content="", reasoning="Hm", reasoning_details=[{"text": "Hm"}])
        + _TEXT
        + b": OPENROUTER PROCESSING\n\n"
        + _STOP
        + event({"choices": [], "usage": _OPENROUTER_USAGE})
        + DONE,
        b": OPENROUTER PROCESSING\n\n" * 2
        + chunk(role="assistant", content="", reasoning="Hm", reasoning_details=[{"text": "Hm"}])
        + _TEXT
        + b": OPENROUTER PROCESSING\n\n"
        + _STOP
        + DONE,
        usage=Usage(fresh_input=20, text=9, reported_cost_nano_usd=1230),
        chars=7,
        reasoning_chars=2,
    ),
    "usage on the last choice": Recorded(
        _ROLE + _TEXT + chunk("stop", extra={"usage": COUNTS}) + DONE,
        _ROLE + _TEXT + chunk("stop", extra={"usage": COUNTS}) + DONE,
    ),
    "groq": Recorded(
        _ROLE + _TEXT + chunk("stop", extra={"x_groq": {"id": "r", "usage": COUNTS}}) + DONE,
        _ROLE + _TEXT + chunk("stop", extra={"x_groq": {"id": "r", "usage": COUNTS}}) + DONE,
    ),
    "llama.cpp": Recorded(
        _ROLE + _TEXT + chunk("stop", extra={"timings": _TIMINGS}) + DONE,
        _ROLE + _TEXT + chunk("stop", extra={"timings": _TIMINGS}) + DONE,
        usage=Usage(fresh_input=4, cache_read=16, text=9),
    ),
    "a tier of service": Recorded(
        _PLAIN + _FLEX + DONE, _PLAIN + DONE, usage=COUNTED._replace(tier=Tier.FLEX)
    ),
    "no usage": Recorded(_PLAIN + DONE, _PLAIN + DONE, usage=None),
    "no done": Recorded(_PLAIN + USAGE, _PLAIN + DONE),
    "no blank line at the end": Recorded(_PLAIN + USAGE + b"data: [DONE]", _PLAIN + DONE),
    "crlf": Recorded(
        (_PLAIN + USAGE + DONE).replace(b"\n", b"\r\n"), (_PLAIN + DONE).replace(b"\n", b"\r\n")
    ),
    "cr": Recorded(
        (_PLAIN + USAGE + DONE).replace(b"\n", b"\r"), (_PLAIN + DONE).replace(b"\n", b"\r")
    ),
    "byte order mark": Recorded(_BOM + _PLAIN + USAGE + DONE, _BOM + _PLAIN + DONE),
    "other fields": Recorded(
        b"retry: 3\nid: 7\nevent: message\n" + _PLAIN + USAGE + DONE,
        b"retry: 3\nid: 7\nevent: message\n" + _PLAIN + DONE,
    ),
    "data on several lines": Recorded(
        _PLAIN.replace(b'{"id": "c1", ', b'{"id":\ndata: "c1",\ndata: ') + USAGE + DONE,
        _PLAIN.replace(b'{"id": "c1", ', b'{"id":\ndata: "c1",\ndata: ') + DONE,
    ),
    "no space after data": Recorded(
        (_PLAIN + USAGE + DONE).replace(b"data: ", b"data:"),
        (_PLAIN + DONE).replace(b"data: ", b"data:"),
    ),
    "tool call": Recorded(
        _CALLED + USAGE + DONE, _CALLED + DONE, chars=8, finish="tool_calls"
    ),
    "refusal": Recorded(_REFUSED + USAGE + DONE, _REFUSED + DONE),
    "unicode": Recorded(
        _ROLE + chunk(content=_UNICODE) + _STOP + USAGE + DONE,
        _ROLE + chunk(content=_UNICODE) + _STOP + DONE,
        chars=len(_UNICODE),
    ),
    "two choices": Recorded(_TWO + USAGE + DONE, _TWO + DONE, chars=7, finish="length"),
    "after the end": Recorded(_PLAIN + USAGE + DONE + b": bye\n\n", _PLAIN + DONE),
    "foreign shapes": Recorded(
        event({"type": "ping"}) + event([]) + event({"choices": "?"}) + _PLAIN + USAGE + DONE,
        event({"type": "ping"}) + event([]) + event({"choices": "?"}) + _PLAIN + DONE,
    ),
}  # fmt: skip
BIG_LINE = Recorded(
    _ROLE + chunk(content=_BIG) + _STOP + USAGE + DONE,
    _ROLE + chunk(content=_BIG) + _STOP + DONE,
    chars=len(_BIG),
)
