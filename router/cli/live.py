"""Draws what a running proxy believes of its endpoints now, in the order of its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from router.cli import fail, words
from router.cli.running import run

if TYPE_CHECKING:
    from rich.table import Table

Json = Mapping[str, Any]


def show(url: str, headers: Mapping[str, str], model: str | None, *, as_json: bool) -> None:
    """Ask the proxy at ``url`` and print what it says, of ``model`` alone if that is named."""
    from router.cli.proxy import ProxyError, survey_of

    try:
        survey = run(survey_of(url.rstrip("/"), headers))
    except ProxyError as error:
        fail(str(error))
    if model is not None:
        survey = only(survey, model)
    if as_json:
        click.echo(json.dumps(survey, indent=2))
    else:
        draw(survey)


def only(survey: Json, model: str) -> Json:
    """Keep of a survey what concerns one model."""
    endpoints = [e for e in survey["endpoints"] if model in e["serves"]]
    if not endpoints:
        names = sorted({name for e in survey["endpoints"] for name in e["serves"]})
        fail(f"no endpoint serves '{model}'; served: {', '.join(names)}")
    classes = [c for c in survey["classes"] if c["model"] == model]
    return {**survey, "endpoints": endpoints, "classes": classes}


def draw(survey: Json) -> None:
    """Draw endpoints, who of them is not used and why, and the classes of requests."""
    from rich.markup import escape

    from router.cli.screen import console

    screen = console()
    screen.print(f"[bold]{len(survey['endpoints'])} endpoints[/] as believed at {survey['at']}")
    screen.print()
    screen.print(_table(survey["endpoints"]))
    for e in survey["endpoints"]:
        standing = e["standing"]
        if standing is not None:
            screen.print(f"[red]{escape(e['id'])} is not used: {escape(standing['detail'])}[/]")
    screen.print(
        "\nin, out: USD per million tokens, in force now. TTFT: usual and p95, at 1,000 tokens of"
        " prompt.\ntok/s: usual, and what 95 % exceed. tokens: a mean answer of the class asked"
        " last. fail: attempts that\nfail. cache: share of a remembered prompt that is read from"
        " it. seen: waits that count; +-: how far off\ntheir middle may be."
    )
    if survey["classes"]:
        screen.print()
        screen.print(_classes(survey["classes"]))
        screen.print(
            "\nmiss: what a broken bound weighs, in typical answers. turns: of a conversation."
        )


def _table(endpoints: list[Json]) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("endpoint", no_wrap=True)
    heads = ("in", "out", "TTFT", "p95", "tok/s", "p5", "tokens", "fail", "cache", "seen", "+-")
    for head in heads:
        drawn.add_column(head, justify="right", no_wrap=True)
    for e in endpoints:
        believed, price = e["believed"], e["price"]
        drawn.add_row(
            f"[{'dim' if e['standing'] else 'bold'}]{escape(e['id'])}[/]",
            *(words.per_million(price and price[side]) for side in ("input_usd", "output_usd")),
            words.seconds(believed["ttft_ms_p50"]),
            words.seconds(believed["ttft_ms_p95"]),
            f"{believed['tps_p50']:.0f}",
            f"{believed['tps_p5']:.0f}",
            words.tokens(e["answers"][-1]["tokens_mean"]),
            words.share(believed["failure_share"]),
            words.share(believed["cache_hit_share"]),
            words.tokens(believed["ttft_samples"]),
            f"{100 * believed['ttft_log_sd']:.0f} %",
        )
    return drawn


def _classes(classes: list[Json]) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("class of requests")
    for head in ("at", "miss", "USD", "turns"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for c in classes:
        bounds = [words.limit(name, value) for name, value in c["bounds"].items()]
        drawn.add_row(
            escape(f"{c['policy']}, {c['model']}: {' and '.join(bounds) or 'no bounds'}"),
            words.percentile(c["percentile"]),
            f"{c['miss_price_answers']:.1f}",
            words.usd(c["typical_cost_usd"]) if c["typical_cost_usd"] else "-",
            f"{c['turns']:.1f}",
        )
    return drawn
