import json

import pytest

from router.core.faults import Kind
from router.upstream.refusal import MAX_BODY_BYTES, refusal, status_in
from router.upstream.waiting import retry_after_s
from tests.upstream.asking import an_endpoint

ENDPOINT = an_endpoint()


def error(message: str = "no", **fields: object) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


TOO_LONG = error("This model's maximum context length is 4096 tokens. However, you asked for 5000")
TABLE = [
    (400, error("bad temperature"), Kind.REJECTED),
    (400, b"<html>", Kind.REJECTED),
    (400, TOO_LONG, Kind.CONTEXT_EXCEEDED),
    (400, error(code="context_length_exceeded"), Kind.CONTEXT_EXCEEDED),
    (400, error("prompt is too long: 210000 tokens > 200000"), Kind.CONTEXT_EXCEEDED),
    (400, error("max_tokens is too large: 9999. This model supports at most 4096"), Kind.REJECTED),
    (413, error("too large"), Kind.REJECTED),
    (422, b'{"detail":[{"loc":["body","messages"],"msg":"field required"}]}', Kind.REJECTED),
    (401, error("Incorrect API key provided: sk-abc"), Kind.CREDENTIALS),
    (402, error("Insufficient credits"), Kind.CREDENTIALS),
    (403, error("forbidden"), Kind.CREDENTIALS),
    (403, error("Input was flagged by moderation", code=403), Kind.REJECTED),
    (404, error("The model `x` does not exist", code="model_not_found"), Kind.CREDENTIALS),
    (404, b"404 page not found", Kind.CREDENTIALS),
    (404, b'[{"error":{"code":404,"message":"models/x is not found"}}]', Kind.CREDENTIALS),
    (404, error("No file with id file-7"), Kind.ANOTHERS),
    (404, error("No such File object: file-abc123"), Kind.ANOTHERS),
    (404, error("File not found: file_011CNha8iCJcU1wXNR6q4V8w"), Kind.ANOTHERS),
    (404, error("Conversation with id 'conv_68a1' not found."), Kind.ANOTHERS),
    (404, error("Container 'cntr_0123' could not be found."), Kind.ANOTHERS),
    (400, error("Item with id 'rs_0a18' not found. Items are not persisted"), Kind.ANOTHERS),
    (400, error("no", code="previous_response_not_found"), Kind.ANOTHERS),
    (400, error("Previous response with id 'resp_1a2b' not found."), Kind.ANOTHERS),
    (400, error("no", code="invalid_encrypted_content"), Kind.ANOTHERS),
    (400, error("messages.1.content.0: Invalid `signature` in `thinking` block"), Kind.ANOTHERS),
    (400, error("tools.0: the tool 'file' is not found in the list"), Kind.REJECTED),
    (400, error("response_format: the schema has no file"), Kind.REJECTED),
    (405, b"", Kind.REJECTED),
    (408, b"", Kind.SERVER_ERROR),
    (409, b"", Kind.REJECTED),
    (400, error("API key not valid. Please pass a valid API key."), Kind.CREDENTIALS),
    (400, b'{"code":"x","error":"Incorrect API key provided: sk-abc. You can"}', Kind.CREDENTIALS),
    (429, error("slow down"), Kind.RATE_LIMITED),
    (
        429,
        error("You exceeded your current quota", status="RESOURCE_EXHAUSTED"),
        Kind.RATE_LIMITED,
    ),
    (429, error("suspended", type="exceeded_current_quota_error"), Kind.CREDENTIALS),
    (429, error("You exceeded your current quota", code="insufficient_quota"), Kind.CREDENTIALS),
    (498, b"", Kind.SERVER_ERROR),
    (500, b"", Kind.SERVER_ERROR),
    (503, error("overloaded"), Kind.SERVER_ERROR),
    (529, b"", Kind.SERVER_ERROR),
    (307, b"", Kind.CREDENTIALS),
]


def test_a_key_refused_with_a_400_is_called_a_key() -> None:
    body = error("API key not valid. Please pass a valid API key.")
    fault = refusal(ENDPOINT, 400, body, "application/json", {}, wall=0)
    assert fault.message.endswith("the provider refused our key (401); check THE_KEY")


@pytest.mark.parametrize(("said", "wait_s"), [("17.3s", 17.3), ("999999s", 86_400.0)])
def test_google_says_in_the_body_how_long_to_wait(said: str, wait_s: float) -> None:
    body = error("quota", status="RESOURCE_EXHAUSTED", details=[{"retryDelay": said}])
    fault = refusal(ENDPOINT, 429, body, "application/json", {}, wall=0)
    assert fault.retry_after_s == wait_s
    told = refusal(ENDPOINT, 429, body, "application/json", {"retry-after": "3"}, wall=0)
    assert told.retry_after_s == 3


@pytest.mark.parametrize(("status", "body", "kind"), TABLE)
def test_a_refusal_has_a_kind(status: int, body: bytes, kind: Kind) -> None:
    fault = refusal(ENDPOINT, status, body, "application/json", {}, wall=0)
    assert fault.kind is kind
    assert ENDPOINT.id in fault.message
    if kind is Kind.CREDENTIALS:
        assert fault.upstream is None
        assert "sk-abc" not in fault.message
    else:
        assert fault.upstream is not None
        assert (fault.upstream.status, fault.upstream.body) == (status, body)


def test_only_headers_about_limits_and_retries_are_passed_and_no_endless_body() -> None:
    limits = {
        "retry-after": "2",
        "x-ratelimit-limit-requests": "5",
        "anthropic-ratelimit-unified-status": "rejected",
        "x-should-retry": "true",
    }
    headers = {**limits, "set-cookie": "a=b", "anthropic-organization-id": "ours"}
    fault = refusal(ENDPOINT, 429, b"x" * 100_000, "text/plain", headers, wall=0)
    assert fault.upstream is not None
    assert fault.upstream.headers == limits
    assert len(fault.upstream.body) == MAX_BODY_BYTES
    assert fault.retry_after_s == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (error(code=429), 429),
        (error(code="429"), 429),
        (error(code="rate_limit_exceeded"), 429),
        (error(type="invalid_request_error"), 400),
        (error(type="overloaded_error"), 529),
        (error(code="invalid_api_key"), 401),
        (error(code=200), 502),
        (error(type="server_error"), 502),
        (b'{"error":"boom"}', 502),
    ],
)
def test_an_error_inside_a_200_names_its_status_or_is_a_502(body: bytes, status: int) -> None:
    assert status_in(body) == status


WALL = 1_750_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "7", "retry-after-ms": "6500"}, 6.5),
        ({"retry-after": "Sun, 15 Jun 2025 15:06:50 GMT"}, 10),
        (
            {
                "retry-after": "Sun, 15 Jun 2025 16:00:09 GMT",
                "date": "Sun, 15 Jun 2025 16:00:00 GMT",
            },
            9,
        ),
        ({"retry-after": "Sun, 15 Jun 2020 15:06:50 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "9" * 400}, 86_400),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "20ms"}, 360),
        (
            {
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-remaining-requests": "12",
                "x-ratelimit-reset-tokens": "7.66s",
                "x-ratelimit-remaining-tokens": "0",
            },
            7.66,
        ),
        ({"x-ratelimit-reset": str(int((WALL + 30) * 1000))}, 30),
        ({"x-ratelimit-reset": str(int(WALL + 30))}, 30),
        ({"x-ratelimit-reset": "later"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    found = retry_after_s(headers, wall=WALL)
    assert found == (seconds if seconds is None else pytest.approx(seconds))
