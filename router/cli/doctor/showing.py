"""The doctor's findings: a table that fits a screen, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from router.cli import words
from router.cli.doctor.asking import Probe
from router.config import Fleet
from router.core.answer import Usage
from router.core.catalogue import Price
from router.core.checkup import Checkup, Finding, Suspect, check

if TYPE_CHECKING:
    from rich.table import Table

_MOST_SUSPECTS: Final = 3
_WELL: Final = frozenset({Finding.AGREES, Finding.UNREPORTED})
_STYLES: Final = {
    Finding.AGREES: "green",
    Finding.DIFFERS: "bold red",
    Finding.UNPRICED: "red",
    Finding.UNCOUNTED: "yellow",
    Finding.UNREPORTED: "dim",
}


def is_well(probes: Sequence[Probe]) -> bool:
    """Whether everybody answered, has a price, and charges what is booked where they tell."""
    return all(_is_well(probe) for probe in probes)


def _is_well(probe: Probe) -> bool:
    return not probe.fault and _checkup(probe).finding in _WELL


def document(fleet: Fleet, probes: Sequence[Probe]) -> dict[str, Any]:
    """Tell the findings to machines: costs in USD, prices in USD per million tokens."""
    return {
        "sandbox": fleet.sandboxed,
        "well": is_well(probes),
        "endpoints": [_entry(probe) for probe in probes],
        "warnings": list(fleet.warnings),
    }


def _entry(probe: Probe) -> dict[str, Any]:
    found, price, usage = _checkup(probe), probe.endpoint.price, probe.usage
    return {
        "id": probe.endpoint.id,
        "fault": probe.fault or None,
        "finding": None if probe.fault else found.finding.value,
        "price_source": None if price is None else price.source,
        "tokens": None if usage is None else _counts(usage),
        "tier": None if usage is None or usage.tier is None else usage.tier.value,
        "booked_usd": _usd(found.booked_nano_usd),
        "reported_usd": _usd(found.reported_nano_usd),
        "factor": None if found.factor is None else round(found.factor, 4),
        "suspects": [
            {"what": s.what, "said": s.said, "would_be": _rounded(s.would_be)}
            for s in found.suspects
        ],
    }


def _counts(usage: Usage) -> dict[str, int]:
    return {
        "fresh_input": usage.fresh_input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "text": usage.text,
        "reasoning": usage.reasoning,
    }


def draw(fleet: Fleet, probes: Sequence[Probe]) -> None:
    """Draw the findings, and say how to read them."""
    from rich.markup import escape

    from router.cli.screen import console

    screen = console()
    who = "the SANDBOX MARKET, invented answers" if fleet.sandboxed else "real providers"
    spent = sum(_spent(probe) for probe in probes) / 1e9
    screen.print(
        f"[bold]{len(probes)} endpoints[/] asked one tiny question each; {who}; "
        f"{words.usd(spent)} USD spent"
    )
    screen.print()
    screen.print(_table(probes))
    for probe in probes:
        if not _is_well(probe):
            said = probe.fault or verdict(_checkup(probe), probe.endpoint.price)
            screen.print(f"\n[bold]{escape(probe.endpoint.id)}[/] {escape(said)}")
    screen.print(
        "\nfresh, read, written, text, thought: tokens as the provider counted them.\n"
        "booked: USD by the price in the configuration or the table; charged: what the provider"
        " says."
    )
    for text in fleet.warnings:
        screen.print(f"[yellow]warning[/]  {escape(text)}")


def _table(probes: Sequence[Probe]) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("endpoint", no_wrap=True)
    drawn.add_column("finding", no_wrap=True)
    for head in ("fresh", "read", "written", "text", "thought", "booked", "charged"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for probe in probes:
        found = _checkup(probe)
        said = "failed" if probe.fault else found.finding.value
        style = "red" if probe.fault else _STYLES[found.finding]
        counts = _counts(probe.usage).values() if probe.usage is not None else [None] * 5
        drawn.add_row(
            f"[bold]{escape(probe.endpoint.id)}[/]",
            f"[{style}]{said}[/]",
            *(words.tokens(n) for n in counts),
            words.usd(_usd(found.booked_nano_usd)),
            words.usd(_usd(found.reported_nano_usd)),
        )
    return drawn


def verdict(found: Checkup, price: Price | None) -> str:
    """Say what was found in a line, and where a price that is wrong was read."""
    if found.finding is Finding.UNPRICED:
        return "has no known price and is never chosen: say price in the configuration"
    if found.finding is Finding.UNCOUNTED:
        return "tells no usage: what it costs is estimated from what is seen"
    if found.finding is not Finding.DIFFERS:
        return found.finding.value
    factor = "" if found.factor is None else f"{found.factor:.2f} x what is booked: "
    told = " or ".join(_suspect(s) for s in found.suspects[:_MOST_SUSPECTS])
    source = "" if price is None else f" (price: {price.source})"
    return f"charges {factor}{told or 'no one price explains it'}{source}"


def _suspect(suspect: Suspect) -> str:
    if suspect.would_be is None:
        if suspect.what == "price_windows":
            return "price_windows do not hold now"
        return f"it is {suspect.what} that was billed"
    would_be = words.per_million(suspect.would_be)
    if suspect.said is None:
        return f"{suspect.what} is not said, and is {would_be}"
    return f"{suspect.what} is {would_be}, not {words.per_million(suspect.said)}"


def _checkup(probe: Probe) -> Checkup:
    return check(probe.usage, probe.endpoint.price, wall=probe.wall)


def _spent(probe: Probe) -> int:
    found = _checkup(probe)
    if found.reported_nano_usd is not None:
        return found.reported_nano_usd
    return found.booked_nano_usd or 0


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / 1e9


def _rounded(price: float | None) -> float | None:
    return None if price is None else round(price, 4)
