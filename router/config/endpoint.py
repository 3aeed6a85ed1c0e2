"""One ``[[endpoints]]`` row as an operator writes it; ``fleet`` makes a core endpoint of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from router.config.price import PriceRow
from router.config.providers import BASE_URLS, NOT_OPENAI
from router.config.sections import HttpUrl, Strict, VariableName
from router.config.window import Window
from router.core.catalogue import Capability, Dialect


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
    """What to believe before anything was measured."""

    ttft_ms: float = Field(800.0, gt=0, le=3_600_000)
    ttft_ms_per_1k: float = Field(80.0, ge=0, le=100_000)
    tps: float = Field(50.0, gt=0, le=100_000)
    answer_tokens: float = Field(600.0, ge=1, le=10_000_000)
    hidden_share: float = Field(0.0, ge=0, lt=1)


class LimitsRow(Strict):
    """Limits of this endpoint in seconds; those of ``[routing]`` hold where nothing is said."""

    connect_s: float | None = Field(None, gt=0, le=60)
    first_token_s: float | None = Field(None, gt=0, le=3600)
    gap_s: float | None = Field(None, gt=0, le=3600)
    total_s: float | None = Field(None, gt=0, le=86_400)


Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:/@+-]+$")]


Capable = Annotated[Capability, Field(strict=False)]


class EndpointRow(Strict):
    """One thing to buy: a model at a provider, under a name of its own."""

    id: Name
    provider: Name
    model: Name
    serves: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    base_url: HttpUrl | None = None
    dialect: Annotated[Dialect | None, Field(strict=False)] = None
    upstream_model: Name | None = None
    family: Name | None = None
    context: int | None = Field(None, ge=256, le=100_000_000)
    max_output: int | None = Field(None, ge=1, le=100_000_000)
    api_key_env: VariableName | None = None
    auth_header: Literal["authorization", "api-key"] | None = None
    price: Annotated[PriceRow | None, BeforeValidator(_free_if_zero)] = None
    price_windows: Annotated[tuple[Window, ...] | None, Field(strict=False)] = None
    prior: PriorRow = PriorRow()
    limits: LimitsRow = LimitsRow()
    capabilities: Annotated[tuple[Capable, ...] | None, Field(strict=False)] = None
    lacks: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    quantization: Name = "unknown"
    region: str = ""
    data_collection: bool = False
    zdr: bool = False
    bills_after_cancel: bool = False

    @property
    def speaks(self) -> Dialect:
        """The dialect said, or the one its model's provider is known for."""
        if self.dialect is not None:
            return self.dialect
        return Dialect.LITELLM if self.model.partition("/")[0] in NOT_OPENAI else Dialect.OPENAI

    @property
    def address(self) -> str | None:
        """The base URL said, or the one everybody knows; empty where litellm knows it."""
        if self.base_url is not None:
            return self.base_url
        return "" if self.speaks is Dialect.LITELLM else BASE_URLS.get(self.provider)

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Yield key and advice for what may be said in some rows, but not in this one."""
        if self.zdr and self.data_collection:
            yield "zdr", "contradicts data_collection = true: who keeps nothing collects nothing"
        if self.address is None:
            known = ", ".join(BASE_URLS)
            yield "base_url", f"missing; '{self.provider}' has no known address as {known} have"
        elif self.address and self.base_url is None and self.api_key_env is None:
            yield "api_key_env", "missing; write the NAME of the variable that holds the key"
