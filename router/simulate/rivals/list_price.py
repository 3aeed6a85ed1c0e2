"""One figure for a price list, where a rule says 'price' and does not say which."""

from __future__ import annotations

from typing import Final

from router.core.catalogue import Endpoint

INPUT_PER_OUTPUT: Final = 3.0
"""Three input tokens to one of output: the blend in which Artificial Analysis compares prices."""


def blended(endpoint: Endpoint, wall: float) -> float:
    """USD per million tokens at ``wall`` (unix s); infinite where nobody knows the price."""
    if endpoint.price is None:
        return float("inf")
    price = endpoint.price.at(wall)
    return (INPUT_PER_OUTPUT * price.input + price.output) / (INPUT_PER_OUTPUT + 1)
