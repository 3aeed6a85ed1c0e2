"""One ``[[endpoints]]`` row as an operator writes it; ``fleet`` makes a core endpoint of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from router.config.mistake import closest
from router.config.price import PriceRow
from router.config.providers import PROVIDERS, Provider, dialect_of, provider_with
from router.config.sections import BaseUrl, Strict, VariableOrNone
from router.config.window import Window
from router.core.catalogue import Capability, Dialect
from router.core.surface import Surface


def _free_if_zero(price: object) -> object:
    """``price = 0`` is a word of its own: free. Any other bare number has no meaning."""
    if isinstance(price, int | float) and not isinstance(price, bool):
        if price == 0:
            return {"input": 0.0, "output": 0.0}
        raise ValueError(
            "a bare number can only be 0 (free of charge); else say USD per million tokens: "
            "{ input = 0.55, output = 2.19 }"
        )
    return price


class PriorRow(Strict):
    """What to believe before anything was measured; bounded by what a server could ever do."""

    ttft_ms: float = Field(800.0, ge=1, le=3_600_000)
    ttft_ms_per_1k: float = Field(80.0, ge=0, le=100_000)
    tps: float = Field(50.0, ge=0.1, le=100_000)
    answer_tokens: float = Field(600.0, ge=1, le=10_000_000)
    hidden_share: float = Field(0.0, ge=0, lt=1)


class LimitsRow(Strict):
    """Limits of this endpoint in seconds; those of ``[routing]`` hold where nothing is said."""

    connect_s: float | None = Field(None, ge=0.001, le=60)
    first_token_s: float | None = Field(None, ge=0.001, le=3600)
    gap_s: float | None = Field(None, ge=0.001, le=3600)
    total_s: float | None = Field(None, ge=0.001, le=86_400)


Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:/@+-]+$")]


Capable = Annotated[Capability, Field(strict=False)]
Spoken = Annotated[Surface, Field(strict=False)]
Lacking = Annotated[tuple[Name, ...], Field(strict=False)]


class EndpointRow(Strict):
    """One thing to buy: a model at a provider, under a name of its own."""

    id: Name
    provider: Name
    model: Name
    serves: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    base_url: BaseUrl | None = None
    dialect: Annotated[Dialect | None, Field(strict=False)] = None
    speaks: Annotated[tuple[Spoken, ...] | None, Field(strict=False, min_length=1)] = None
    upstream_model: Name | None = None
    family: Name | None = None
    context: int | None = Field(None, ge=256, le=100_000_000)
    max_output: int | None = Field(None, ge=1, le=100_000_000)
    api_key_env: VariableOrNone | None = None
    auth_header: Literal["authorization", "api-key", "x-api-key"] | None = None
    price: Annotated[PriceRow | None, BeforeValidator(_free_if_zero)] = None
    price_windows: Annotated[tuple[Window, ...] | None, Field(strict=False)] = None
    prior: PriorRow = PriorRow()
    limits: LimitsRow = LimitsRow()
    capabilities: Annotated[tuple[Capable, ...] | None, Field(strict=False)] = None
    lacks: Lacking | None = None
    quantization: Name = "unknown"
    region: str = ""
    data_collection: bool = False
    zdr: bool = False
    bills_after_cancel: bool | None = None

    @property
    def known(self) -> Provider | None:
        """What everybody knows of its provider."""
        return PROVIDERS.get(self.provider)

    @property
    def wire(self) -> Dialect:
        """The dialect said, or its provider's, or the one its model's prefix speaks of."""
        if self.dialect is not None:
            return self.dialect
        return dialect_of(self.model) if self.known is None else self.known.dialect

    @property
    def address(self) -> str | None:
        """The base URL said, or the one everybody knows; empty where litellm knows it."""
        if self.base_url is not None:
            return self.base_url
        if self.wire is Dialect.LITELLM:
            return ""
        if self.known is None or self.known.dialect is not self.wire:
            return None
        return self.known.address

    @property
    def key_variable(self) -> str | None:
        """The variable said to hold the key, or the usual one, at the provider's own address."""
        if self.api_key_env is not None:
            return self.api_key_env or None
        if self.known is None or not (self.base_url is None or self.known.owns(self.base_url)):
            return None
        return self.known.api_key_env

    @property
    def key_header(self) -> str:
        """The header said to carry the key, or the one its provider takes in this dialect."""
        if self.auth_header is not None:
            return self.auth_header
        if self.known is not None and self.known.dialect is self.wire:
            return self.known.auth_header
        return "x-api-key" if self.wire is Dialect.ANTHROPIC else "authorization"

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Yield key and advice for what may be left out in some rows, but not in this one."""
        if self.zdr and self.data_collection:
            yield "zdr", "contradicts data_collection = true: who keeps nothing collects nothing"
        if self.address is not None:
            keyed = self.known is not None and self.known.api_key_env and self.base_url is None
            if keyed and self.api_key_env == "" and self.wire is not Dialect.LITELLM:
                yield "api_key_env", f"'{self.provider}' serves nobody without a key"
            return
        if self.known is not None:
            told = f"missing; '{self.provider}' is reached at {self.known.base_url}"
            if self.known.address is not None:
                told += f", but not in the dialect of {self.wire}: say where"
            yield "base_url", told
            return
        meant = provider_with(self.provider) or closest(
            self.provider,
            PROVIDERS,
            likeness=0.8,  # a company of the operator's own may have any name
        )
        known = ", ".join(name for name, each in PROVIDERS.items() if each.address)
        hint = f"did you mean provider = '{meant}'? " if meant else ""
        yield (
            "base_url",
            f"missing; {hint}'{self.provider}' has no known address as {known} have",
        )
