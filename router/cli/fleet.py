"""The fleet as it would be served, worked out without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from router.config import Fleet, Settings, needs_sandbox, resolve
from router.upstream.prices import lookup

_NOT_STARTED = "http://sandbox.invalid"


def fleet_of(settings: Settings, environ: Mapping[str, str]) -> Fleet:
    """Return what ``serve`` would serve. Raises ``ConfigError``."""
    virtual = _in_market() if needs_sandbox(settings, environ) else None
    today = datetime.now(UTC).date()
    return resolve(settings, environ, table=lookup, base_url_of=virtual, today=today)


def rows_of(settings: Settings) -> Fleet:
    """Return every configured row with its price, whether or not it can be used here."""
    return resolve(settings, {}, table=lookup, base_url_of=lambda _: _NOT_STARTED)


def _in_market() -> Callable[[str], str | None]:
    from router.sandbox.fleet import EndpointId, load_fleet

    rows = load_fleet()
    return lambda name: _NOT_STARTED if EndpointId(name) in rows else None
