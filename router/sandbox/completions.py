"""The older completions: requests and refusals. Their answers: `completion_voice`."""

from hashlib import blake2s

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.completion_voice import CompletionVoice
from router.sandbox.fleet import Row
from router.sandbox.openai import Options, admits, decode, headers, only, refusal
from router.sandbox.speech import text_tokens

__all__ = ["admits", "headers", "parse", "refusal", "too_long", "voice"]

_USUAL_LIMIT = 16
"""What `max_tokens` is where nobody says it."""


class _Body(msgspec.Struct):
    model: str
    prompt: str | list[str | int | list[int]]
    max_tokens: int | None = None
    stream: bool | None = None
    stream_options: Options | None = None
    n: object = None
    best_of: object = None
    logprobs: object = None
    echo: object = None
    suffix: object = None


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400, also for more than one prompt and what is not played."""
    body = decode(raw, _Body)
    only("n", body.n, [1])
    only("best_of", body.best_of, [1])
    only("logprobs", body.logprobs)
    only("echo", body.echo, [False])
    only("suffix", body.suffix, [""])
    prompt: str | list[str | int | list[int]] | list[int] = body.prompt
    if isinstance(prompt, list) and not all(isinstance(token, int) for token in prompt):
        if len(prompt) != 1:
            raise Refusal(400, "The sandbox answers one prompt at a time.", param="prompt")
        prompt = prompt[0] if isinstance(prompt[0], list) else str(prompt[0])
    if not prompt:
        raise Refusal(400, "Invalid 'prompt': it is empty.", param="prompt")
    limit = _USUAL_LIMIT if body.max_tokens is None else body.max_tokens
    if limit < 1:
        raise Refusal(400, f"Invalid 'max_tokens': {limit} is below 1.", param="max_tokens")
    tokens = text_tokens(prompt) if isinstance(prompt, str) else len(prompt)
    return Ask(
        prompt_tokens=tokens,
        max_tokens=limit,
        stream=bool(body.stream),
        wants_usage=body.stream_options is not None and body.stream_options.include_usage,
        prefixes=((blake2s(encode(prompt), digest_size=12).digest(), tokens),),
    )


def voice(answer: Answer) -> CompletionVoice:
    """The voice for one answer."""
    return CompletionVoice(answer)


def too_long(row: Row, ask: Ask) -> Refusal:
    """The refusal of what does not fit the window."""
    return Refusal(
        400,
        f"This model's maximum context length is {row.context} tokens, however you requested "
        f"{ask.window_tokens} tokens ({ask.prompt_tokens} in your prompt; {ask.max_tokens} for the "
        "completion). Please reduce your prompt; or completion length.",
    )
