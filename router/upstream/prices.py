"""LiteLLM's price table, read from its data file: importing the package would cost seconds.

The file is split into rows without reading them, and a row is decoded when it is asked for; both
happen only if some endpoint leaves something for the table to say, or the catalogue is looked into.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path

import msgspec

from router.core.catalogue import Capability, Price
from router.core.surface import Surface
from router.core.tariff import TableEntry
from router.upstream.off_peak import OffPeak, discount_windows
from router.upstream.rates import price_of
from router.upstream.translate.chat_to_messages import ADAPTIVE, EFFORT

_FILE = "model_prices_and_context_window_backup.json"
_MODES: Mapping[str, frozenset[Surface]] = {
    "chat": frozenset(),  # what speaks chat may speak more: its provider says
    "completion": frozenset({Surface.COMPLETIONS}),
    "embedding": frozenset({Surface.EMBEDDINGS}),
    "responses": frozenset({Surface.RESPONSES}),
}
_SURFACES: Mapping[str, Surface] = {f"/v1{each.path}": each for each in Surface}
_FLAGS: Mapping[str, tuple[Capability, ...]] = {
    "supports_function_calling": (Capability.TOOLS,),
    "supports_vision": (Capability.IMAGES,),
    "supports_audio_input": (Capability.AUDIO,),
    "supports_pdf_input": (Capability.DOCUMENTS,),
    "supports_response_schema": (Capability.JSON_SCHEMA,),
    "supports_reasoning": (Capability.REASONING_EFFORT,),
}
_NEVER_SAID = frozenset(
    {Capability.JSON_OBJECT, Capability.LOGPROBS, Capability.SEED, Capability.SEVERAL_CHOICES}
)
"""The table has no flag for these, so they are taken to be there."""


class _Row(msgspec.Struct, frozen=True):
    """What is read of one row beside its prices (``rates``) and flags."""

    litellm_provider: str = ""
    mode: str | None = None
    max_input_tokens: float | None = None
    max_tokens: float | None = None
    max_output_tokens: float | None = None
    deprecation_date: str | None = None
    off_peak_pricing: OffPeak | None = None
    supported_endpoints: list[str] = []


def catalogue() -> Iterator[str]:
    """Yield LiteLLM's name of every model in the installed table."""
    rows, _ = _table()
    yield from rows


def named(name: str) -> TableEntry | None:
    """Return the row of exactly this name, ``None`` where it is nothing that answers in text."""
    rows, source = _table()
    return _read(name, rows, source)


def lookup(model: str) -> TableEntry | None:
    """Return what the installed litellm's table says of ``model``, ``None`` if nothing.

    ``model`` is LiteLLM's name; its provider's prefix may be there where the table has none.
    """
    rows, source = _table()
    return entry_of(model, rows, source)


@cache
def _table() -> tuple[Mapping[str, msgspec.Raw], str]:
    """Split the installed table into rows; without the package there are none."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}, ""
    try:
        raw = (Path(spec.origin).parent / _FILE).read_bytes()
        rows = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (OSError, msgspec.DecodeError):
        return {}, ""
    return rows, f"litellm {metadata.version('litellm')} table"


def entry_of(model: str, rows: Mapping[str, msgspec.Raw], source: str) -> TableEntry | None:
    """Read one row of a table that was split into rows."""
    provider, slash, bare = model.partition("/")
    for name in (model, bare) if slash else (model,):
        entry = _read(name, rows, source)
        if entry is not None and (name == model or entry.provider.startswith(provider)):
            return entry
    return None


def _read(name: str, rows: Mapping[str, msgspec.Raw], source: str) -> TableEntry | None:
    if name not in rows:
        return None
    try:
        row = msgspec.json.decode(rows[name], type=_Row)
    except msgspec.DecodeError:
        return None
    if row.mode not in _MODES:
        return None
    return _entry(name, row, msgspec.json.decode(rows[name], type=dict[str, object]), source)


def _entry(name: str, row: _Row, said: dict[str, object], source: str) -> TableEntry:
    price, remarks = _price(row, said, source)
    return TableEntry(
        model=name,
        source=source,
        price=price,
        context=_tokens(row.max_input_tokens) or _tokens(row.max_tokens),
        max_output=_tokens(row.max_output_tokens),
        capabilities=_capabilities(said),
        deprecated=_day(row.deprecation_date),
        remarks=remarks,
        provider=row.litellm_provider,
        surfaces=_surfaces(row),
        lacks=_lacks(row, said),
    )


_WAYS_TO_THINK: Mapping[str, str] = {
    "supports_adaptive_thinking": ADAPTIVE,
    "supports_output_config": EFFORT,
}


def _lacks(row: _Row, said: Mapping[str, object]) -> frozenset[str]:
    """Return what this model cannot be told: of Anthropic's the ways to say an effort, of OpenAI's
    reasoning models the older name of the longest answer.
    """
    match row.litellm_provider:
        case "anthropic":
            return frozenset(w for flag, w in _WAYS_TO_THINK.items() if said.get(flag) is not True)
        case "openai" | "azure" if said.get("supports_reasoning") is True:
            return frozenset({"max_tokens"})
        case _:
            return frozenset()


def _surfaces(row: _Row) -> frozenset[Surface]:
    listed = (_SURFACES[path] for path in row.supported_endpoints if path in _SURFACES)
    return frozenset(listed) or _MODES[row.mode or ""]


def _price(row: _Row, said: dict[str, object], source: str) -> tuple[Price | None, tuple[str, ...]]:
    if row.mode == "embedding":
        said = {"output_cost_per_token": 0.0, **said}  # nothing is generated
    price = price_of(said, source)
    if price is None:
        return None, ()
    if price.input == 0 and price.output == 0:
        return None, ("the table says 0, which may mean free or unknown",)
    if row.off_peak_pricing is None:
        return price, ()
    windows = discount_windows(row.off_peak_pricing, price)
    if windows is None:
        return price, (_OFF_PEAK_UNUSED,)
    return replace(price, windows=windows), ()


_OFF_PEAK_UNUSED = "the table has off-peak prices that are not used; say price_windows"


def _tokens(number: float | None) -> int | None:
    return int(number) if number else None


def _capabilities(said: Mapping[str, object]) -> frozenset[Capability] | None:
    """Read the flags; a row without any of them says nothing."""
    if not any(flag in said for flag in _FLAGS):
        return None
    has = (each for flag, each in _FLAGS.items() if said.get(flag) is True)
    return _NEVER_SAID.union(*has)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
