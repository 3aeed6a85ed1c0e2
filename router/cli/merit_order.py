"""Draws a decision: the endpoints from the cheapest up, who is chosen, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from router.cli import words

if TYPE_CHECKING:
    from rich.table import Table

Json = Mapping[str, Any]


def asked(decision: Json) -> str:
    """Say what was asked for: deepseek-r1, first token within 1.0 s at p95."""
    bounds = [words.limit(name, value) for name, value in decision["bounds"].items()]
    if not bounds:
        return f"{decision['model']}, no bounds"
    at = words.percentile(decision["percentile"])
    return f"{decision['model']}, {' and '.join(bounds)}, at {at}, {decision['mode']}"


def draw(decision: Json) -> None:
    """Draw on the terminal."""
    from rich.markup import escape

    from router.cli.screen import console

    screen = console()
    prompt = words.tokens(decision["input_tokens"])
    screen.print(f"{escape(asked(decision))}; prompt of about {prompt} tokens")
    chosen = decision["chosen"]
    if chosen is None:
        screen.print("[bold red]nobody would serve it[/]: no endpoint can meet it as it stands")
    else:
        fit = {
            "ok": "expected to keep every bound",
            "best-effort": "no endpoint is expected to keep every bound; this is the closest",
            "unbounded": "the cheapest, since no bound was declared",
        }[decision["status"]]
        screen.print(f"goes to [bold green]{escape(chosen['endpoint'])}[/]: {fit}")
    screen.print()
    screen.print(_table(decision))
    at = words.percentile(decision["percentile"])
    screen.print(
        f"\nfrom the cheapest answer up. TTFT, e2e: at most, tok/s: at least, at {at};"
        " USD: mean of one answer;\nP: chance that every bound holds."
    )
    for told in priced(decision):
        screen.print(escape(told))
    if _unmeasured(decision):
        screen.print("Nothing was measured yet: these are the configuration's priors, held wide.")


def priced(decision: Json) -> list[str]:
    """Say what each bound costs: ttft_ms 1000: a step to 1250 would save 0.00120 USD by r1@x."""
    told = []
    for shadow in decision["shadows"]:
        limit, relaxed = words.figure(shadow["limit"]), words.figure(shadow["relaxed"])
        step = f"{shadow['bound']} {limit}: a step to {relaxed} would save"
        saves = shadow["saves_usd"]
        told.append(
            f"{step} {words.usd(saves)} USD by {shadow['endpoint']}" if saves else f"{step} nothing"
        )
    return told


def _table(decision: Json) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("endpoint", no_wrap=True)
    for head in ("USD", "TTFT", "e2e", "tok/s", "P"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column(" why")
    for entry in decision["endpoints"]:
        chosen = entry["reason"] == "chosen"
        drawn.add_row(
            escape(entry["endpoint"]),
            *_figures(entry["forecast"], bounded=decision["status"] != "unbounded"),
            f" {escape(_why(entry, decision))}",
            style="bold green" if chosen else None,
        )
    return drawn


def _why(entry: Json, decision: Json) -> str:
    chosen = decision["chosen"]
    if entry["reason"] == "dearer" and _cost(entry) == _cost(chosen):
        return "costs the same; the configuration's order decides"
    return words.reason(entry)


def _cost(entry: Json | None) -> float | None:
    return entry["forecast"]["cost_usd"] if entry and entry["forecast"] else None


def _unmeasured(decision: Json) -> bool:
    """Whether every forecast that ruled somebody out was made without a single observation."""
    samples = [
        each["samples"]
        for entry in decision["endpoints"]
        for each in entry["failed"]
        if "samples" in each
    ]
    return bool(samples) and not any(samples)


def _figures(forecast: Json | None, *, bounded: bool) -> list[str]:
    if forecast is None:
        return ["-"] * 5
    tps = forecast["tps"]
    return [
        words.usd(forecast["cost_usd"]),
        words.seconds(forecast["ttft_ms"]),
        words.seconds(forecast["e2e_ms"]),
        "-" if tps is None else f"{tps:.0f}",
        words.share(forecast["p_keep"]) if bounded else "-",
    ]
