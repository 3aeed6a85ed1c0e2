"""What a public price table knows of a model, before the operator's own words override it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from router.core.catalogue import Capability, Price
from router.core.surface import Surface


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One row of a price table; ``None`` wherever the table is silent.

    ``price`` is ``None`` as well where the table says 0 for input and output alike: a price of
    nothing is a claim only the operator can make. ``context`` and ``max_output`` are in tokens,
    ``deprecated`` is the day the provider withdraws the model, ``source`` names the table.
    ``remarks`` say what the table knows and ``price`` cannot express. ``provider`` is the seller in
    the table's words; ``surfaces`` are those it names, empty where it names none. ``lacks`` are
    fields of its dialect that the model does not take.
    """

    model: str
    source: str
    price: Price | None = None
    context: int | None = None
    max_output: int | None = None
    capabilities: frozenset[Capability] | None = None
    deprecated: date | None = None
    remarks: tuple[str, ...] = ()
    provider: str = ""
    surfaces: frozenset[Surface] = frozenset()
    lacks: frozenset[str] = frozenset()
