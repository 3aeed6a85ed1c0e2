"""``meritorder endpoints --catalogue``: who sells a model, and a row that buys it there."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from router.cli import catalogue, fail, told, words
from router.cli.catalogue import ANSWER_TOKENS, Listing
from router.cli.endpoints import PROMPT_TOKENS
from router.config import SHIPPED, ConfigError, find_config
from router.config.adding import AlreadyThereError, NewRow, add
from router.core.catalogue import Dialect, Price
from router.core.surface import Surface

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN_AMBIGUOUS: Final = 8
_ID: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-")
_LONGEST_ID: Final = 120


def show(wanted: str, which: str | None, config: Path | None, *, as_json: bool) -> None:
    """List who sells ``wanted``, or add the one that ``which`` names to the configuration."""
    wall_s = time.time()
    today = datetime.fromtimestamp(wall_s, UTC).date()
    listings = catalogue.find(wanted, wall_s)
    if not listings:
        near = catalogue.nearest_names(wanted)
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        fail(f"LiteLLM's table has nothing like '{wanted}'{meant}")
    if which is not None:
        _buy(_one(listings, which, wanted), config, wall_s, today, as_json=as_json)
    elif as_json:
        click.echo(json.dumps(catalogue.document(listings, wall_s, today), indent=2))
    else:
        _draw(wanted, listings, wall_s, today)


def _one(listings: list[Listing], which: str, wanted: str) -> Listing:
    found = catalogue.chosen(listings, which)
    if not found:
        fail(f"'{which}' is none of the {len(listings)} that match '{wanted}'; say its number")
    if len(found) > 1:
        names = ", ".join(each.model for each in found[:_SHOWN_AMBIGUOUS])
        more = " ..." if len(found) > _SHOWN_AMBIGUOUS else ""
        fail(f"'{which}' could be any of {len(found)}: {names}{more}; say its number")
    return found[0]


def _buy(
    listing: Listing, config: Path | None, wall_s: float, today: date, *, as_json: bool
) -> None:
    row = row_of(listing, wall_s, today)
    try:
        file = find_config(config, os.environ)
        if file.parent == SHIPPED:
            fail("there is no config.toml of yours yet; `meritorder init` writes one to add to")
        name, text = add(file, row, os.environ)
    except ConfigError as error:
        fail(f"nothing was added: {told(error)}")
    except AlreadyThereError as error:
        fail(f"'{row.model}' at '{row.provider}' is there already, as '{error}'")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
    if as_json:
        click.echo(json.dumps({"added": name, "file": str(file), "row": text}, indent=2))
        return
    click.echo(f"added to {file}:\n\n{text}")
    variable = None if listing.provider is None else listing.provider.api_key_env
    if variable and not os.environ.get(variable):
        click.echo(f"{variable} is not set yet; until it is, the endpoint is left out.")


def row_of(listing: Listing, wall_s: float, today: date) -> NewRow:
    """Return the row that buys a listing; what the table and the provider tell, it leaves out."""
    entry, known = listing.entry, listing.provider
    if not _ID.issuperset(listing.model) or len(listing.id) > _LONGEST_ID:
        fail(f"'{listing.model}' is no name that a configuration can hold")
    by_litellm = known is None or known.dialect is Dialect.LITELLM
    if by_litellm and entry.surfaces == {Surface.EMBEDDINGS}:
        fail(f"'{listing.model}' could only be reached through LiteLLM, which is asked for chat")
    more: list[tuple[str, str]] = []
    remarks = [f"Added on {today}; {entry.source}, now: {_figures(listing, wall_s)}"]
    remarks += listing.remarks(today)
    if known is None:
        more.append(("dialect", '"litellm"'))
        remarks.append("LiteLLM reaches this provider and looks for its key by itself.")
    else:
        if known.asks_address:
            more.append(("base_url", f'"{known.base_url}"'))
            remarks.append("Fill in base_url: until then the endpoint is left out.")
        if known.api_key_env is None:
            more.append(("price", "0"))
        else:
            more.append(("api_key_env", f'"{known.api_key_env}"'))
    row = NewRow(
        listing.id, _provider(listing), listing.model, listing.serves, tuple(more), tuple(remarks)
    )
    if entry.context is None:
        fail(
            f"the table has no window for '{listing.model}'; add this yourself, and a"
            f" `context = ...` in tokens:\n\n{row.text(row.id)}"
        )
    return row


def _provider(listing: Listing) -> str:
    return listing.seller or listing.entry.provider


def _figures(listing: Listing, wall_s: float) -> str:
    window = f"window {words.tokens(listing.entry.context)}"
    price = listing.price(wall_s)
    if price is None:
        return window
    told_ = f"{words.per_million(price.input)} in, {words.per_million(price.output)} out"
    if price.cached_input is not None:
        told_ += f", {words.per_million(price.cached_input)} cached"
    return f"{told_} (USD per million tokens), {window}"


def _draw(wanted: str, listings: list[Listing], wall_s: float, today: date) -> None:
    from rich.markup import escape

    from router.cli.screen import console

    screen = console()
    source = listings[0].entry.source
    screen.print(f"[bold]{len(listings)} offers[/] of '{escape(wanted)}' in the {escape(source)}")
    screen.print()
    screen.print(_table(listings, wall_s, today))
    screen.print(
        "\nin, out, cached: USD per million tokens, in force now.\n"
        f"answer: USD for {PROMPT_TOKENS:,} tokens of prompt and {ANSWER_TOKENS:.0f} of answer.\n"
        "Add one to your configuration: the same command with --add NUMBER."
    )


def _table(listings: list[Listing], wall_s: float, today: date) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("#", justify="right", no_wrap=True)
    drawn.add_column("model", overflow="fold")
    for head in ("window", "in", "out", "cached", "answer"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for number, each in enumerate(listings, 1):
        usable = each.entry.price is not None and not each.has_ended(today)
        name = f"[bold]{escape(each.model)}[/]" if usable else f"[dim]{escape(each.model)}[/]"
        name += f"\n  at {escape(_provider(each))}"
        for remark in each.remarks(today):
            color = "red" if remark[:4].isupper() else "dim"
            name += f"\n  [{color}]{escape(remark)}[/]"
        drawn.add_row(
            str(number),
            name,
            words.tokens(each.entry.context),
            *(words.per_million(usd) for usd in _three(each.price(wall_s))),
            words.usd(each.answer_usd(wall_s)),
        )
    return drawn


def _three(price: Price | None) -> tuple[float | None, float | None, float | None]:
    if price is None:
        return None, None, None
    return price.input, price.output, price.cached_input
