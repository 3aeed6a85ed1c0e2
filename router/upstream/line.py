"""The line to one endpoint: everything about reaching it that does not change between requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.ports import Call
from router.upstream.proxies import Proxy, proxy_for

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
    )
)
"""Client headers that are about its own connection or credentials, or that we set ourselves.
The surface has removed them; one that slipped through must not leave the house."""


@dataclass(frozen=True, slots=True)
class Line:
    """``missing_key`` names the variable that should have held the key and did not."""

    endpoint: Endpoint
    url: URL
    proxy: Proxy | None
    timeout: ClientTimeout
    template: CIMultiDict[str]
    missing_key: str | None

    @classmethod
    def to(cls, endpoint: Endpoint, environ: Mapping[str, str]) -> Line:
        """Prepare the line. Raises ``ValueError`` for a proxy that cannot be used."""
        base = URL(endpoint.base_url)
        key = environ.get(endpoint.api_key_env, "") if endpoint.api_key_env else ""
        template = CIMultiDict(
            {
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "meritorder",
            }
        )
        if key:
            is_bearer = endpoint.auth_header.lower() == "authorization"
            template[endpoint.auth_header] = f"Bearer {key}" if is_bearer else key
        proxy = proxy_for(base, environ)
        if proxy is not None and base.scheme == "http":
            # A proxy reads them from the request itself; for https from the CONNECT before it.
            template.update(proxy.headers)
        limit_s = endpoint.limits.connect_s
        return cls(
            endpoint=endpoint,
            url=(base / "chat" / "completions").with_query(base.query),
            proxy=proxy,
            timeout=ClientTimeout(total=None, connect=limit_s, sock_connect=limit_s),
            template=template,
            missing_key=endpoint.api_key_env if not key else None,
        )

    def headers(self, call: Call) -> CIMultiDict[str]:
        """Return the headers of one request; ours win over the client's.

        Raises ``Fault(CREDENTIALS)`` when the key is missing: no request shall go without.
        """
        if self.missing_key is not None:
            raise Fault(
                Kind.CREDENTIALS,
                f"{self.endpoint.id}: the environment variable {self.missing_key} is not set",
            )
        headers = self.template.copy()
        for name, value in call.headers.items():
            if name not in NOT_PASSED:
                headers[name] = value
        headers["x-request-id"] = call.attempt_id
        if call.traceparent is not None:
            headers["traceparent"] = call.traceparent
        if call.tracestate:
            headers["tracestate"] = call.tracestate
        return headers
