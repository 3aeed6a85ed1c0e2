"""Anthropic's message streams in the shapes that providers really send.

Written after Anthropic's documentation and recordings of gateways; prompts, answers and ids are
made up.
"""

import json
from typing import Any

from router.core.answer import Content, Usage
from router.core.catalogue import Tier
from tests.upstream.recorded import Recorded


def event(name: str, /, **fields: Any) -> bytes:
    body = json.dumps({"type": name, **fields}, ensure_ascii=False)
    return f"event: {name}\ndata: {body}\n\n".encode()


def start(**usage: Any) -> bytes:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    counts = {"input_tokens": 20, "output_tokens": 1, **usage}
    return event(
        "message_start",
        message={**message, "stop_reason": None, "stop_sequence": None, "usage": counts},
    )


def block(index: int, /, *deltas: dict[str, Any], **fields: Any) -> bytes:
    """One content block from its start to its stop."""
    return (
        event("content_block_start", index=index, content_block=fields)
        + b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
        + event("content_block_stop", index=index)
    )


def text(*said: str) -> list[dict[str, Any]]:
    return [{"type": "text_delta", "text": one} for one in said]


def stop(reason: str = "end_turn", **usage: Any) -> bytes:
    return event(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None},
        usage={"output_tokens": 9, **usage},
    )


STOP = event("message_stop")
PING = event("ping")
COUNTED = Usage(fresh_input=20, text=9)
_HELLO = block(0, *text("Hel", "lo"), type="text", text="")
_PLAIN = start() + _HELLO + stop()
_THOUGHTS = [
    {"type": "thinking_delta", "thinking": "Let me "},
    {"type": "thinking_delta", "thinking": "see"},
    {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"},
]
_INPUTS = [
    {"type": "input_json_delta", "partial_json": ""},
    {"type": "input_json_delta", "partial_json": '{"a"'},
    {"type": "input_json_delta", "partial_json": ":1}"},
]
_CALL = block(0, *_INPUTS, type="tool_use", id="toolu_1", name="f", input={})
_FOUND = {
    "type": "web_search_result",
    "title": "Sky",
    "url": "https://sky",
    "encrypted_content": "",
}
_CITED = {
    "type": "citations_delta",
    "citation": {"type": "web_search_result_location", "cited_text": "It is blue", "title": "Sky"},
}
_UNICODE = "\u65e5\u672c\u8a9e \U0001f600 \u2028 \x85"
_ALIBABA = (
    start(input_tokens=3602, output_tokens=0)
    + _HELLO
    + stop(
        cache_creation_input_tokens=0,
        cache_read_input_tokens=3604,
        prompt_tokens_details={"cached_tokens": 3604},
        output_tokens=878,
    )
    + STOP
)
_PADDED = _PLAIN.replace(b'"lo"}}', b'"lo"}           }') + STOP


def same(sent: bytes, **wanted: Any) -> Recorded:
    """A stream of which every byte is passed."""
    chosen: dict[str, Any] = {"usage": COUNTED, "finish": "end_turn", **wanted}
    return Recorded(sent, sent, **chosen)


MESSAGES = {
    "anthropic": same(start() + PING + _HELLO + PING + stop() + STOP),
    "padded deltas": same(_PADDED),
    "cumulative usage at the end": same(
        start(cache_read_input_tokens=0, cache_creation_input_tokens=0)
        + _HELLO
        + stop(input_tokens=20, cache_read_input_tokens=0, cache_creation_input_tokens=0)
        + STOP
    ),
    "two message deltas": same(
        start() + _HELLO + stop(output_tokens=3) + stop(output_tokens=9) + STOP
    ),
    "prompt cache": same(
        start(
            cache_read_input_tokens=1800,
            cache_creation_input_tokens=248,
            cache_creation={"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
            service_tier="priority",
            inference_geo="us",
        )
        + _HELLO
        + stop(input_tokens=20)
        + STOP,
        usage=Usage(20, 1800, 248, 9, cache_write_1h=100, tier=Tier.PRIORITY),
    ),
    "input known at the end only": same(
        start(input_tokens=0, output_tokens=0)
        + _HELLO
        + stop(input_tokens=20, cache_read_input_tokens=80)
        + STOP,
        usage=Usage(fresh_input=20, cache_read=80, text=9),
    ),
    "input forgotten at the end": same(start() + _HELLO + stop(input_tokens=0) + STOP),
    "alibaba": same(
        _ALIBABA.replace(b"event: ", b"event:").replace(b"data: ", b"data:"),
        usage=Usage(cache_read=3604, text=878),
    ),
    "compaction": same(
        start()
        + block(0, {"type": "compaction_delta", "content": "Short."}, type="compaction", content="")
        + block(1, *text("Hel", "lo"), type="text", text="")
        + stop(
            iterations=[
                {"type": "compaction", "input_tokens": 900, "output_tokens": 30},
                {"type": "message", "input_tokens": 20, "output_tokens": 9},
            ]
        )
        + STOP,
        usage=Usage(fresh_input=920, text=39),
    ),
    "thinking": same(
        start()
        + block(0, *_THOUGHTS, type="thinking", thinking="", signature="")
        + block(1, *text("Hel", "lo"), type="text", text="")
        + stop(output_tokens_details={"thinking_tokens": 7})
        + STOP,
        usage=Usage(fresh_input=20, text=2, reasoning=7),
        chars=15,
        reasoning_chars=10,
    ),
    "redacted thinking": same(
        start()
        + block(0, type="redacted_thinking", data="EmwKAhgBEgy3va3pzix")
        + block(1, *text("Hel", "lo"), type="text", text="")
        + stop()
        + STOP
    ),
    "tool call": same(
        start() + _CALL + stop("tool_use") + STOP, chars=8, finish="tool_use"
    ),
    "tool call without input": same(
        start() + block(0, type="tool_use", id="t", name="now", input={}) + stop("tool_use") + STOP,
        chars=3,
        finish="tool_use",
    ),
    "web search": same(
        start()
        + block(0, *_INPUTS, type="server_tool_use", id="srvtoolu_1", name="web_search", input={})
        + block(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[_FOUND])
        + block(2, _CITED, *text("Hel", "lo"), type="text", text="", citations=[])
        + stop(server_tool_use={"web_search_requests": 1})
        + STOP,
        chars=10 + 7 + 5,
        usage=COUNTED._replace(searches=1),
    ),
    "only thinking": same(
        start() + block(0, *_THOUGHTS, type="thinking", thinking="") + stop("max_tokens") + STOP,
        content=Content.REASONING,
        chars=10,
        reasoning_chars=10,
        finish="max_tokens",
    ),
    "text in the block's start": same(
        start() + block(0, *text("lo"), type="text", text="Hel") + stop() + STOP
    ),
    "unicode": same(
        start() + block(0, *text(_UNICODE), type="text", text="") + stop() + STOP,
        chars=len(_UNICODE),
    ),
    "no usage at the end": same(
        start() + _HELLO + event("message_delta", delta={"stop_reason": "end_turn"}) + STOP,
        usage=None,
    ),
    "no message_stop": Recorded(
        _PLAIN, _PLAIN + STOP.replace(b'"type": ', b'"type":'), finish="end_turn"
    ),
    "openai's end mark instead": Recorded(
        _PLAIN + b"data: [DONE]\n\n",
        _PLAIN + STOP.replace(b'"type": ', b'"type":'),
        finish="end_turn",
    ),
    "no blank line at the end": Recorded(_PLAIN + STOP[:-2], _PLAIN + STOP, finish="end_turn"),
    "after the end": Recorded(
        _PLAIN + STOP + PING + b"data: [DONE]\n\n", _PLAIN + STOP, finish="end_turn"
    ),
    "crlf": same((_PLAIN + STOP).replace(b"\n", b"\r\n")),
    "no event names": same(b"".join((_PLAIN + STOP).splitlines(keepends=True)[1::3]).replace(
        b"}\n", b"}\n\n")),
    "comments and foreign shapes": same(
        b": hello\n\n" + event("vendor_event", delta="?") + b"data: []\n\n" + _PLAIN
        + event("content_block_delta", index=0, delta={"type": "new_delta", "shape": [1]}) + STOP
    ),
}  # fmt: skip
