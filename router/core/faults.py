"""One table of everything that can go wrong: whose it is, what the client gets, what may follow.

A fault answers three questions: *whose* (client, operator, upstream, ourselves), *which status*
the client sees when nothing better came of it, and *whether another endpoint may be tried*.
No other file of the project names an HTTP status for an error of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Whose(StrEnum):
    """Who has to do something about a fault."""

    CLIENT = "client"
    OPERATOR = "operator"
    UPSTREAM = "upstream"
    OURS = "ours"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Spec:
    """One row: whose fault, our HTTP status, may another endpoint be tried, does it count
    against the endpoint's failure rate, may the client try again, the OpenAI error type and the
    Anthropic one.
    """

    whose: Whose
    status: int
    retry: bool
    blames: bool
    client_retry: bool | None
    openai_type: str
    anthropic_type: str


_BAD = ("invalid_request_error", "invalid_request_error")
_API = ("api_error", "api_error")


class Kind(StrEnum):
    """What went wrong. The value is the ``error.code`` a client reads."""

    BAD_JSON = "invalid_json"
    BAD_BODY = "invalid_body"
    BAD_SLA = "invalid_sla"
    BAD_POLICY = "unknown_policy"
    CONTENT_TYPE = "unsupported_content_type"
    TOO_LARGE = "body_too_large"
    HEADER_TOO_LARGE = "header_too_large"
    UNAUTHENTICATED = "invalid_api_key"
    NO_ROUTE = "not_found"
    BAD_METHOD = "method_not_allowed"
    NO_MODEL = "model_not_found"
    NO_DECISION = "decision_not_found"
    INFEASIBLE = "sla_infeasible"
    UNAVAILABLE = "temporarily_unavailable"
    DRAINING = "shutting_down"
    UNTOLD = "not_expressible"
    REJECTED = "upstream_rejected_request"
    CONTEXT_EXCEEDED = "context_length_exceeded"
    ANOTHERS = "kept_elsewhere"
    CREDENTIALS = "upstream_credentials"
    RATE_LIMITED = "upstream_rate_limited"
    SERVER_ERROR = "upstream_error"
    CONNECT = "upstream_unreachable"
    FIRST_TOKEN_TIMEOUT = "upstream_first_token_timeout"  # noqa: S105 - a fault's name
    GAP_TIMEOUT = "upstream_stalled"
    TOTAL_TIMEOUT = "upstream_timeout"
    BROKEN = "upstream_broke_off"
    GARBAGE = "upstream_unreadable"
    EMPTY = "upstream_empty_answer"
    CANCELLED = "client_closed_request"
    OUTRUN = "outrun_by_another"
    INTERNAL = "internal_error"


FAULTS: Final[Mapping[Kind, Spec]] = {
    Kind.BAD_JSON: Spec(Whose.CLIENT, 400, False, False, False, *_BAD),
    Kind.BAD_BODY: Spec(Whose.CLIENT, 400, False, False, False, *_BAD),
    Kind.BAD_SLA: Spec(Whose.CLIENT, 400, False, False, False, *_BAD),
    Kind.BAD_POLICY: Spec(Whose.CLIENT, 400, False, False, False, *_BAD),
    Kind.CONTENT_TYPE: Spec(Whose.CLIENT, 415, False, False, False, *_BAD),
    Kind.TOO_LARGE: Spec(
        Whose.CLIENT, 413, False, False, False, "invalid_request_error", "request_too_large"
    ),
    Kind.HEADER_TOO_LARGE: Spec(Whose.CLIENT, 431, False, False, False, *_BAD),
    Kind.UNAUTHENTICATED: Spec(
        Whose.CLIENT, 401, False, False, False, "authentication_error", "authentication_error"
    ),
    Kind.NO_ROUTE: Spec(
        Whose.CLIENT, 404, False, False, False, "invalid_request_error", "not_found_error"
    ),
    Kind.BAD_METHOD: Spec(Whose.CLIENT, 405, False, False, False, *_BAD),
    Kind.NO_MODEL: Spec(
        Whose.CLIENT, 404, False, False, False, "invalid_request_error", "not_found_error"
    ),
    Kind.NO_DECISION: Spec(
        Whose.CLIENT, 404, False, False, False, "invalid_request_error", "not_found_error"
    ),
    Kind.INFEASIBLE: Spec(Whose.CLIENT, 422, False, False, False, *_BAD),
    Kind.UNAVAILABLE: Spec(
        Whose.UPSTREAM, 503, False, False, True, "server_error", "overloaded_error"
    ),
    Kind.DRAINING: Spec(Whose.OURS, 503, False, False, True, "server_error", "overloaded_error"),
    Kind.UNTOLD: Spec(Whose.CLIENT, 400, True, False, False, *_BAD),
    Kind.REJECTED: Spec(Whose.CLIENT, 400, False, False, False, *_BAD),
    Kind.CONTEXT_EXCEEDED: Spec(Whose.CLIENT, 400, True, False, False, *_BAD),
    Kind.ANOTHERS: Spec(Whose.CLIENT, 400, True, False, False, *_BAD),
    Kind.CREDENTIALS: Spec(Whose.OPERATOR, 502, True, True, False, *_API),
    Kind.RATE_LIMITED: Spec(
        Whose.UPSTREAM, 429, True, False, True, "rate_limit_error", "rate_limit_error"
    ),
    Kind.SERVER_ERROR: Spec(Whose.UPSTREAM, 502, True, True, True, *_API),
    Kind.CONNECT: Spec(Whose.UPSTREAM, 502, True, True, True, *_API),
    Kind.FIRST_TOKEN_TIMEOUT: Spec(
        Whose.UPSTREAM, 504, True, True, True, "timeout_error", "timeout_error"
    ),
    Kind.GAP_TIMEOUT: Spec(Whose.UPSTREAM, 504, True, True, True, "timeout_error", "timeout_error"),
    Kind.TOTAL_TIMEOUT: Spec(
        Whose.UPSTREAM, 504, False, True, True, "timeout_error", "timeout_error"
    ),
    Kind.BROKEN: Spec(Whose.UPSTREAM, 502, True, True, True, *_API),
    Kind.GARBAGE: Spec(Whose.UPSTREAM, 502, True, True, True, *_API),
    Kind.EMPTY: Spec(Whose.UPSTREAM, 502, True, True, True, *_API),
    Kind.CANCELLED: Spec(Whose.NOBODY, 499, False, False, None, *_API),
    Kind.OUTRUN: Spec(Whose.NOBODY, 499, False, False, None, *_API),
    Kind.INTERNAL: Spec(Whose.OURS, 500, False, False, False, *_API),
}


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """A provider's own refusal, kept to be passed on: status, body and headers worth keeping."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Fault(Exception):
    """A thing that went wrong, with the words a person needs to mend it.

    ``param`` names the field or header at fault, ``detail`` is machine-readable material for the
    error body (``availability``), ``retry_after_s`` is in seconds. ``upstream`` carries the
    provider's own answer where there was one. The message never holds a prompt, answer or key.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        param: str | None = None,
        detail: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
        upstream: UpstreamError | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.upstream = upstream

    @property
    def spec(self) -> Spec:
        """The row of the table."""
        return FAULTS[self.kind]
