"""What aiohttp and the sockets under it raise, as faults.

Two questions decide: did a connection stand (else ``CONNECT``), and was what came over it HTTP at
all (else ``GARBAGE``)? The rest is a connection that broke. A test walks aiohttp's exceptions.
"""

from __future__ import annotations

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind

FOREIGN = (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError, ValueError, TypeError)
"""Everything a request through aiohttp may raise. Its ``TimeoutError`` is an ``OSError``; it says
``RuntimeError`` for a connection that is gone, ``ValueError`` for what cannot be sent."""

_CONNECT = (
    aiohttp.ClientConnectorError,  # DNS, refused, proxy, TLS
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
_GARBAGE = (aiohttp.ClientResponseError, aiohttp.RedirectClientError, HttpProcessingError)


def as_fault(exc: Exception, endpoint: Endpoint) -> Fault:
    """Return the fault that ``exc`` means for ``endpoint``; ours if it means nothing to us."""
    if isinstance(exc, _CONNECT):
        return Fault(Kind.CONNECT, f"{endpoint.id}: cannot be reached ({_why(exc)})")
    if isinstance(exc, _GARBAGE) or isinstance(exc.__cause__, ContentEncodingError):
        return Fault(Kind.GARBAGE, f"{endpoint.id}: answered with something that is not HTTP")
    if isinstance(exc, aiohttp.ClientError | OSError | RuntimeError):
        return Fault(Kind.BROKEN, f"{endpoint.id}: the connection broke ({type(exc).__name__})")
    return Fault(Kind.INTERNAL, f"{endpoint.id}: the request cannot be sent ({type(exc).__name__})")


def _why(exc: Exception) -> str:
    """Say what failed without the address, which may hold what is nobody's business."""
    if isinstance(exc, aiohttp.ClientConnectorError):
        return exc.os_error.strerror or type(exc.os_error).__name__
    return type(exc).__name__
