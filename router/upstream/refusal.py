"""Providers' refusals, as faults: whose they are, and whether another endpoint may be asked.

The status says most of it; the words say the rest, because providers use one status for several
things. What the operator has to mend (keys, bills, addresses, model names) is ``CREDENTIALS``: it
is tried elsewhere, counts against the endpoint, and the provider's words are kept from the client,
since they may show part of a key. Everything else carries the provider's own answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind, UpstreamError
from router.upstream.unreadable import UNREADABLE
from router.upstream.waiting import LONGEST_S, retry_after_s

MAX_BODY_BYTES = 64 << 10
"""More of a refusal than this is not read."""

_CONTEXT = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|prompt is too long|input is too long"
    r"|too many (input |prompt )?tokens|maximum (input|prompt|model) (token|length)"
    r"|reduce the length of|exceeds? the (model's )?(maximum|available) (context|input|length)",
    re.IGNORECASE,
)
_NO_SUCH_MODEL = re.compile(
    r"model.{0,120}(not found|not exist|unknown|not supported|invalid|no access|unavailable)"
    r"|(unknown|invalid|no such|not a valid) model|model_not_found|no access to (the )?model"
    r"|deployment.{0,80}not exist",
    re.IGNORECASE | re.DOTALL,
)
_ANOTHERS = re.compile(
    r"previous_response_not_found|invalid_encrypted_content"
    r"|\b(response|conversation|item|prompt|container|file)s?( object)?:?( with)?( id)?"
    r"[ '\"`=:]{1,3}[\w-]{4,128}['\"`]?,? (was |could |can )?not (be )?found"
    r"|\bno such (file|container|conversation|response|prompt)\b"
    r"|\bno (file|container|conversation|response|prompt) with id\b"
    r"|\b(file|container|conversation|response) not found\b"
    r"|encrypted content .{0,256}could not be verified|invalid .?signature.? in .?thinking",
    re.IGNORECASE,
)
"""An identifier or a seal that this provider never gave out."""
_FLAGGED = re.compile(r"moderation|flagged|content[ _](filter|policy)", re.IGNORECASE)
_NO_FUNDS = re.compile(
    r"insufficient_(quota|balance|credits)|exceeded[ _](your[ _])?current[ _]quota", re.IGNORECASE
)
_TOO_FAST = re.compile(r"RESOURCE_EXHAUSTED")
"""Google says 'exceeded your current quota' of what is spent within a minute."""
_BAD_KEY = re.compile(r"API key not valid|API key expired|Incorrect API key", re.IGNORECASE)
"""What Google and xAI say with a 400."""
_RETRY_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d+)?)s"')

_BY_STATUS: Mapping[int, Kind] = {
    401: Kind.CREDENTIALS,
    402: Kind.CREDENTIALS,
    403: Kind.CREDENTIALS,
    407: Kind.CREDENTIALS,
    408: Kind.SERVER_ERROR,
    425: Kind.SERVER_ERROR,
    429: Kind.RATE_LIMITED,
    498: Kind.SERVER_ERROR,  # Groq: capacity exceeded
    499: Kind.SERVER_ERROR,
}
_WORTH_PASSING = ("retry-after", "x-ratelimit-", "anthropic-ratelimit-", "x-should-retry")


def refusal(
    endpoint: Endpoint,
    status: int,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str],
    *,
    wall: float,
) -> Fault:
    """Return the fault of an answer that is no answer.

    ``headers`` are lower-case, ``wall`` is the time in unix seconds.
    """
    kind = kind_of(status, body)
    wait_s = None
    if kind in (Kind.RATE_LIMITED, Kind.SERVER_ERROR):
        wait_s = retry_after_s(headers, wall=wall)
        if wait_s is None and (said := _RETRY_DELAY.search(body)) is not None:
            wait_s = min(float(said[1]), LONGEST_S)
    told = None
    if kind is not Kind.CREDENTIALS:
        kept = {k: v for k, v in headers.items() if k.startswith(_WORTH_PASSING)}
        told = UpstreamError(status, body[:MAX_BODY_BYTES], content_type, kept)
    if status == HTTPStatus.BAD_REQUEST and _BAD_KEY.search(_words(body)):
        status = HTTPStatus.UNAUTHORIZED  # what others say
    return Fault(kind, _message(endpoint, kind, status), retry_after_s=wait_s, upstream=told)


def kind_of(status: int, body: bytes) -> Kind:
    """Classify a refusal by its status and, where that is not enough, by its words."""
    words = _words(body)
    if status in (400, 413, 422, 500) and _CONTEXT.search(words):
        return Kind.CONTEXT_EXCEEDED
    if status in (400, 404, 422) and _ANOTHERS.search(words):
        return Kind.ANOTHERS
    if status == HTTPStatus.NOT_FOUND:
        # A request cannot make a URL or a model disappear: configuration did. What a request can
        # name and miss (a file, a prompt) comes with an error that speaks of neither.
        return Kind.REJECTED if words and not _NO_SUCH_MODEL.search(words) else Kind.CREDENTIALS
    if status == HTTPStatus.BAD_REQUEST and ("model_not_found" in words or _BAD_KEY.search(words)):
        return Kind.CREDENTIALS
    if status == HTTPStatus.FORBIDDEN and _FLAGGED.search(words):
        return Kind.REJECTED
    if status == HTTPStatus.TOO_MANY_REQUESTS and _NO_FUNDS.search(words):
        return Kind.RATE_LIMITED if _TOO_FAST.search(words) else Kind.CREDENTIALS
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Kind.SERVER_ERROR
    return Kind.REJECTED if status >= HTTPStatus.BAD_REQUEST else Kind.CREDENTIALS


def status_in(error: bytes) -> int:
    """Return the HTTP status an error object inside a 200 names, 502 where it names none."""
    found = error_in(error)
    for value in (found.get("code"), found.get("status"), found.get("status_code")):
        if isinstance(value, str) and value.isdigit():
            value = int(value)  # noqa: PLW2901 - the same code, written as text
        if isinstance(value, int) and 400 <= value < 600:  # noqa: PLR2004 - HTTP's errors
            return value
    words = _words(error).lower()
    named = (
        ("context_length", 400),
        ("invalid_request", 400),
        ("invalid_prompt", 400),
        ("invalid_image", 400),
        ("rate_limit", 429),
        ("insufficient_quota", 402),
        ("billing_error", 402),
        ("authentication", 401),
        ("invalid_api_key", 401),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("request_too_large", 413),
        ("timeout_error", 504),
        ("overloaded", 529),
    )
    return next((status for word, status in named if word in words), 502)


def error_in(body: bytes) -> dict[str, Any]:
    """Return the error object in any of the shapes providers wrap it in."""
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    if isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        return {}
    inner = found.get("error", found.get("detail", found))
    return inner if isinstance(inner, dict) else {"message": inner}


def _words(body: bytes) -> str:
    """Return what the error says, code and type included; empty for what is no JSON error."""
    error = error_in(body)
    told = (error.get(name) for name in ("code", "type", "message", "status", "metadata"))
    return " ".join(str(word) for word in told if word)[:4096]


def _message(endpoint: Endpoint, kind: Kind, status: int) -> str:
    variable = endpoint.api_key_env or "api_key_env, which is not set"
    match kind:
        case Kind.CREDENTIALS if status in (401, 403):
            return f"{endpoint.id}: the provider refused our key ({status:d}); check {variable}"
        case Kind.CREDENTIALS if status in (402, 429):
            return f"{endpoint.id}: the account behind {variable} has no credit left ({status})"
        case Kind.CREDENTIALS:
            return (
                f"{endpoint.id}: the provider has no model {endpoint.upstream_model!r} at this "
                f"base_url ({status}); check the configuration"
            )
        case Kind.CONTEXT_EXCEEDED:
            return f"{endpoint.id}: the request is longer than the model's context"
        case Kind.ANOTHERS:
            return f"{endpoint.id}: the provider has not what the request refers to ({status})"
        case Kind.RATE_LIMITED:
            return f"{endpoint.id}: rate limit reached"
        case Kind.REJECTED:
            return f"{endpoint.id}: the provider rejected the request ({status})"
        case _:
            return f"{endpoint.id}: the provider failed ({status})"
