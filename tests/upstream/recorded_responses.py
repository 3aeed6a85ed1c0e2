"""OpenAI's Responses streams in the shapes that providers really send.

Written after OpenAI's documentation and its client's types; prompts, answers and ids are made up.
"""

import json
from typing import Any

from router.core.answer import Content, Usage
from router.core.catalogue import Tier
from tests.upstream.recorded import Recorded


def event(name: str, /, **fields: Any) -> bytes:
    body = json.dumps({"type": name, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {body}\n\n".encode()


def numbered(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(
        event(name, sequence_number=n, **fields) for n, (name, fields) in enumerate(events)
    )


COUNTS = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 29,
}
COUNTED = Usage(fresh_input=4, cache_read=16, text=2, reasoning=7, tier=Tier.STANDARD)

Event = tuple[str, dict[str, Any]]


def response(status: str, *output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    whole = {"id": "resp_1", "object": "response", "status": status, "error": None}
    tier = "auto" if status == "in_progress" else "default"
    usage = None if status == "in_progress" else COUNTS
    return {**whole, "output": list(output), "service_tier": tier, "usage": usage, **fields}


CREATED: Event = ("response.created", {"response": response("in_progress")})
UNDER_WAY: Event = ("response.in_progress", {"response": response("in_progress")})
_PART = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [_PART],
}


def added(item: dict[str, Any], index: int = 0) -> Event:
    return "response.output_item.added", {"output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> Event:
    return "response.output_item.done", {"output_index": index, "item": item}


def delta(kind: str, text: str, **fields: Any) -> Event:
    place = {"item_id": "msg_1", "output_index": 0, **fields}
    return f"response.{kind}.delta", {**place, "delta": text, "obfuscation": "Xq1"}


def completed(*output: dict[str, Any], **fields: Any) -> Event:
    return "response.completed", {"response": response("completed", *output, **fields)}


_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
HELLO: tuple[Event, ...] = (
    added({**MESSAGE, "status": "in_progress", "content": []}),
    ("response.content_part.added", {**_PLACE, "part": {**_PART, "text": ""}}),
    delta("output_text", "Hel", content_index=0, logprobs=[]),
    delta("output_text", "lo", content_index=0, logprobs=[]),
    ("response.output_text.done", {**_PLACE, "text": "Hello", "logprobs": []}),
    ("response.content_part.done", {**_PLACE, "part": _PART}),
    done(MESSAGE),
)
_CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a":1}',
    "status": "completed",
}
_THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Let me see"}],
    "encrypted_content": "gAAAAAB",
}
_SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
_OPENED = {**_SEARCH, "id": "ws_2", "action": {"type": "open_page", "url": "https://example.com"}}
_IMAGE = {"id": "ig_1", "type": "image_generation_call", "result": "iVBORw0KGgo="}
_PLAIN = (CREATED, UNDER_WAY, *HELLO, completed(MESSAGE))
_INCOMPLETE = response("incomplete", MESSAGE, incomplete_details={"reason": "max_output_tokens"})


def same(*events: Event, **wanted: Any) -> Recorded:
    """A stream of which every byte is passed."""
    sent = numbered(*events)
    chosen: dict[str, Any] = {"usage": COUNTED, "finish": "completed", **wanted}
    return Recorded(sent, sent, **chosen)


def also(sent: bytes, given: bytes | None = None, **wanted: Any) -> Recorded:
    chosen: dict[str, Any] = {"usage": COUNTED, "finish": "completed", **wanted}
    return Recorded(sent, sent if given is None else given, **chosen)


RESPONSES = {
    "openai": same(*_PLAIN),
    "reasoning summary": same(
        CREATED,
        added({**_THOUGHT, "summary": []}),
        ("response.reasoning_summary_part.added", {"part": {"type": "summary_text", "text": ""}}),
        delta("reasoning_summary_text", "Let me "),
        delta("reasoning_summary_text", "see"),
        ("response.reasoning_summary_text.done", {"text": "Let me see"}),
        done(_THOUGHT),
        *HELLO,
        completed(_THOUGHT, MESSAGE),
        chars=15,
        reasoning_chars=10,
    ),
    "open reasoning": same(
        CREATED, delta("reasoning_text", "Hm"), *HELLO, completed(MESSAGE),
        chars=7, reasoning_chars=2,
    ),
    "function call": same(
        CREATED,
        added({**_CALL, "arguments": "", "status": "in_progress"}),
        delta("function_call_arguments", '{"a"'),
        delta("function_call_arguments", ":1}"),
        ("response.function_call_arguments.done", {"arguments": '{"a":1}', "name": "f"}),
        done(_CALL),
        completed(_CALL),
        chars=8,
    ),
    "custom tool": same(
        CREATED,
        added({"type": "custom_tool_call", "name": "sh", "input": ""}),
        delta("custom_tool_call_input", "ls"),
        completed(),
        chars=4,
    ),
    "refusal": same(CREATED, delta("refusal", "Never"), completed()),
    "web search": same(
        CREATED,
        added(_SEARCH),
        ("response.web_search_call.in_progress", {"item_id": "ws_1"}),
        ("response.web_search_call.searching", {"item_id": "ws_1"}),
        ("response.web_search_call.completed", {"item_id": "ws_1"}),
        done(_SEARCH),
        *HELLO,
        ("response.output_text.annotation.added", {"annotation": {"type": "url_citation"}}),
        completed(_SEARCH, _OPENED, MESSAGE),
        usage=COUNTED._replace(searches=1),
    ),
    "image": same(
        CREATED,
        ("response.image_generation_call.partial_image", {"partial_image_b64": "iVBORw0KGgo="}),
        completed(_IMAGE),
        chars=0,
    ),
    "incomplete": same(
        CREATED, *HELLO, ("response.incomplete", {"response": _INCOMPLETE}),
        finish="max_output_tokens",
    ),
    "no deltas": same(CREATED, completed(_THOUGHT, MESSAGE, _CALL), chars=23, reasoning_chars=10),
    "only an image, at the end": same(CREATED, completed(_IMAGE), chars=0),
    "only a thought, at the end": same(
        CREATED, completed(_THOUGHT), content=Content.REASONING, chars=10, reasoning_chars=10
    ),
    "a tier of service": same(
        CREATED, *HELLO, completed(MESSAGE, service_tier="flex"),
        usage=COUNTED._replace(tier=Tier.FLEX),
    ),
    "no usage": same(CREATED, *HELLO, completed(MESSAGE, usage=None), usage=None),
    "keepalive": also(
        b": comment\n\n" + event("keepalive", sequence_number=0) + numbered(*_PLAIN)
    ),
    "no event names": also(
        b"".join(line + b"\n\n" for line in numbered(*_PLAIN).split(b"\n") if b"data: " in line)
    ),
    "done after the end": also(numbered(*_PLAIN) + b"data: [DONE]\n\n", numbered(*_PLAIN)),
    "no blank line at the end": also(numbered(*_PLAIN)[:-2], numbered(*_PLAIN)),
    "crlf": also(numbered(*_PLAIN).replace(b"\n", b"\r\n")),
    "foreign shapes": also(
        b'data: {"type":["?"]}\n\ndata: 7\n\ndata: {"no":"type"}\n\n'
        + event("response.output_text.delta", delta={"text": "?"})
        + event("response.output_item.added", item=[1])
        + numbered(*_PLAIN)
    ),
}  # fmt: skip
