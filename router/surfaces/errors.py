"""Faults told to clients, in the envelope of the dialect they speak.

The status comes from the fault table. ``x-should-retry`` is what the OpenAI and Anthropic SDKs
obey before their own rule (they would retry 408, 409, 429 and every 5xx), so a fault that time
does not mend is not hammered. A provider's own refusal passes as it came where it can be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from router.core.decision import Explained
from router.core.faults import Fault, Kind, UpstreamError
from router.surfaces.explain import availability_json
from router.surfaces.fields import read_fields
from router.surfaces.headers import named, passed_back, plain

JSON = "application/json"
_CLIENT_ERROR = 400
_OUR_FIELDS = frozenset({"message", "type", "param", "code"})


class Envelope(StrEnum):
    """The dialect an error is told in."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class Answer(NamedTuple):
    """A complete answer of ours: status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes


def envelope_of(path: str, headers: Mapping[str, str]) -> Envelope:
    """Return the dialect spoken at a path; of the models both are, so the header says which."""
    anthropic = (
        "anthropic-version" in headers
        if _under(path, "/v1/models")
        else _under(path, "/v1/messages")
    )
    return Envelope.ANTHROPIC if anthropic else Envelope.OPENAI


def _under(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")


def render(fault: Fault, request_id: str, envelope: Envelope = Envelope.OPENAI) -> Answer:
    """Turn a fault into an answer."""
    upstream = fault.upstream
    if upstream is not None and _passes(fault, upstream):
        return _passed(fault, upstream, request_id, envelope)
    ids = named(request_id, anthropic=envelope is Envelope.ANTHROPIC)
    headers = {"Content-Type": JSON, **ids, **_again(fault)}
    body = msgspec.json.encode(error_json(fault, request_id, envelope))
    return Answer(fault.spec.status, headers, body)


def error_json(fault: Fault, request_id: str, envelope: Envelope) -> dict[str, Any]:
    """Return the object an error is told in."""
    spec = fault.spec
    message = fault.message.encode(errors="replace").decode()
    detail = _detail(fault)
    if envelope is Envelope.ANTHROPIC:
        error = {"type": spec.anthropic_type, "message": message, "code": fault.kind.value}
        if fault.param is not None:
            error["param"] = fault.param
        return {"type": "error", "error": {**error, **detail}, "request_id": request_id}
    told = {
        "message": message,
        "type": spec.openai_type,
        "param": fault.param,
        "code": fault.kind.value,
    }
    return {"error": {**told, **detail}}


def _detail(fault: Fault) -> dict[str, Any]:
    """Return the machine-readable part; an ``Explained`` in it becomes ``availability``."""
    found: dict[str, Any] = {}
    for key, value in (fault.detail or {}).items():
        if isinstance(value, Explained):
            retryable = fault.spec.client_retry is True
            found["availability"] = availability_json(value, fault.kind, retryable=retryable)
            if fault.retry_after_s is not None:
                found["availability"]["retry_after"] = _whole_seconds(fault.retry_after_s)
        elif key not in _OUR_FIELDS:
            found[key] = value
    return found


def _again(fault: Fault) -> dict[str, str]:
    headers: dict[str, str] = {}
    if fault.spec.client_retry is False:
        headers["X-Should-Retry"] = "false"
    elif fault.retry_after_s is not None or fault.kind in (Kind.UNAVAILABLE, Kind.DRAINING):
        headers["Retry-After"] = str(_whole_seconds(fault.retry_after_s))
    return headers


def _whole_seconds(seconds: float | None) -> int:
    """Round up to whole seconds, 1 at least: SDKs and Claude Code read integers only."""
    if seconds is None or not math.isfinite(seconds):
        return 1
    return max(1, math.ceil(seconds))


def _passes(fault: Fault, upstream: UpstreamError) -> bool:
    """Whether the provider's answer may be shown: a JSON object that is not about our key."""
    return (
        fault.kind is not Kind.CREDENTIALS
        and upstream.status >= _CLIENT_ERROR
        and upstream.content_type.partition(";")[0].strip().lower() == JSON
        and _is_object(upstream.body)
    )


def _is_object(body: bytes) -> bool:
    try:
        read_fields(body)
    except Fault:
        return False
    return True


def _passed(fault: Fault, upstream: UpstreamError, request_id: str, envelope: Envelope) -> Answer:
    headers = {
        **passed_back(upstream.headers),
        "Content-Type": plain(upstream.content_type),
        **named(request_id, anthropic=envelope is Envelope.ANTHROPIC),
        "X-SLA-Error-Source": "upstream",
    }
    if fault.retry_after_s is not None:
        headers.setdefault("retry-after", str(_whole_seconds(fault.retry_after_s)))
    return Answer(upstream.status, headers, upstream.body)


def with_headers(answer: Answer, extra: Mapping[str, str]) -> Answer:
    """Return the answer with more headers (``Allow``)."""
    return answer._replace(headers={**answer.headers, **extra})
