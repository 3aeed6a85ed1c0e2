"""Every endpoint that LiteLLM's table knows for a model, and the row that buys from one of them.

The table is read as a data file. A name is looked for anywhere in LiteLLM's, without case and
punctuation, so that ``deepseek v4`` finds ``azure_ai/DeepSeek-V4-Flash``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

from router.cli.endpoints import PROMPT_TOKENS
from router.cli.price import price_json
from router.config.providers import PROVIDERS, Provider, seller_of
from router.core.catalogue import Price, Prior
from router.core.surface import Surface
from router.core.tariff import TableEntry
from router.upstream.prices import catalogue, named

ANSWER_TOKENS: Final = Prior().answer_tokens
"""The length of the answer that offers are compared by: that of an endpoint nobody has met."""

_SUGGESTIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the table. ``seller`` is our name of its provider, where we know the provider."""

    entry: TableEntry
    seller: str | None

    @property
    def provider(self) -> Provider | None:
        """What is known of who sells it."""
        return None if self.seller is None else PROVIDERS[self.seller]

    @property
    def model(self) -> str:
        """LiteLLM's name with the prefix that tells who sells it."""
        name = self.entry.model
        if self.provider is None or name.partition("/")[0] in self.provider.prefixes:
            return name
        return f"{self.provider.prefixes[0]}/{name}"

    @property
    def id(self) -> str:
        """What the endpoint would be called in the configuration."""
        return f"{self.serves}@{self.seller or self.entry.provider}"

    @property
    def serves(self) -> str:
        """The name that applications would ask for."""
        return self.model.rpartition("/")[2].lower()

    def price(self, wall_s: float) -> Price | None:
        """Return the prices in force at an instant."""
        return None if self.entry.price is None else self.entry.price.at(wall_s)

    def answer_usd(self, wall_s: float) -> float | None:
        """Cost of an answer of usual length at an instant."""
        price = self.price(wall_s)
        if price is None:
            return None
        tokens = 0 if self.entry.surfaces == {Surface.EMBEDDINGS} else ANSWER_TOKENS
        nano = price.nano_usd(fresh=PROMPT_TOKENS, cache_read=0, cache_write=0, output=tokens)
        return nano / 1e9

    def has_ended(self, today: date) -> bool:
        """Whether its provider was to have withdrawn it."""
        return self.entry.deprecated is not None and self.entry.deprecated <= today

    def remarks(self, today: date) -> tuple[str, ...]:
        """Say what a price and a window do not."""
        found = list(_marks(self.entry.price)) if self.entry.price else ["NO PRICE: never chosen"]
        found += self.entry.remarks
        if self.entry.deprecated is not None:
            verb = "DEPRECATED: was to end" if self.has_ended(today) else "deprecated: ends"
            found.append(f"{verb} on {self.entry.deprecated}")
        if self.seller is None:
            found.append("through LiteLLM")
        return tuple(found)


def _marks(price: Price) -> Iterable[str]:
    if price.windows:
        yield "other prices by the hour"
    if price.above:
        yield f"dearer above {price.above[0][0]:,} tokens"
    if price.tiers:
        yield f"tiers: {', '.join(tier for tier, _ in price.tiers)}"


def find(wanted: str, wall_s: float) -> list[Listing]:
    """Return what matches a name, cheapest answer first; what has no price comes last."""
    key = _plain(wanted)
    if not key:
        return []
    # OpenAI's and Anthropic's models stand in the table by their bare names.
    sellers = [prefix for each in PROVIDERS.values() for prefix in each.prefixes]
    sellers = [prefix for prefix in sellers if key.startswith(_plain(prefix))]

    def may_match(name: str) -> bool:
        plain = _plain(name)
        named_so = "/" not in name and any(key in _plain(seller) + plain for seller in sellers)
        return key in plain or named_so

    names = {name for name in catalogue() if may_match(name)}
    found = [listing for name in names if (listing := _listing(name)) is not None]
    found = [each for each in found if key in _plain(each.model)]

    def order(listing: Listing) -> tuple[bool, float, str]:
        usd = listing.answer_usd(wall_s)
        return usd is None, usd or 0.0, listing.model

    return sorted((each for each in found if not _is_twin(each, names)), key=order)


def nearest_names(wanted: str) -> list[str]:
    """Return names of models, without their sellers, that look like one nobody sells."""
    names = {_plain(last): last for last in (name.rpartition("/")[2] for name in catalogue())}
    return [names[plain] for plain in get_close_matches(_plain(wanted), names, n=_SUGGESTIONS)]


def chosen(listings: list[Listing], which: str) -> list[Listing]:
    """Return what a number of the list, an id or a name stands for: one, none or several."""
    if which.isdecimal():
        return listings[int(which) - 1 : int(which)] if int(which) else []
    exact = [each for each in listings if which in (each.model, each.entry.model, each.id)]
    key = _plain(which)
    return exact or [each for each in listings if key and key in _plain(each.model)]


def document(listings: list[Listing], wall_s: float, today: date) -> list[dict[str, Any]]:
    """Tell the list to machines: USD per million tokens and USD per answer, in force now."""
    return [_told(number, each, wall_s, today) for number, each in enumerate(listings, 1)]


def _told(number: int, listing: Listing, wall_s: float, today: date) -> dict[str, Any]:
    entry, price, known = listing.entry, listing.price(wall_s), listing.provider
    usd = listing.answer_usd(wall_s)
    return {
        "number": number,
        "id": listing.id,
        "model": listing.model,
        "provider": listing.seller,
        "litellm_provider": entry.provider,
        "api_key_env": None if known is None else known.api_key_env,
        "context": entry.context,
        "max_output": entry.max_output,
        "speaks": sorted(entry.surfaces) or None,
        "price": price_json(entry.price, price),
        "answer_usd": None if usd is None else round(usd, 9),
        "deprecated": None if entry.deprecated is None else entry.deprecated.isoformat(),
        "ended": listing.has_ended(today),
        "remarks": list(entry.remarks),
    }


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _listing(name: str) -> Listing | None:
    entry = named(name)
    if entry is None:
        return None
    return Listing(entry, seller_of(entry.provider))


def _is_twin(listing: Listing, names: set[str]) -> bool:
    """Whether the table says the same thing under a longer name too."""
    known, name = listing.provider, listing.entry.model
    if listing.model != name:
        return listing.model in names
    prefix, _, bare = name.partition("/")
    return (
        known is not None and "/" not in bare and f"{prefix}/{known.home}{bare}" in names - {name}
    )
