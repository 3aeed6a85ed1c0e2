"""The rows of the market: who sells what, at which price, how fast.

A market file is read strictly: an unknown key, a wrong type, a value out of range or an id used
twice is an error, and all mistakes are reported at once with row and key. A typo that quietly
became a default would move the experiment that stands on it.
"""

import tomllib
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NewType

import msgspec

EndpointId = NewType("EndpointId", str)
Fleet = dict[EndpointId, "Row"]

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Count = Annotated[int, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^/\s,=]+$")]

SHIPPED = Path(__file__).with_name("market.toml")


class MarketError(Exception):
    """A market file that cannot be believed; the message lists every mistake."""


class Dialect(StrEnum):
    """The API a row speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class Accent(StrEnum):
    """What a provider adds to, or changes in, the OpenAI dialect."""

    PLAIN = "plain"
    DEEPSEEK = "deepseek"
    AZURE = "azure"
    OPENROUTER = "openrouter"


class Reasoning(StrEnum):
    """Whether the model thinks first, and whether the client sees it."""

    NONE = "none"
    VISIBLE = "visible"
    HIDDEN = "hidden"


class UsageStyle(StrEnum):
    """Where a stream reports its usage: `own_chunk` only when asked, `last_choice` always."""

    OWN_CHUNK = "own_chunk"
    LAST_CHOICE = "last_choice"
    NONE = "none"


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens; without a cache price a cached token costs what a fresh one does."""

    input: NotNegative
    output: NotNegative
    cached_input: NotNegative | None = None
    cache_write: NotNegative | None = None
    cache_write_1h: NotNegative | None = None


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One endpoint of the market. Seconds are virtual, token counts are billed tokens.

    `cache_s` is how long it remembers a prompt unasked; 0 where it has no prompt cache.
    `dimensions` are those of its vectors; 0 for a model that answers with text.
    """

    id: Name
    provider: Name
    dialect: Dialect = Dialect.OPENAI
    accent: Accent = Accent.PLAIN
    model: str
    price: Price
    context: Count
    ttft_s: Positive
    ttft_s_per_1k: NotNegative
    ttft_sigma: NotNegative
    tokens_per_s: Positive
    speed_sigma: NotNegative = 0.1
    answer_tokens: Count
    answer_sigma: NotNegative = 0.4
    reasoning: Reasoning
    reasoning_share: Share = 0.0
    usage_style: UsageStyle = UsageStyle.OWN_CHUNK
    done: bool = True
    holds_headers: bool = False
    keepalive_s: NotNegative = 0.0
    cache_s: NotNegative = 0.0
    dimensions: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def endpoint(self) -> EndpointId:
        """The identity, as the URL and the ledger name it."""
        return EndpointId(self.id)


def _mistakes(rows: list[object], parsed: list[Row]) -> list[str]:
    """Every reason not to accept these rows; `parsed` receives the good ones."""
    mistakes = []
    for number, raw in enumerate(rows, start=1):
        name = raw.get("id", "") if isinstance(raw, dict) else ""
        try:
            row = msgspec.convert(raw, Row)
        except msgspec.ValidationError as error:
            mistakes.append(f"row {number} ({name}): {error}")
            continue
        if (row.reasoning is Reasoning.NONE) != (row.reasoning_share == 0):
            mistakes.append(f"row {number} ({name}): reasoning and reasoning_share disagree")
        parsed.append(row)
    seen = Counter(row.id for row in parsed)
    return mistakes + [f"id {name} is used {n} times" for name, n in seen.items() if n > 1]


def parse_fleet(text: str, *, source: str = "market") -> Fleet:
    """The rows by id, in the order of the file. Raises MarketError naming every mistake."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MarketError(f"{source}: {error}") from None
    rows = raw.get("row", [])
    mistakes = [f"unknown key {key!r}" for key in raw if key != "row"]
    if not isinstance(rows, list) or not rows:
        raise MarketError(f"{source}: no [[row]] in the file")
    parsed: list[Row] = []
    mistakes += _mistakes(rows, parsed)
    if mistakes:
        raise MarketError("\n".join(f"{source}: {mistake}" for mistake in mistakes))
    return {row.endpoint: row for row in parsed}


def load_fleet(path: Path | None = None) -> Fleet:
    """The market in `path`, or the shipped one."""
    chosen = path or SHIPPED
    try:
        text = chosen.read_text(encoding="utf-8")
    except OSError as error:
        raise MarketError(f"{chosen}: {error.strerror}") from None
    return parse_fleet(text, source=str(chosen))
