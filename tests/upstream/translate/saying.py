"""Bodies and streams of the dialects, and the real SDKs' idea of what is well formed."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic.types as messages_types
import openai.types.chat as chat_types
import openai.types.responses as response_types
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter

from router.core.catalogue import Endpoint
from router.core.surface import Surface
from router.upstream.translate import TRANSLATIONS, Translation
from tests.upstream.asking import an_endpoint

CHAT_TO_MESSAGES = TRANSLATIONS[Surface.CHAT, Surface.MESSAGES]
MESSAGES_TO_CHAT = TRANSLATIONS[Surface.MESSAGES, Surface.CHAT]
RESPONSES_TO_CHAT = TRANSLATIONS[Surface.RESPONSES, Surface.CHAT]
RESPONSES_TO_MESSAGES = TRANSLATIONS[Surface.RESPONSES, Surface.MESSAGES]
NOW_S = 1_760_000_000

Json = dict[str, Any]

_MESSAGE_REQUESTS: TypeAdapter[Any] = TypeAdapter(
    MessageCreateParamsStreaming | MessageCreateParamsNonStreaming
)
_CHAT_REQUESTS: TypeAdapter[Any] = TypeAdapter(
    CompletionCreateParamsStreaming | CompletionCreateParamsNonStreaming
)
_MESSAGE_EVENTS: TypeAdapter[Any] = TypeAdapter(messages_types.RawMessageStreamEvent)
_RESPONSE_EVENTS: TypeAdapter[Any] = TypeAdapter(response_types.ResponseStreamEvent)

PNG = "iVBORw0KGgo="
PNG_URL = f"data:image/png;base64,{PNG}"
PDF = "JVBERi0="
PDF_URL = f"data:application/pdf;base64,{PDF}"


def to_messages(endpoint: Endpoint | None = None, **fields: Any) -> Json:
    """A chat request as a Messages endpoint gets it, checked by Anthropic's own types."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    told = CHAT_TO_MESSAGES.request(json.dumps(body).encode(), endpoint or an_endpoint())
    decoded: Json = json.loads(told)
    _exhaust(_MESSAGE_REQUESTS.validate_python({"stream": False, **decoded}))
    return decoded


def to_chat(endpoint: Endpoint | None = None, **fields: Any) -> Json:
    """A Messages request as a chat endpoint gets it, checked by OpenAI's own types."""
    body = {
        "model": "m",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hi"}],
        **fields,
    }
    told = MESSAGES_TO_CHAT.request(json.dumps(body).encode(), endpoint or an_endpoint())
    decoded: Json = json.loads(told)
    _exhaust(_CHAT_REQUESTS.validate_python({"stream": False, **decoded}))
    return decoded


def response_to_chat(endpoint: Endpoint | None = None, **fields: Any) -> Json:
    """A request for a response as a chat endpoint gets it, checked by OpenAI's own types."""
    body = {"model": "m", "input": "Hi", **fields}
    told = RESPONSES_TO_CHAT.request(json.dumps(body).encode(), endpoint or an_endpoint())
    decoded: Json = json.loads(told)
    _exhaust(_CHAT_REQUESTS.validate_python({"stream": False, **decoded}))
    return decoded


def response_to_messages(**fields: Any) -> Json:
    """A request for a response as a Messages endpoint gets it."""
    body = json.dumps({"model": "m", "input": "Hi", **fields}).encode()
    decoded: Json = json.loads(RESPONSES_TO_MESSAGES.request(body, an_endpoint()))
    _exhaust(_MESSAGE_REQUESTS.validate_python({"stream": False, **decoded}))
    return decoded


def _exhaust(value: Any) -> None:
    """Walk what pydantic validates only when it is walked."""
    if isinstance(value, dict):
        for each in value.values():
            _exhaust(each)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for each in value:
            _exhaust(each)


def named(events: Iterable[Json]) -> list[bytes]:
    """Events as Anthropic and the Responses API write them: with their type as name."""
    return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]


def plain(chunks: Iterable[Json]) -> list[bytes]:
    """Chunks as chat endpoints write them, with the mark of their end."""
    return [*(f"data: {json.dumps(c)}\n\n".encode() for c in chunks), b"data: [DONE]\n\n"]


def data_of(stream: bytes) -> Iterator[Json]:
    """The JSON of every event."""
    for event in stream.split(b"\n\n"):
        for line in event.split(b"\n"):
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                yield json.loads(line[6:])


def chunk(delta: Json | None = None, finish: str | None = None, **fields: Any) -> Json:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 5, "model": "gpt"}
    return {**head, "choices": choices, **fields}


def completion(message: Json, finish: str = "stop", **fields: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    head = {"id": "chatcmpl-7", "object": "chat.completion", "created": 5, "model": "gpt"}
    return {**head, "choices": [choice], **fields}


def a_message(*content: Json, stop: str = "end_turn", **fields: Any) -> Json:
    return {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 4},
        **fields,
    }


def message_events(*content: Json, stop: str = "end_turn", pieces: int = 2) -> list[Json]:
    """The events of a message whose texts come in so many pieces."""
    start = a_message(stop=stop) | {"stop_reason": None}
    start["usage"] = {"input_tokens": 3, "output_tokens": 1}
    events: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(content):
        empty, deltas = _in_pieces(block, pieces)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 4}})
    return [*events, {"type": "message_stop"}]


def _in_pieces(block: Json, pieces: int) -> tuple[Json, list[Json]]:
    match block:
        case {"type": "text", "text": text}:
            return {**block, "text": ""}, [
                {"type": "text_delta", "text": each} for each in cut(text, pieces)
            ]
        case {"type": "thinking", "thinking": text, "signature": signature}:
            return {**block, "thinking": "", "signature": ""}, [
                *({"type": "thinking_delta", "thinking": each} for each in cut(text, pieces)),
                {"type": "signature_delta", "signature": signature},
            ]
        case {"type": "tool_use", "input": given}:
            written = json.dumps(given) if given else ""
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": each} for each in cut(written, pieces)
            ]
        case _:
            return block, []


def cut(text: str, pieces: int) -> list[str]:
    """Cut a text into so many pieces, some of them empty perhaps."""
    size = max(1, -(-len(text) // pieces))
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def as_chat_stream(events: list[Json], **fields: Any) -> bytes:
    """Message events as a chat client gets them, every chunk checked by OpenAI's own types."""
    speaker = CHAT_TO_MESSAGES.stream(json.dumps({"model": "m", **fields}).encode(), NOW_S)
    said = b"".join(map(speaker.feed, named(events))) + speaker.close()
    for each in data_of(said):
        chat_types.ChatCompletionChunk.model_validate(each, strict=True)
    return said


def as_completion(message: Json, **fields: Any) -> Json:
    """A whole message as a chat client gets it."""
    body = json.dumps({"model": "m", **fields}).encode()
    said: Json = json.loads(CHAT_TO_MESSAGES.whole(body, json.dumps(message).encode(), NOW_S))
    chat_types.ChatCompletion.model_validate(said, strict=True)
    return said


def as_message_stream(chunks: list[Json]) -> bytes:
    """Chunks as a Messages client gets them, every event checked by Anthropic's own types."""
    speaker = MESSAGES_TO_CHAT.stream(b'{"model":"m"}', NOW_S)
    said = b"".join(map(speaker.feed, plain(chunks))) + speaker.close()
    for each in data_of(said):
        if each["type"] != "ping":
            _MESSAGE_EVENTS.validate_python(each, strict=True)
    return said


def as_message(answer: Json) -> Json:
    """A whole completion as a Messages client gets it."""
    told = MESSAGES_TO_CHAT.whole(b'{"model":"m"}', json.dumps(answer).encode(), NOW_S)
    said: Json = json.loads(told)
    messages_types.Message.model_validate(said, strict=True)
    return said


def as_response_stream(
    sent: list[bytes], via: Translation = RESPONSES_TO_CHAT, **fields: Any
) -> bytes:
    """A stream as a client of responses gets it, every event checked by OpenAI's own types."""
    speaker = via.stream(json.dumps({"model": "m", "input": "Hi", **fields}).encode(), NOW_S)
    said = b"".join(map(speaker.feed, sent)) + speaker.close()
    for number, each in enumerate(data_of(said)):
        _RESPONSE_EVENTS.validate_python(each)
        assert each["sequence_number"] == number
    return said


def as_response(answer: Json, via: Translation = RESPONSES_TO_CHAT, **fields: Any) -> Json:
    """A whole answer as a client of responses gets it."""
    body = json.dumps({"model": "m", "input": "Hi", **fields}).encode()
    said: Json = json.loads(via.whole(body, json.dumps(answer).encode(), NOW_S))
    response_types.Response.model_validate(said)
    return said


def assembled_chat(stream: bytes) -> Json:
    """What a client puts together from chunks: message, finish reason, usage."""
    message: Json = {"content": "", "reasoning_content": "", "refusal": "", "tool_calls": []}
    end: Json = {"finish_reason": None, "usage": None}
    for each in data_of(stream):
        end["usage"] = each.get("usage") or end["usage"]
        for choice in each["choices"]:
            end["finish_reason"] = choice["finish_reason"] or end["finish_reason"]
            _add(message, choice["delta"])
    return {**end, "message": message}


def _add(message: Json, delta: Json) -> None:
    for name in ("content", "reasoning_content", "refusal"):
        message[name] += delta.get(name) or ""
    for call in delta.get("tool_calls", ()):
        if call["index"] == len(message["tool_calls"]):
            message["tool_calls"].append({"id": call["id"], **call["function"]})
        else:
            message["tool_calls"][call["index"]]["arguments"] += call["function"]["arguments"]


def assembled_message(stream: bytes) -> Json:
    """What a client puts together from message events, whose order it checks."""
    message: Json = {}
    written = ""
    for each in data_of(stream):
        match each["type"]:
            case "message_start":
                assert not message
                message = each["message"]
            case "content_block_start":
                assert each["index"] == len(message["content"])
                message["content"].append(each["content_block"])
                written = ""
            case "content_block_delta":
                assert each["index"] == len(message["content"]) - 1
                written += _grow(message["content"][-1], each["delta"])
            case "content_block_stop":
                if message["content"][each["index"]]["type"] == "tool_use" and written:
                    message["content"][each["index"]]["input"] = json.loads(written)
            case "message_delta":
                message |= each["delta"]
                message["usage"] |= each["usage"]
            case _:
                pass
    return message


def _grow(block: Json, delta: Json) -> str:
    match delta:
        case {"type": "text_delta", "text": text}:
            block["text"] += text
        case {"type": "thinking_delta", "thinking": text}:
            block["thinking"] += text
        case {"type": "input_json_delta", "partial_json": text}:
            return str(text)
        case _:
            raise AssertionError(delta["type"])
    return ""


@contextmanager
def served(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server of event streams, made of each request's body; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
