"""What the endpoints' prompt caches hold of each conversation: the one trace a strategy leaves."""

from __future__ import annotations

from router.core.catalogue import EndpointId
from router.simulate.buyer import Errand
from router.simulate.world import Site

LEAST_PREFIX = 1024
"""Providers cache prefixes from 1,024 tokens on."""


class Caches:
    """Prefixes held, by conversation and endpoint, each with the second it is dropped at."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, EndpointId], tuple[float, int]] = {}

    def warm(self, site: Site, errand: Errand, now: float) -> int:
        """How many tokens of the errand's prompt this endpoint may find in its cache."""
        if errand.conversation is None or not errand.turn:
            return 0
        until, tokens = self._held.get((errand.conversation, site.endpoint.id), (0.0, 0))
        return tokens if now < until else 0

    def fill(self, site: Site, errand: Errand, now: float) -> None:
        """Take note that the endpoint has read this prompt."""
        cache = site.seller.cache
        if cache is None or errand.conversation is None or errand.prompt_tokens < LEAST_PREFIX:
            return
        key = (errand.conversation, site.endpoint.id)
        self._held[key] = (now + cache.minutes * 60, errand.prompt_tokens)
