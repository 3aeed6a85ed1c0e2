"""``meritorder endpoints``: the price list, cheapest answer first. Needs no running proxy.

With ``--live`` a running proxy is asked what it believes now; with ``--catalogue`` the list is of
everybody who sells a model.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from router.cli import fail, options, told, words
from router.cli.fleet import fleet_of, rows_of
from router.cli.price import price_json
from router.config import ConfigError, Fleet, Settings, load
from router.core.catalogue import Endpoint, Price

if TYPE_CHECKING:
    from rich.table import Table

_OURS: Final = Price(0, 0).source
PROMPT_TOKENS: Final = 1000
"""The prompt of the answer that endpoints are compared by."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One endpoint with its prices in force now; ``missing`` says what keeps it out."""

    endpoint: Endpoint
    price: Price | None
    missing: str = ""

    @property
    def answer_usd(self) -> float | None:
        """Cost of an answer of usual length to a prompt of ``PROMPT_TOKENS``."""
        if self.price is None:
            return None
        tokens = self.endpoint.prior.answer_tokens
        nano = self.price.nano_usd(fresh=PROMPT_TOKENS, cache_read=0, cache_write=0, output=tokens)
        return nano / 1e9


@click.command(name="endpoints")
@options.config
@click.option("--model", metavar="NAME", help="Only those that serve this model.")
@click.option(
    "--catalogue", "wanted", metavar="MODEL", help="Who sells this model, by LiteLLM's table."
)
@click.option(
    "--add",
    "which",
    metavar="WHICH",
    help="Add this one of --catalogue (number or name) to the file.",
)
@click.option("--live", is_flag=True, help="What a running proxy believes of them now.")
@options.url
@options.key_env
@options.as_json
def command(
    config: Path | None,
    model: str | None,
    wanted: str | None,
    which: str | None,
    *,
    live: bool,
    url: str,
    key_env: str | None,
    as_json: bool,
) -> None:
    """Show what can be bought, cheapest answer first. No proxy needs to run.

    With --live: what the proxy at --url believes now, in the order of its configuration.

    With --catalogue: everybody who sells a model like this, with prices, windows and the day it
    ends; --add writes one of them into the configuration.
    """
    if wanted is not None:
        if live or model is not None:
            raise click.UsageError("--catalogue asks the table: neither --live nor --model")
        if config is not None and which is None:
            raise click.UsageError("--catalogue reads no --config, but with --add")
        from router.cli.shopping import show as show_catalogue

        show_catalogue(wanted, which, config, as_json=as_json)
        return
    if which is not None:
        raise click.UsageError("--add takes one of --catalogue MODEL")
    if live:
        if config is not None:
            raise click.UsageError("--live asks the proxy at --url, which has its own --config")
        from router.cli.live import show

        show(url, options.key_headers(key_env), model, as_json=as_json)
        return
    try:
        settings = load(config)
        fleet, rows = fleet_of(settings, os.environ), rows_of(settings)
    except ConfigError as error:
        fail(told(error))
    offers = offers_of(settings, fleet, rows, time.time())
    if model is not None:
        names = sorted({name for offer in offers for name in offer.endpoint.serves})
        offers = [offer for offer in offers if model in offer.endpoint.serves]
        if not offers:
            fail(f"no endpoint serves '{model}'; served: {', '.join(names)}")
    if as_json:
        click.echo(json.dumps(document(offers, fleet), indent=2))
    else:
        draw(offers, fleet, settings)


def offers_of(settings: Settings, fleet: Fleet, rows: Fleet, wall_s: float) -> list[Offer]:
    """Line everything up by cost per answer; what has no price comes last."""
    used = {endpoint.id for endpoint in fleet.endpoints}
    key_of = {row.id: row.key_variable for row in settings.endpoints}
    offers = []
    for endpoint in rows.endpoints:
        key = key_of[endpoint.id]
        missing = []
        if endpoint.price is None:
            missing.append("NO KNOWN PRICE: never chosen")
        if endpoint.id not in used:
            missing.append(_why_unused(fleet, key))
        price = None if endpoint.price is None else endpoint.price.at(wall_s)
        offers.append(Offer(endpoint, price, "; ".join(missing)))
    return sorted(offers, key=lambda o: (o.answer_usd is None, o.answer_usd or 0.0))


def _why_unused(fleet: Fleet, key: str | None) -> str:
    if fleet.sandboxed:
        return "not in the sandbox market"
    if key and not os.environ.get(key):
        return f"{key} is not set"
    return "base_url is to be filled in"


def document(offers: list[Offer], fleet: Fleet) -> dict[str, Any]:
    """Tell the list to machines: USD per million tokens, USD per answer, milliseconds."""
    return {
        "sandbox": fleet.sandboxed,
        "answer_prompt_tokens": PROMPT_TOKENS,
        "endpoints": [_offer(offer) for offer in offers],
        "warnings": list(fleet.warnings),
    }


def _offer(offer: Offer) -> dict[str, Any]:
    endpoint, price, prior = offer.endpoint, offer.price, offer.endpoint.prior
    return {
        "id": endpoint.id,
        "provider": endpoint.provider,
        "model": endpoint.model,
        "serves": list(endpoint.serves),
        "context": endpoint.context,
        "price": price_json(endpoint.price, price),
        "answer_usd": None if offer.answer_usd is None else round(offer.answer_usd, 9),
        "prior": {
            "ttft_ms": prior.ttft_ms,
            "tps": prior.tps,
            "answer_tokens": prior.answer_tokens,
        },
        "missing": offer.missing or None,
    }


def draw(offers: list[Offer], fleet: Fleet, settings: Settings) -> None:
    """Draw the list, and say how to read it."""
    from router.cli.screen import console

    screen = console()
    who = (
        "the SANDBOX MARKET would serve: virtual providers, no keys, no money"
        if fleet.sandboxed
        else "real providers, with your keys"
    )
    screen.print(f"[bold]{len(offers)} endpoints[/] of {settings.path}; {who}")
    screen.print()
    screen.print(_table(offers))
    screen.print(
        "\nin, out, cached: USD per million tokens, in force now; from the configuration where no"
        " other source is named.\n"
        f"answer: USD for {PROMPT_TOKENS:,} tokens of prompt and the usual answer.\n"
        "wait, speed, answer tokens: believed until measured (`prior` in the configuration)."
    )


def _table(offers: list[Offer]) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("endpoint", no_wrap=True)
    drawn.add_column("serves", overflow="fold")
    for head in ("window", "in", "out", "cached", "answer", "wait", "tok/s", "tokens"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for offer in offers:
        e, price = offer.endpoint, offer.price
        name = f"[bold]{escape(e.id)}[/]" if not offer.missing else f"[dim]{escape(e.id)}[/]"
        if not e.id.endswith(f"@{e.provider}"):
            name += f"\n  at {escape(e.provider)}"
        if e.price is not None and e.price.source != _OURS:
            name += f"\n  [dim]price: {escape(e.price.source)}[/]"
        if offer.missing:
            name += f"\n  [red]{escape(offer.missing)}[/]"
        drawn.add_row(
            name,
            escape("\n".join(e.serves)),
            words.tokens(e.context),
            *(words.per_million(p) for p in _three(price)),
            words.usd(offer.answer_usd),
            words.seconds(e.prior.ttft_ms),
            f"{e.prior.tps:.0f}",
            words.tokens(e.prior.answer_tokens),
        )
    return drawn


def _three(price: Price | None) -> tuple[float | None, float | None, float | None]:
    if price is None:
        return None, None, None
    return price.input, price.output, price.cached_input
