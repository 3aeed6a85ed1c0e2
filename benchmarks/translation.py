"""What a translation costs: microseconds per request body and per event of a stream.

Run it alone: ``python -m benchmarks.translation``. Best of seven rounds, one core.
"""

import json
import time
import timeit
from typing import Any

from benchmarks.relay_parts import CHUNK, CHUNKS, ENDPOINT, ROUNDS
from router.core.surface import Surface
from router.upstream.translate import TRANSLATIONS, Translation

EVENTS = {
    Surface.CHAT: [CHUNK] * 200,
    Surface.MESSAGES: [
        b'data: {"type":"message_start","message":{"id":"msg_1","model":"m"}}\n\n',
        *[CHUNKS[Surface.MESSAGES]] * 200,
    ],
}
TEXT = "The quick brown fox jumps over the lazy dog. " * 20
TURN_BYTES = 2_000


def body(surface: Surface, size: int) -> bytes:
    """A conversation with a call of a tool in every turn, of about so many bytes."""
    turns = range(max(1, size // TURN_BYTES))
    told: dict[str, Any] = {"model": "m", "stream": True}
    if surface is Surface.MESSAGES:
        turn: list[dict[str, Any]] = [
            {"role": "user", "content": [{"type": "text", "text": TEXT}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"x": TEXT}}],
            },
        ]
        told |= {"max_tokens": 100, "messages": [said for _ in turns for said in turn]}
    elif surface is Surface.CHAT:
        function = {"name": "f", "arguments": json.dumps({"x": TEXT})}
        call = {"id": "c", "type": "function", "function": function}
        turn = [{"role": "user", "content": TEXT}, {"role": "assistant", "tool_calls": [call]}]
        told |= {"messages": [said for _ in turns for said in turn]}
    else:
        arguments = json.dumps({"x": TEXT})
        turn = [
            {"role": "user", "content": TEXT},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments},
        ]
        told |= {"input": [said for _ in turns for said in turn]}
    return json.dumps(told).encode()


def measure(front: Surface, behind: Surface, translation: Translation) -> None:
    small, large = body(front, TURN_BYTES), body(front, 400_000)
    events = EVENTS[behind]

    def stream() -> None:
        speaker = translation.stream(small, 1)
        for event in events:
            speaker.feed(event)
        speaker.close()

    parts = {
        f"a body of {len(small) // 1000} KB": (lambda: translation.request(small, ENDPOINT), 1),
        f"a body of {len(large) // 1000} KB": (lambda: translation.request(large, ENDPOINT), 1),
        "an event of a stream": (stream, len(events)),
    }
    for name, (part, count) in parts.items():
        timer = timeit.Timer(part, timer=time.process_time)
        number = timer.autorange()[0]
        best = min(timer.repeat(ROUNDS, number)) / number / count
        print(f"{front} -> {behind:14}{name:24}{best * 1e6:9.2f} us")


if __name__ == "__main__":
    for (asked, spoken), between in TRANSLATIONS.items():
        measure(asked, spoken, between)
