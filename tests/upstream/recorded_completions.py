"""Streams of the older completions, as OpenAI and vLLM send them."""

from router.core.answer import Usage
from tests.upstream.recorded import COUNTS, DONE, Recorded, event

_HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}


def chunk(text: str, finish: str | None = None, *, index: int = 0) -> bytes:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return event({**_HEAD, "choices": [choice]})


_HELLO = chunk("Hel") + chunk("lo") + chunk("", "stop")
_USAGE = event({**_HEAD, "choices": [], "usage": COUNTS})
_CONTINUOUS = event(
    {
        **_HEAD,
        "choices": [{"text": "Hello", "index": 0, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22},
    }
)
_TWO = _HELLO + chunk("Hi", index=1) + chunk("", "length", index=1)

COMPLETIONS = {
    "openai": Recorded(_HELLO + _USAGE + DONE, _HELLO + DONE),
    "the last text with its reason": Recorded(
        chunk("Hel") + chunk("lo", "length") + _USAGE + DONE,
        chunk("Hel") + chunk("lo", "length") + DONE,
        finish="length",
    ),
    "usage on every chunk": Recorded(
        _CONTINUOUS + DONE, _CONTINUOUS + DONE, usage=Usage(fresh_input=20, text=2)
    ),
    "no done": Recorded(_HELLO + _USAGE, _HELLO + DONE),
    "no usage": Recorded(_HELLO + DONE, _HELLO + DONE, usage=None),
    "two answers": Recorded(_TWO + DONE, _TWO + DONE, usage=None, chars=7, finish="length"),
}
