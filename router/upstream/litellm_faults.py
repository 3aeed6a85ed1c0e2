"""What litellm raises, as faults. It is told by name, so that nothing here imports litellm.

litellm wraps the same trouble in different classes by provider, so the order of evidence is: what
only its class can say, then what went wrong on the wire (found in the chain of causes), then the
status. A test walks ``litellm.exceptions``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import aiohttp
import msgspec

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind, UpstreamError
from router.upstream.refusal import refusal
from router.upstream.translated import refused_param
from router.upstream.trouble import as_fault
from router.upstream.unreadable import UNREADABLE

_BY_NAME: Mapping[str, tuple[int, str]] = {
    "AuthenticationError": (401, "invalid_api_key"),
    "PermissionDeniedError": (403, "permission_denied"),
    "PaymentRequiredError": (402, "insufficient_credits"),
    "BudgetExceededError": (402, "insufficient_credits"),
    "ContextWindowExceededError": (400, "context_length_exceeded"),
    "ContentPolicyViolationError": (400, "content_policy_violation"),
    "RateLimitError": (429, "rate_limit_exceeded"),
    "ModelNotMappedError": (404, ""),
    "LiteLLMUnknownProvider": (404, ""),
}
_CONNECT = frozenset(("ConnectError", "ConnectTimeout", "ProxyError", "UnsupportedProtocol"))
_BROKEN = frozenset(("ReadError", "WriteError", "CloseError", "RemoteProtocolError", "ReadTimeout"))
_UNREADABLE = (
    "JSONDecodeError", "UnicodeDecodeError", "ValidationError", "APIResponseValidationError",
    "JSONSchemaValidationError", "AttributeError", "KeyError", "IndexError", "TypeError",
)  # fmt: skip
_PARAMS = re.compile(r"parameters: \[([^\]]*)\]")
_PREFIX = re.compile(r"^(litellm\.\w+: )?(\w+(Exception|Error)( \w+Error)? - )?")


def litellm_fault(exc: BaseException, endpoint: Endpoint, *, wall: float) -> Fault:
    """Return the fault that ``exc`` means for ``endpoint``. ``wall`` is unix seconds."""
    exc = getattr(exc, "original_exception", None) or exc
    if isinstance(exc, Fault):
        return exc
    names = {c.__name__ for c in type(exc).__mro__}
    if "UnsupportedParamsError" in names:
        found = _PARAMS.search(str(exc))
        return refused_param(endpoint, found[1].replace("'", "") if found else "of the request")
    told = next((told for name, told in _BY_NAME.items() if name in names), None)
    if told is None and (wire := _on_the_wire(exc, endpoint)) is not None:
        return wire
    status, code = told or (_status(exc), "")
    body = msgspec.json.encode({"error": {"message": _words(exc), "code": code or None}})
    headers = {k.lower(): v for k, v in _headers(exc).items()}
    fault = refusal(endpoint, status, body, "application/json", headers, wall=wall)
    if fault.upstream is not None:
        upstream = UpstreamError(status, body, "application/json", fault.upstream.headers)
        fault.upstream = upstream
    return fault


def had_begun(exc: BaseException) -> bool:
    """Whether the provider had begun to answer, with a good status, when this happened."""
    return any(
        isinstance(cause, aiohttp.ClientPayloadError) or _status_of(cause) == 200  # noqa: PLR2004
        for cause in _chain(exc)
    )


def _on_the_wire(exc: BaseException, endpoint: Endpoint) -> Fault | None:
    """Return what happened to the connection or to the bytes, if that is what it was about."""
    status = _status(exc)
    if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - HTTP's classes
        return None
    for cause in _chain(exc):
        name = type(cause).__name__
        if isinstance(cause, aiohttp.ClientError):
            return as_fault(cause, endpoint)
        if name in _CONNECT:
            return Fault(Kind.CONNECT, f"{endpoint.id}: cannot be reached ({name})")
        if name in _BROKEN and not isinstance(cause.__cause__, aiohttp.ClientError):
            return Fault(Kind.BROKEN, f"{endpoint.id}: the connection broke ({name})")
        if name in _UNREADABLE and _is_cut_off(getattr(cause, "doc", "")):
            return Fault(Kind.BROKEN, f"{endpoint.id}: the answer was cut off")
        if name in _UNREADABLE:
            return Fault(Kind.GARBAGE, f"{endpoint.id}: the answer cannot be translated ({name})")
    return None


def _is_cut_off(document: str) -> bool:
    """Whether this is the beginning of a JSON object and not its end."""
    if not document.startswith("{"):
        return False
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except UNREADABLE as exc:
        return "truncated" in str(exc)
    return False


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = exc
    for _ in range(12):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _status(exc: BaseException) -> int:
    status = _status_of(exc)
    return status if isinstance(status, int) and 400 <= status < 600 else 502  # noqa: PLR2004


def _status_of(exc: BaseException) -> object:
    return getattr(exc, "status_code", None)


def _headers(exc: BaseException) -> Mapping[str, str]:
    headers = getattr(exc, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(exc, "response", None), "headers", None)
    return dict(headers or {})


def _words(exc: BaseException) -> str:
    """Return the provider's own words, out of litellm's wrapping where that is recognised."""
    text = _PREFIX.sub("", str(getattr(exc, "message", "") or exc))
    if text.startswith("b'") and text.endswith("'"):
        text = text[2:-1]
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text[:4096]
    error = found.get("error", found) if isinstance(found, dict) else found
    words = error.get("message") if isinstance(error, dict) else error
    return str(words)[:4096]
