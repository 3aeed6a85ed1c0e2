"""OpenAI's older completions, of a text: what one asks for."""

from __future__ import annotations

from typing import Final

from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from router.surfaces.chat import asks_for_usage
from router.surfaces.fields import COUNT, FLAG, INTEGER, NATURAL, Fields, typed
from router.surfaces.needs import Wanted
from router.surfaces.texts import texts_size

_TAKES: Final = "a text, a list of texts, or tokens"


def wanted(fields: Fields) -> Wanted:
    """Read what routing needs of a completions request. Raises ``Fault(BAD_BODY)``."""
    if "prompt" not in fields:
        raise Fault(Kind.BAD_BODY, f"prompt is missing; it takes {_TAKES}.", param="prompt")
    needs: set[Capability] = set()
    if (typed(fields, "n", COUNT, "a whole number from 1") or 1) > 1:
        needs.add(Capability.SEVERAL_CHOICES)
    if typed(fields, "logprobs", NATURAL, "a whole number") is not None:
        needs.add(Capability.LOGPROBS)  # 0 too: those of the tokens that were chosen
    if typed(fields, "seed", INTEGER, "a whole number") is not None:
        needs.add(Capability.SEED)
    limit = typed(fields, "max_tokens", NATURAL, "a whole number of tokens")
    return Wanted(
        prompt=texts_size(fields, "prompt", _TAKES),
        stream=typed(fields, "stream", FLAG, "true or false") or False,
        wants_usage=asks_for_usage(fields),
        # None at all is for who wants the prompt's own log probabilities: one token, as it were.
        max_tokens=None if limit is None else max(1, limit),
        needs=frozenset(needs),
    )
