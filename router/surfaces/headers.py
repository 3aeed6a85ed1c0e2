"""Headers in and out: what declares an SLA, what goes upstream, and what the client reads back.

A request's headers are walked once. The class of a name is remembered (bounded), so the walk is
a dictionary look-up per header. Nothing that identifies the client or its credentials passes;
vendor headers (``anthropic-beta`` and whatever comes next) do: an open list, not a closed one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from router.core.faults import Fault, Kind
from router.core.measure import Outcome
from router.ports import Head

MAX_HEADER_BYTES: Final = 8192
"""Longest value a client may send in one header."""

_HELD: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "authorization",
        "x-api-key",
        "cookie",
        "x-request-id",
        "traceparent",
        "tracestate",
        "forwarded",
        "via",
        "x-real-ip",
    }
)
"""Hop by hop, about the body as it was received, the client's own, or written anew by us."""

_HELD_PREFIXES: Final = ("x-sla", "x-slo-", "x-llm-d-", "x-forwarded-", "proxy-")
_DECLARES: Final = re.compile(r"x-sl[ao](?![a-z])|x-llm-d-slo")
_NAMES_REMEMBERED: Final = 4096
_LINE_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f]+")


class Sifted(msgspec.Struct, frozen=True, gc=False):
    """One request's headers: those that declare an SLA (names as sent), and those to pass on.

    ``forward`` has lower-case names; of a name sent twice the values are joined by a comma.
    """

    declaring: tuple[tuple[str, str], ...]
    forward: dict[str, str]


_DECLARING: Final = "x-sla"
_STAYING: Final = ""
_NOMINATING: Final = "connection"
_classes: dict[str, str] = {}
"""Names as sent: one of the three above (no name that passes), or the lower-case name that passes.
Remembered, so that the common way through ``sift`` is one look-up per header."""


def _class_of(name: str) -> str:
    lower = name.lower()
    if _DECLARES.match(lower):
        found = _DECLARING
    elif lower == _NOMINATING:
        found = _NOMINATING
    elif lower in _HELD or lower.startswith(_HELD_PREFIXES):
        found = _STAYING
    else:
        found = lower
    if len(_classes) < _NAMES_REMEMBERED:
        _classes[str(name)] = found
    return found


def sift(headers: Iterable[tuple[str, str]]) -> Sifted:
    """Sort a request's headers. Raises ``Fault(HEADER_TOO_LARGE)`` naming the header.

    A value that is not UTF-8 cannot be passed on as it came, and stays here.
    """
    declaring: list[tuple[str, str]] = []
    forward: dict[str, str] = {}
    nominated: str | None = None
    known = _classes.get
    for name, value in headers:
        if len(value) > MAX_HEADER_BYTES:
            raise _too_large(name, len(value))
        found = known(name)
        if found is None:
            found = _class_of(name)
        if not found:
            continue
        if found is _DECLARING:
            declaring.append((str(name), value))
        elif found is _NOMINATING:
            nominated = value
        else:
            forward[found] = value if found not in forward else f"{forward[found]}, {value}"
    if not "".join(forward.values()).isascii():
        forward = {name: value for name, value in forward.items() if _is_utf8(value)}
    if nominated is not None and nominated not in _KEPT_CONNECTIONS:
        for name in nominated.lower().split(","):
            forward.pop(name.strip(), None)
    return Sifted(tuple(declaring), forward)


_KEPT_CONNECTIONS: Final = ("keep-alive", "close", "Keep-Alive")


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_large(name: str, size: int) -> Fault:
    shown = name[:64]
    return Fault(
        Kind.HEADER_TOO_LARGE,
        f"{shown} is {size} bytes long; a header may have {MAX_HEADER_BYTES}.",
        param=shown,
    )


def plain(text: str) -> str:
    """Return ``text`` fit for a header: no line break, no control character."""
    return (text if text.isprintable() else _LINE_BREAKS.sub(" ", text)).strip()


def usd(amount: float) -> str:
    """Print USD with up to 9 decimals (one nano-USD), never with an exponent."""
    return f"{amount:.9f}".rstrip("0").rstrip(".")


def ms(value: float) -> str:
    """Print whole milliseconds; what has no end in sight is ``inf``."""
    return str(round(value)) if value < float("inf") else "inf"


def named(request_id: str, *, anthropic: bool) -> dict[str, str]:
    """Tell a request's id where each dialect's SDKs look for it."""
    found = {"X-Request-Id": request_id}
    if anthropic:
        found["request-id"] = request_id
    return found


def answer_headers(head: Head) -> dict[str, str]:
    """Name who answers and what is expected of it; of a whole answer also what was measured."""
    ask, endpoint, forecast = head.ask, head.endpoint, head.decision.forecast
    found = passed_back(head.headers)
    found.update(named(ask.id, anthropic=ask.surface.is_anthropic))
    found.update(_who(endpoint.id, endpoint.provider, endpoint.model))
    found["X-SLA-Decision-Id"] = ask.id
    if forecast is not None:
        found["X-SLA-Predicted-TTFT-Ms"] = ms(forecast.ttft_ms)
        found["X-SLA-Predicted-E2E-Ms"] = ms(forecast.e2e_ms)
        found["X-SLA-Predicted-Cost-USD"] = usd(forecast.cost_usd)
    found["X-SLA-Status"] = str(head.decision.status)
    found["X-SLA-Attempts"] = str(head.attempts)
    found["X-SLA-Overhead-Ms"] = f"{1000 * head.overhead_s:.2f}"
    if head.outcome is not None:
        found.update(measured_headers(head.outcome))
    return found


@lru_cache(maxsize=4096)
def _who(endpoint: str, provider: str, model: str) -> Mapping[str, str]:
    return {
        "X-SLA-Endpoint": plain(endpoint),
        "X-SLA-Provider": plain(provider),
        "X-SLA-Model": plain(model),
    }


def measured_headers(outcome: Outcome) -> dict[str, str]:
    """Print what a finished request took; a time that could not be measured is left out."""
    found = {"X-SLA-Cost-USD": usd(outcome.cost_nano_usd / 1e9)}
    final = outcome.final
    if final is not None:
        if final.first is not None:
            found["X-SLA-TTFT-Ms"] = ms(1000 * (final.first - outcome.received))
        found["X-SLA-E2E-Ms"] = ms(1000 * (final.ended - outcome.received))
    found["X-SLA-Verdict"] = str(outcome.verdict())
    return found


_NOT_BACK: Final = _HELD | {"content-type", "set-cookie", "server", "date", "alt-svc"}


def passed_back(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep of a provider's headers (lower-case) what may reach the client."""
    return {name: plain(value) for name, value in headers.items() if _comes_back(name)}


@lru_cache(maxsize=_NAMES_REMEMBERED)
def _comes_back(name: str) -> bool:
    return name not in _NOT_BACK and not name.startswith(_HELD_PREFIXES)
