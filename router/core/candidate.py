"""An endpoint as a decision sees it: what it is, what is believed of it, whether it may be used."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from router.core.catalogue import Endpoint, EndpointId
from router.core.decision import Reason
from router.core.forecast import Answers, answers
from router.core.lengths import Lengths
from router.core.stats import Stats
from router.core.tokens import Rates

Warm = Mapping[EndpointId, float]
"""Tokens of a conversation that an endpoint has read lately."""
COLD: Warm = MappingProxyType({})


class Standing(NamedTuple):
    """Why an endpoint must not be used now, and until when (unix seconds)."""

    reason: Reason
    until_wall: float
    detail: str


class Candidate(NamedTuple):
    """An endpoint that serves the model asked for, with what is known of it now.

    ``spread`` are the ``answers`` of ``lengths`` at the doubt about its speed: see ``candidate``.
    """

    endpoint: Endpoint
    stats: Stats
    lengths: Lengths
    rates: Rates
    spread: Answers
    standing: Standing | None = None


def candidate(
    endpoint: Endpoint,
    stats: Stats,
    lengths: Lengths,
    rates: Rates,
    standing: Standing | None = None,
) -> Candidate:
    """Prepare what many decisions will read."""
    spread = answers(lengths, stats.speed_wide_sd)
    return Candidate(endpoint, stats, lengths, rates, spread, standing)
