"""Vectors spoken: of length one, the same for the same input. There is nothing to stream."""

from base64 import b64encode
from math import hypot
from random import Random
from struct import pack

from msgspec.json import encode

from router.sandbox.ask import Answer
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import Usage


def _vector(digest: bytes, dimensions: int) -> list[float]:
    chance = Random(digest)
    drawn = [chance.gauss(0, 1) for _ in range(dimensions)]
    length = hypot(*drawn)
    return [number / length for number in drawn]


class EmbeddingVoice:
    """One answer as a list of embeddings."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def opening(self) -> bytes:
        """Nothing."""
        return b""

    def keepalive(self) -> bytes:
        """Nothing."""
        return b""

    def reasoning(self, text: str) -> bytes:
        """Nothing."""
        del text
        return b""

    def turn(self) -> bytes:
        """Nothing."""
        return b""

    def text(self, text: str) -> bytes:
        """Nothing."""
        del text
        return b""

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """Nothing."""
        del usage, style, done
        return b""

    def failing(self) -> bytes:
        """Nothing."""
        return b""

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The list."""
        del reasoning, text
        inputs = self._answer.ask.inputs
        digests = inputs.digests if inputs else ()
        body: dict[str, object] = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": self._embedding(digest)}
                for index, digest in enumerate(digests)
            ],
            "model": self._answer.row.model,
        }
        if style is not UsageStyle.NONE:
            body["usage"] = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        return encode(body)

    def _embedding(self, digest: bytes) -> list[float] | str:
        inputs = self._answer.ask.inputs
        dimensions = (inputs and inputs.dimensions) or self._answer.row.dimensions
        vector = _vector(digest, dimensions)
        if inputs and inputs.base64:
            return b64encode(pack(f"<{dimensions}f", *vector)).decode()
        return vector
