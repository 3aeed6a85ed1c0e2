"""Embeddings: requests and refusals. Their answers: `embedding_voice`."""

from hashlib import blake2s
from typing import Literal

import msgspec
from msgspec.json import encode

from router.sandbox.ask import Answer, Ask, Inputs, Refusal
from router.sandbox.embedding_voice import EmbeddingVoice
from router.sandbox.fleet import Row
from router.sandbox.openai import admits, decode, headers, refusal
from router.sandbox.speech import text_tokens

__all__ = ["admits", "headers", "parse", "refusal", "too_long", "voice"]

_MOST = 2048
"""Inputs of one request (OpenAI's limit)."""


class _Body(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"


def _inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    """The inputs: one text, a list of them, one list of tokens or several. Raises Refusal 400."""
    if isinstance(given, str):
        inputs: list[str | list[int]] = [given]
    else:
        inputs = [one for one in given if not isinstance(one, int)]
        if not inputs:
            inputs = [[one for one in given if isinstance(one, int)]]
        elif len(inputs) != len(given):
            raise Refusal(400, "Invalid 'input': texts or tokens, not both.", param="input")
    if len(inputs) > _MOST or not all(inputs):
        why = f"Invalid 'input': 1 to {_MOST} inputs, none of them empty."
        raise Refusal(400, why, param="input")
    return inputs


def parse(raw: bytes) -> Ask:
    """The request. Raises Refusal 400 for broken JSON and for wrong or missing fields."""
    body = decode(raw, _Body)
    inputs = _inputs(body.input)
    tokens = [text_tokens(one) if isinstance(one, str) else len(one) for one in inputs]
    if body.dimensions is not None and body.dimensions < 1:
        raise Refusal(400, "Invalid 'dimensions': below 1.", param="dimensions")
    return Ask(
        prompt_tokens=sum(tokens),
        max_tokens=0,
        inputs=Inputs(
            digests=tuple(blake2s(encode(one), digest_size=12).digest() for one in inputs),
            longest=max(tokens),
            dimensions=body.dimensions,
            base64=body.encoding_format == "base64",
        ),
    )


def voice(answer: Answer) -> EmbeddingVoice:
    """The voice for one answer. Raises Refusal 400 for more dimensions than the model has."""
    wanted = answer.ask.inputs and answer.ask.inputs.dimensions
    if wanted and wanted > answer.row.dimensions:
        why = f"Invalid value for 'dimensions' = {wanted}. Must be at most {answer.row.dimensions}."
        raise Refusal(400, why, param="dimensions")
    return EmbeddingVoice(answer)


def too_long(row: Row, ask: Ask) -> Refusal:
    """The refusal of an input that does not fit the window."""
    return Refusal(
        400,
        f"This model's maximum context length is {row.context} tokens, however you requested "
        f"{ask.window_tokens} tokens. Please reduce your prompt; or completion length.",
    )
