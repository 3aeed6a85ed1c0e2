"""What the parts of a request's way cost: microseconds per request body, chunk and decision.

Run it alone: ``python -m benchmarks.relay_parts``. Best of seven rounds, one core.
"""

import asyncio
import json
import time
import timeit
from dataclasses import replace

import msgspec
from aiohttp import BaseConnector

from router.core.answer import Usage
from router.core.ask import Ask, Bound, BoundKind, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.decision import Decision, Forecast, Option, Status
from router.core.measure import Attempt, Outcome
from router.core.surface import Surface
from router.ports import Call, Record, TraceContext
from router.server.clock import SystemClock
from router.store.decisions import Decisions
from router.surfaces.door import Door
from router.surfaces.kept import pack
from router.surfaces.sessions import begun_with
from router.upstream.body import edit
from router.upstream.connector import open_connector
from router.upstream.line import Line
from router.upstream.openai import read_whole
from router.upstream.readers import STREAMED

ENDPOINT = Endpoint(
    id=EndpointId("r1@here"),
    provider="here",
    model="deepseek/deepseek-reasoner",
    upstream_model="deepseek-reasoner",
    family="r1",
    serves=(ModelName("r1"),),
    base_url="https://api.example.com/v1",
    context=65536,
    price=None,
)
CHUNK = (
    b'data: {"id":"chatcmpl-000000000001","object":"chat.completion.chunk","created":1750000000,'
    b'"model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":" token"},'
    b'"finish_reason":null}]}\n\n'
)
CHUNKS = {
    Surface.COMPLETIONS: (
        b'data: {"id":"cmpl-000000000001","object":"text_completion","created":1750000000,'
        b'"model":"m","choices":[{"index":0,"text":" token","logprobs":null,"finish_reason":null}]}'
        b"\n\n"
    ),
    Surface.MESSAGES: (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":" token"}}\n\n'
    ),
    Surface.RESPONSES: (
        b"event: response.output_text.delta\n"
        b'data: {"type":"response.output_text.delta","sequence_number":7,'
        b'"item_id":"msg_000000000001","output_index":0,"content_index":0,"delta":" token",'
        b'"logprobs":[],"obfuscation":"q3Zx0aK"}\n\n'
    ),
}
"""The other surfaces' chunks, which are parsed one by one."""
WHOLE = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 150},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 150, "total_tokens": 170},
    }
).encode()
HEADERS = {"user-agent": "OpenAI/Python", "accept": "application/json", "x-stainless-os": "Linux"}
ROUNDS = 7


def a_body(size: int) -> bytes:
    messages = [{"role": "user", "content": "x" * (size // 10)} for _ in range(10)]
    return json.dumps({"model": "r1", "messages": messages, "stream": True, "sla": {}}).encode()


async def measure() -> None:
    async with open_connector() as connector:
        compare(connector)


def some_records() -> list[Record]:
    """Requests of which six endpoints were weighed and one served."""
    fleet = [replace(ENDPOINT, id=EndpointId(f"r1@provider-{i}")) for i in range(6)]
    forecast = Forecast(800.0, 20_000.0, 40.0, 600.0, 500.0, 0.003, 0.97)
    plan = tuple(Option(e, 0.004, 0.003, 0.97) for e in fleet)
    decision = Decision(Status.OK, plan, (), 500.0, forecast)
    sla = Sla((Bound(BoundKind.TTFT, 1000.0), Bound(BoundKind.E2E, 30_000.0)))
    usage = Usage(fresh_input=500, text=600)
    attempt = Attempt(fleet[0].id, 1, 1.75e9, 1.0, 9.0, 1.8, 1.8, 9.0, usage=usage)
    outcome = Outcome((attempt,), 1.0, 9.0, None, sla)
    asks = [Ask(f"mo-{i:024x}", ModelName("r1"), sla, PromptSize(2000)) for i in range(100)]
    context = TraceContext("0" * 31 + "1")
    return [Record(ask, outcome, (decision,), 1.75e9, 0.0005, context, "1", ("2",)) for ask in asks]


def hand_over(decisions: Decisions, records: list[Record]) -> None:
    for record in records:
        decisions.report(record)


def compare(connector: BaseConnector) -> None:
    small, large = a_body(2_000), a_body(400_000)
    streams = {s: opened.open(ENDPOINT, hide_usage=True) for s, opened in STREAMED.items()}
    for surface, chunk in {Surface.CHAT: CHUNK, **CHUNKS}.items():
        streams[surface].feed(chunk)
    stream = streams[Surface.CHAT]
    line = Line.to(ENDPOINT, {}, connector)
    call = Call(small, HEADERS, stream=True, wants_usage=False, attempt_id="a", traceparent="00")
    burst = CHUNK * 20
    decisions, records = Decisions(pack, clock=SystemClock()), some_records()
    door, credentials = Door(["k" * 32]), {"Authorization": "Bearer " + "k" * 32}
    beginning = [msgspec.Raw(b'"' + b"word " * 1000 + b'"')] * 2

    def feed(surface: Surface) -> None:
        streams[surface].feed(CHUNKS[surface])

    parts = {
        "edit a body of 2 KB": (lambda: edit(small, ENDPOINT, stream=True, wants_usage=False), 1),
        "edit a body of 400 KB": (lambda: edit(large, ENDPOINT, stream=True, wants_usage=False), 1),
        "head of a request": (lambda: line.head(call, len(small)), 1),
        "a chunk read alone": (lambda: stream.feed(CHUNK), 1),
        "a chunk of twenty read at once": (lambda: stream.feed(burst), 20),
        "a chunk of completions": (lambda: feed(Surface.COMPLETIONS), 1),
        "a chunk of messages": (lambda: feed(Surface.MESSAGES), 1),
        "a chunk of responses": (lambda: feed(Surface.RESPONSES), 1),
        "a whole answer of 1 KB": (lambda: read_whole(WHOLE, ENDPOINT), 1),
        "a decision handed over": (lambda: hand_over(decisions, records), len(records)),
        "of that, a decision packed": (lambda: pack(records[0]), 1),
        "the owner of a key": (lambda: door.admit(credentials), 1),
        "a long conversation recognised": (lambda: begun_with(beginning), 1),
    }
    for name, (part, count) in parts.items():
        timer = timeit.Timer(part, timer=time.process_time)
        number = timer.autorange()[0]
        best = min(timer.repeat(ROUNDS, number)) / number / count
        print(f"{name:34}{best * 1e6:9.2f} us")


if __name__ == "__main__":
    asyncio.run(measure())
