"""OpenAI's embeddings: what one asks for."""

from __future__ import annotations

from typing import Final

from router.core.faults import Fault, Kind
from router.surfaces.fields import COUNT, Fields, typed
from router.surfaces.needs import Wanted
from router.surfaces.texts import texts_size

_TAKES: Final = "a text, a list of texts, or tokens"


def wanted(fields: Fields) -> Wanted:
    """Read what routing needs of an embeddings request: its answer is one token, as it were.

    Raises ``Fault(BAD_BODY)``.
    """
    if "input" not in fields:
        raise Fault(Kind.BAD_BODY, f"input is missing; it takes {_TAKES}.", param="input")
    typed(fields, "dimensions", COUNT, "a whole number from 1")
    return Wanted(prompt=texts_size(fields, "input", _TAKES), max_tokens=1)
