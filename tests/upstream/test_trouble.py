"""No exception of anybody else's gets past this package: their families are walked here."""

import inspect
import ssl
from collections.abc import Iterator
from typing import Any, cast

import aiohttp
import litellm
import pytest
from aiohttp import http_exceptions
from aiohttp.client_reqrep import ConnectionKey

from router.core.faults import FAULTS, Fault, Kind
from router.upstream.litellm_faults import litellm_fault
from router.upstream.trouble import FOREIGN, as_fault
from tests.upstream.asking import an_endpoint

ENDPOINT = an_endpoint()
KEY = ConnectionKey("host", 443, True, True, None, None, None)


def family(parent: type[Exception]) -> Iterator[type[Exception]]:
    yield parent
    for child in parent.__subclasses__():
        if child.__module__.startswith("aiohttp"):
            yield from family(child)


def made(kind: type[Exception]) -> Exception:
    """An instance, however its constructor wants to be called."""
    if issubclass(kind, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        found: Any = kind.__new__(kind)
        found._conn_key = KEY
        found._os_error = OSError(111, "Connection refused")
        found._certificate_error = ssl.CertificateError()
        return cast("Exception", found)
    return kind.__new__(kind)


EXPECTED = {
    aiohttp.ClientConnectorError: Kind.CONNECT,
    aiohttp.ClientConnectorDNSError: Kind.CONNECT,
    aiohttp.ClientProxyConnectionError: Kind.CONNECT,
    aiohttp.ClientConnectorSSLError: Kind.CONNECT,
    aiohttp.ClientConnectorCertificateError: Kind.CONNECT,
    aiohttp.ConnectionTimeoutError: Kind.CONNECT,
    aiohttp.ServerFingerprintMismatch: Kind.CONNECT,
    aiohttp.ClientHttpProxyError: Kind.CONNECT,
    aiohttp.InvalidURL: Kind.CONNECT,
    aiohttp.ServerDisconnectedError: Kind.BROKEN,
    aiohttp.ClientConnectionResetError: Kind.BROKEN,
    aiohttp.ClientOSError: Kind.BROKEN,
    aiohttp.ClientPayloadError: Kind.BROKEN,
    aiohttp.SocketTimeoutError: Kind.BROKEN,
    aiohttp.ClientResponseError: Kind.GARBAGE,
    aiohttp.TooManyRedirects: Kind.GARBAGE,
    http_exceptions.BadHttpMessage: Kind.GARBAGE,
    http_exceptions.LineTooLong: Kind.GARBAGE,
}


@pytest.mark.parametrize(
    "kind",
    [*family(aiohttp.ClientError), *family(http_exceptions.HttpProcessingError)],
)
def test_every_exception_of_aiohttp_is_caught_and_is_the_upstreams(
    kind: type[Exception],
) -> None:
    exc = made(kind)
    assert isinstance(exc, FOREIGN)
    fault = as_fault(exc, ENDPOINT)
    assert fault.kind in {Kind.CONNECT, Kind.BROKEN, Kind.GARBAGE}
    assert FAULTS[fault.kind].retry
    assert ENDPOINT.id in fault.message
    assert fault.kind is EXPECTED.get(kind, fault.kind)


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (ConnectionResetError(104, "reset"), Kind.BROKEN),
        (TimeoutError(), Kind.BROKEN),
        (ssl.SSLError(1, "bad record"), Kind.BROKEN),
        (RuntimeError("Connection closed."), Kind.BROKEN),
        (ValueError("a newline in a header"), Kind.INTERNAL),
    ],
)
def test_what_lies_under_aiohttp_is_told_too(exc: Exception, kind: Kind) -> None:
    assert isinstance(exc, FOREIGN)
    assert as_fault(exc, ENDPOINT).kind is kind


LITELLM = [
    c
    for _, c in inspect.getmembers(litellm.exceptions, inspect.isclass)
    if issubclass(c, Exception) and c.__module__ == "litellm.exceptions"
]
KINDS = {
    "AuthenticationError": Kind.CREDENTIALS,
    "PermissionDeniedError": Kind.CREDENTIALS,
    "PaymentRequiredError": Kind.CREDENTIALS,
    "BudgetExceededError": Kind.CREDENTIALS,
    "BadRequestError": Kind.REJECTED,
    "UnprocessableEntityError": Kind.REJECTED,
    "ContentPolicyViolationError": Kind.REJECTED,
    "UnsupportedParamsError": Kind.UNTOLD,
    "ContextWindowExceededError": Kind.CONTEXT_EXCEEDED,
    "RateLimitError": Kind.RATE_LIMITED,
    "Timeout": Kind.SERVER_ERROR,
    "InternalServerError": Kind.SERVER_ERROR,
    "ServiceUnavailableError": Kind.SERVER_ERROR,
    "BadGatewayError": Kind.SERVER_ERROR,
    "APIError": Kind.SERVER_ERROR,
    "APIConnectionError": Kind.SERVER_ERROR,
    "APIResponseValidationError": Kind.GARBAGE,
    "JSONSchemaValidationError": Kind.GARBAGE,
}
STATUS = {"BadRequestError": 400, "UnprocessableEntityError": 422, "Timeout": 408}


@pytest.mark.parametrize("kind", LITELLM, ids=lambda kind: kind.__name__)
def test_every_exception_of_litellm_is_a_fault(kind: type[Exception]) -> None:
    exc: Any = kind.__new__(kind)
    name = kind.__name__
    exc.message = "k-secret"
    exc.status_code = STATUS.get(name, 500)
    exc.num_retries = exc.max_retries = None
    fault = litellm_fault(exc, ENDPOINT, wall=0)
    assert isinstance(fault, Fault)
    assert fault.kind is not Kind.INTERNAL
    assert fault.kind is KINDS.get(name, fault.kind)
    assert "k-secret" not in fault.message


def test_a_parameter_litellm_cannot_translate_is_named() -> None:
    exc = litellm.exceptions.UnsupportedParamsError(
        message="anthropic does not support parameters: ['logit_bias', 'seed'], for model=m."
    )
    fault = litellm_fault(exc, ENDPOINT, wall=0)
    assert fault.kind is Kind.UNTOLD
    assert fault.param == "logit_bias, seed"
