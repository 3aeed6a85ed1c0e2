"""The line to one surface of an endpoint: all about reaching it that never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aiohttp import BaseConnector, BasicAuth
from yarl import URL

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call
from router.upstream.proxies import proxy_for
from router.upstream.wire import Way

NOT_PASSED = frozenset(
    (
        "accept-encoding",
        "api-key",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
        "x-request-id",
        "traceparent",
        "tracestate",
    )
)
"""Client headers that are about its own connection or credentials, or that we set ourselves.
The surface has removed them; one that slipped through must not leave the house."""


_USUAL: Mapping[str, str] = MappingProxyType({"user-agent": "meritorder"})
_USUAL_OF_ANTHROPIC: Mapping[str, str] = MappingProxyType(
    {**_USUAL, "anthropic-version": "2023-06-01"}
)


@dataclass(frozen=True, slots=True)
class Line:
    """``way`` leads there, ``opening`` is the head of every request but for its last headers.

    ``ours`` are the (lower-case) names that no client's header may bear; ``usual`` are headers for
    a client that does not send its own; ``missing_key`` names the variable that should have held
    the key and did not.
    """

    endpoint: Endpoint
    way: Way
    opening: str
    ours: frozenset[str]
    usual: Mapping[str, str]
    missing_key: str | None

    @classmethod
    def to(
        cls,
        endpoint: Endpoint,
        environ: Mapping[str, str],
        connector: BaseConnector,
        surface: Surface = Surface.CHAT,
    ) -> Line:
        """Prepare the line. Raises ``ValueError`` for a proxy that cannot be used."""
        base = URL(endpoint.base_url)
        key = environ.get(endpoint.api_key_env, "") if endpoint.api_key_env else ""
        url = base.joinpath(*surface.path[1:].split("/")).with_query(base.query)
        proxy = proxy_for(base, environ)
        headers = {
            "Host": url.host_port_subcomponent or "",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        }
        login = BasicAuth.from_url(base)
        if login is not None:
            headers["Authorization"] = login.encode()
            url = url.with_user(None)
        if key:
            is_bearer = endpoint.auth_header.lower() == "authorization"
            headers[endpoint.auth_header] = f"Bearer {key}" if is_bearer else key
        if proxy is not None and base.scheme == "http":
            # A proxy reads them from the request itself; for https from the CONNECT before it.
            headers |= proxy.headers
        way = Way(connector, url, proxy, endpoint.limits.connect_s)
        return cls(
            endpoint=endpoint,
            way=way,
            opening="\r\n".join([f"POST {way.target} HTTP/1.1", *_written(headers.items())]),
            ours=NOT_PASSED | {name.lower() for name in headers},
            usual=_USUAL_OF_ANTHROPIC if surface.is_anthropic else _USUAL,
            missing_key=endpoint.api_key_env if not key else None,
        )

    def head(self, call: Call, length: int) -> bytes:
        """Return the head of a request with a body of ``length`` bytes.

        Raises ``Fault(CREDENTIALS)`` when the key is missing (no request shall go without), and
        ``ValueError`` for a value with a line break in it.
        """
        if self.missing_key is not None:
            raise Fault(
                Kind.CREDENTIALS,
                f"{self.endpoint.id}: the environment variable {self.missing_key} is not set",
            )
        ours = self.ours
        lines = [self.opening]
        lines += [f"{name}: {value}" for name, value in call.headers.items() if name not in ours]
        lines += [f"{name}: {v}" for name, v in self.usual.items() if name not in call.headers]
        lines.append(f"x-request-id: {call.attempt_id}")
        if call.traceparent is not None:
            lines.append(f"traceparent: {call.traceparent}")
        if call.tracestate:
            lines.append(f"tracestate: {call.tracestate}")
        lines.append(f"Content-Length: {length}\r\n\r\n")
        head = "\r\n".join(lines)
        breaks = self.opening.count("\n") + len(lines) + 1
        if head.count("\n") != breaks or head.count("\r") != breaks:
            raise ValueError("a header has a line break in its value")
        return head.encode()


def _written(headers: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]
