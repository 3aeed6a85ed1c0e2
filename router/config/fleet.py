"""From what was configured to what can be bought: endpoints, with prices, keys and reasons.

Three things may be missing from a row, and each has one answer. A price nobody knows leaves the
endpoint ineligible, with a warning: unknown is never free. A key that is not in the environment
leaves it out, with a warning. A window nobody knows is a mistake, since a prompt could not be
placed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from router.config.endpoint import EndpointRow
from router.config.mistake import ConfigError, Mistake
from router.config.providers import PLACEHOLDER
from router.config.sections import Routing
from router.config.settings import Settings
from router.core.catalogue import (
    CHAT_ONLY,
    Capability,
    Dialect,
    Endpoint,
    EndpointId,
    Limits,
    ModelName,
    Price,
    Prior,
)
from router.core.policy import Policy
from router.core.surface import Surface
from router.core.tariff import TableEntry

Table = Callable[[str], TableEntry | None]
UNLESS_SAID = frozenset(Capability) - {Capability.AUDIO, Capability.DOCUMENTS}
"""What an endpoint is taken to have when neither row nor table says."""
_NOTICE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the proxy serves from. ``warnings`` are for the operator, one line each."""

    endpoints: tuple[Endpoint, ...]
    policies: Mapping[str, Policy]
    sandboxed: bool = False
    warnings: tuple[str, ...] = ()


def needs_sandbox(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether the virtual market serves: always, or since no endpoint could be paid."""
    if settings.sandbox.enabled == "auto":
        return not any(_payable(row, environ) for row in settings.endpoints)
    return settings.sandbox.enabled == "always"


def _payable(row: EndpointRow, environ: Mapping[str, str]) -> bool:
    return row.key_variable is None or bool(environ.get(row.key_variable))


def resolve(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    table: Table,
    base_url_of: Callable[[str], str | None] | None = None,
    today: date | None = None,
) -> Fleet:
    """Make the fleet, or raise ``ConfigError`` with everything that stands in its way.

    ``table`` looks a model up in a price table. ``base_url_of`` names the sandbox's address of an
    endpoint (``None``: not in its market) and makes the fleet a virtual one, without keys.
    ``today`` tells which models are past their end.
    """
    work = _Resolving(settings, environ, table, base_url_of, today)
    found = [work.endpoint(index, row) for index, row in enumerate(settings.endpoints)]
    endpoints = tuple(e for e in found if e is not None)
    if not endpoints and not work.mistakes:
        work.mistakes.append(Mistake(str(settings.path), "", work.nothing_left()))
    if work.mistakes:
        raise ConfigError(work.mistakes)
    return Fleet(endpoints, settings.policies, base_url_of is not None, tuple(work.warnings))


@dataclass(frozen=True, slots=True)
class _Resolving:
    settings: Settings
    environ: Mapping[str, str]
    table: Table
    base_url_of: Callable[[str], str | None] | None
    today: date | None
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def nothing_left(self) -> str:
        names = sorted({r.key_variable for r in self.settings.endpoints if r.key_variable})
        text = f"no endpoint can be used; set one of {', '.join(names) or 'their keys'}"
        if self.settings.sandbox.enabled == "never":
            text += ', or let the sandbox serve: [sandbox] enabled = "auto"'
        return text

    def endpoint(self, index: int, row: EndpointRow) -> Endpoint | None:
        """Make one endpoint; ``None`` if it is left out (a warning or mistake says why)."""
        entry = self._entry(row)
        context = row.context or (entry.context if entry else None)
        if context is None:
            place = f"[[endpoints]] #{index + 1} '{row.id}' context"
            message = f"the price table has none for '{row.model}'; say it, in tokens"
            self.mistakes.append(Mistake(str(self.settings.path), place, message))
            return None
        speaks = _speaks(row, entry)
        if row.wire is Dialect.LITELLM and speaks != CHAT_ONLY:
            place = f"[[endpoints]] #{index + 1} '{row.id}' speaks"
            message = f"LiteLLM is asked for chat alone, not for {', '.join(sorted(speaks))}"
            self.mistakes.append(Mistake(str(self.settings.path), place, message))
            return None
        base_url = self._base_url(row)
        if base_url is None:
            return None
        self._warn_of_age(row, entry)
        upstream_model = row.upstream_model or _name_there(row)
        lacks = _lacks(row, entry)
        return Endpoint(
            id=EndpointId(row.id),
            provider=row.provider,
            model=row.model,
            upstream_model=upstream_model,
            family=row.family or upstream_model.rpartition("/")[2].lower(),
            serves=tuple(ModelName(name) for name in row.serves),
            base_url=base_url,
            context=context,
            price=self._price(row, entry),
            max_output=row.max_output or (entry.max_output if entry else None),
            dialect=row.wire,
            speaks=speaks,
            api_key_env=row.key_variable if self.base_url_of is None else None,
            auth_header=row.key_header,
            capabilities=_capabilities(row, entry) - lacks,
            unsupported_params=lacks - set(Capability),
            quantization=row.quantization,
            region=row.region,
            data_collection=row.data_collection,
            zero_retention=row.zdr,
            bills_after_cancel=_bills_after_cancel(row),
            prior=Prior(**row.prior.model_dump()),
            limits=_limits(row, self.settings.routing),
        )

    def _base_url(self, row: EndpointRow) -> str | None:
        """Where the endpoint is reached; ``None`` leaves it out, with a warning."""
        if self.base_url_of is not None:
            url = self.base_url_of(row.id)
            why = "the sandbox market does not have it"
        elif not _payable(row, self.environ):
            url, why = None, f"{row.key_variable} is not in the environment"
        elif PLACEHOLDER in (row.address or ""):
            url, why = None, f"base_url is still '{row.base_url}'"
        else:
            url, why = row.address, "it has no address"
        if url is None:
            self.warnings.append(f"{row.id} is left out: {why}")
        return url

    def _entry(self, row: EndpointRow) -> TableEntry | None:
        """Ask the table, unless the row says everything and nobody real is behind it."""
        said = (row.price, row.context, row.capabilities)
        complete = all(v is not None for v in said)
        return None if complete and self.base_url_of is not None else self.table(row.model)

    def _price(self, row: EndpointRow, entry: TableEntry | None) -> Price | None:
        windows = None if row.price_windows is None else tuple(w.core() for w in row.price_windows)
        if row.price is not None:
            return row.price.core(windows or ())
        if entry is None or entry.price is None:
            self.warnings.append(
                f"{row.id} has NO KNOWN PRICE and will not be chosen: '{row.model}' has none in "
                "the table; say price = { input = ..., output = ... }, or price = 0 if it is free"
            )
            return None
        self.warnings.extend(f"{row.id}: '{row.model}': {each}" for each in entry.remarks)
        return entry.price if windows is None else replace(entry.price, windows=windows)

    def _warn_of_age(self, row: EndpointRow, entry: TableEntry | None) -> None:
        end = entry.deprecated if entry else None
        if end is None or self.today is None or self.base_url_of is not None:
            return
        if end > self.today + _NOTICE:
            return
        verb = "was to end" if end <= self.today else "ends"
        self.warnings.append(f"{row.id}: '{row.model}' is deprecated and {verb} on {end}")


def _capabilities(row: EndpointRow, entry: TableEntry | None) -> frozenset[Capability]:
    """Return what row or table say that it has, whatever it lacks."""
    if row.capabilities is not None:
        return frozenset(row.capabilities)
    if entry is not None and entry.capabilities is not None:
        return entry.capabilities
    return UNLESS_SAID


def _name_there(row: EndpointRow) -> str:
    if row.known is not None:
        return row.known.name_of(row.model)
    return row.model.partition("/")[2] or row.model


def _lacks(row: EndpointRow, entry: TableEntry | None) -> frozenset[str]:
    """Return what the row takes away; saying nothing takes what provider and model refuse."""
    if row.lacks is not None:
        return frozenset(row.lacks)
    provider = frozenset() if row.known is None else row.known.lacks
    return provider if entry is None else provider | entry.lacks


def _bills_after_cancel(row: EndpointRow) -> bool:
    if row.bills_after_cancel is not None:
        return row.bills_after_cancel
    return row.known is not None and row.known.bills_after_cancel


def _speaks(row: EndpointRow, entry: TableEntry | None) -> frozenset[Surface]:
    """Return the surfaces said, or those its provider speaks, as far as the table agrees."""
    if row.speaks is not None:
        return frozenset(row.speaks)
    listed = frozenset() if entry is None else entry.surfaces
    match row.wire:
        case Dialect.ANTHROPIC:
            return frozenset({Surface.MESSAGES, Surface.COUNT_TOKENS})
        case Dialect.LITELLM:
            return listed if listed == {Surface.EMBEDDINGS} else CHAT_ONLY
        case Dialect.OPENAI:
            usual = CHAT_ONLY
            if row.known is not None and row.known.dialect is Dialect.OPENAI:
                usual = row.known.speaks
            return usual & listed or listed or usual


def _limits(row: EndpointRow, general: Routing) -> Limits:
    own = row.limits
    return Limits(
        connect_s=own.connect_s or general.connect_limit_s,
        first_token_s=own.first_token_s or general.first_token_limit_s,
        gap_s=own.gap_s or general.gap_limit_s,
        total_s=own.total_s or general.total_limit_s,
    )
