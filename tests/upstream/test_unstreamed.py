"""A whole answer told as a stream is the same answer to the makers' own clients, and to us."""

import json
from typing import Any

import anthropic
import openai
import pytest

from router.core.answer import Piece
from router.core.surface import Surface
from router.upstream.readers import STREAMED, WHOLE
from tests.upstream.asking import an_endpoint, best_content, usage_of
from tests.upstream.recorded_responses import MESSAGE, response
from tests.upstream.scripted import response as sent
from tests.upstream.scripted import scripted
from tests.upstream.test_messages import A_MESSAGE as BARE

ENDPOINT = an_endpoint()
CITED = {
    "type": "text",
    "text": "Blue",
    "citations": [
        {
            "type": "char_location",
            "cited_text": "It is blue",
            "document_index": 0,
            "document_title": None,
            "start_char_index": 0,
            "end_char_index": 9,
        }
    ],
}
A_MESSAGE: dict[str, Any] = {
    **BARE,
    "model": "m",
    "stop_sequence": None,
    "content": [*BARE["content"], CITED],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a":1}',
    "status": "completed",
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Let me see"}],
}
REFUSED = {**MESSAGE, "id": "msg_2", "content": [{"type": "refusal", "refusal": "Never"}]}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
A_RESPONSE = {
    **response("completed", THOUGHT, SEARCH, MESSAGE, REFUSED, CALL),
    "created_at": 1,
    "model": "m",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
A_COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "text": "Hello", "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
}


def streamed(surface: Surface, answer: object, *, hide_usage: bool = False) -> tuple[Piece, bytes]:
    whole = WHOLE[surface](json.dumps(answer).encode(), ENDPOINT)
    told = STREAMED[surface].told(whole, hide_usage=hide_usage)
    assert told._replace(data=b"") == whole._replace(data=b"")
    return whole, told.data


@pytest.mark.parametrize(
    ("surface", "answer"),
    [
        (Surface.MESSAGES, A_MESSAGE),
        (Surface.RESPONSES, A_RESPONSE),
        (Surface.COMPLETIONS, A_COMPLETION),
    ],
)
def test_what_is_told_as_a_stream_counts_as_it_did_whole(surface: Surface, answer: object) -> None:
    whole, data = streamed(surface, answer)
    stream = STREAMED[surface].open(ENDPOINT, hide_usage=False)
    piece = stream.feed(data)
    assert stream.ended
    assert (piece.chars, piece.reasoning_chars) == (whole.chars, whole.reasoning_chars)
    assert best_content([piece]) is whole.content
    assert (usage_of([piece]), piece.finish) == (whole.usage, whole.finish)


async def test_the_real_client_reads_the_same_message() -> None:
    _, data = streamed(Surface.MESSAGES, A_MESSAGE)
    async with (
        scripted(*sent(data)) as server,
        anthropic.AsyncAnthropic(api_key="k", base_url=server.base_url) as ai,
        ai.messages.stream(model="m", max_tokens=9, messages=[]) as stream,
    ):
        message = await stream.get_final_message()
    assert [block.to_dict() for block in message.content] == A_MESSAGE["content"]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (20, 9)


async def test_the_real_client_reads_the_same_response() -> None:
    _, data = streamed(Surface.RESPONSES, A_RESPONSE)
    said = ""
    async with (
        scripted(*sent(data)) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as ai,
        ai.responses.stream(model="m", input="?") as stream,
    ):
        async for event in stream:
            if event.type == "response.output_text.delta":
                said += event.delta
        final = await stream.get_final_response()
    assert said == final.output_text == "Hello"
    output: Any = A_RESPONSE["output"]
    assert [item.to_dict()["id"] for item in final.output] == [item["id"] for item in output]
    assert final.usage is not None
    assert final.usage.output_tokens == 9


def test_a_response_that_was_cut_off_ends_as_incomplete() -> None:
    cut = {
        **A_RESPONSE,
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    _, data = streamed(Surface.RESPONSES, cut)
    names = [line[7:] for line in data.split(b"\n") if line.startswith(b"event: ")]
    assert names[:2] == [b"response.created", b"response.in_progress"]
    assert names[-1] == b"response.incomplete"


@pytest.mark.parametrize("hide", [True, False])
async def test_the_real_client_reads_the_same_completion(*, hide: bool) -> None:
    _, data = streamed(Surface.COMPLETIONS, A_COMPLETION, hide_usage=hide)
    async with (
        scripted(*sent(data)) as server,
        openai.AsyncOpenAI(api_key="k", base_url=server.base_url) as ai,
    ):
        stream = await ai.completions.create(model="m", prompt="?", stream=True)
        (chunk,) = [chunk async for chunk in stream]
    assert chunk.choices[0].text == "Hello"
    assert (chunk.usage is None) is hide
