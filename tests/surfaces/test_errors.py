from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.faults import FAULTS, Fault, Kind, UpstreamError
from router.core.surface import Surface
from router.surfaces.ending import ENDINGS
from router.surfaces.errors import Envelope, envelope_of, render
from tests.surfaces.house import explained


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_wears_both_envelopes_with_its_status(kind: Kind) -> None:
    fault = Fault(kind, "Words.", param="model", retry_after_s=2.1)
    spec = FAULTS[kind]
    openai, anthropic = render(fault, "r1"), render(fault, "r1", Envelope.ANTHROPIC)
    assert openai.status == anthropic.status == spec.status
    assert json.loads(openai.body) == {
        "error": {
            "message": "Words.",
            "type": spec.openai_type,
            "param": "model",
            "code": kind.value,
        }
    }
    told = json.loads(anthropic.body)
    assert (told["type"], told["request_id"]) == ("error", "r1")
    assert told["error"]["type"] == spec.anthropic_type
    assert anthropic.headers["request-id"] == "r1"
    assert "request-id" not in openai.headers
    for answer in (openai, anthropic):
        assert answer.headers["X-Request-Id"] == "r1"
        assert (answer.headers.get("X-Should-Retry") == "false") is (spec.client_retry is False)
        assert not ("X-Should-Retry" in answer.headers and "Retry-After" in answer.headers)


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "1"), (0.0, "1"), (0.2, "1"), (2.1, "3"), (float("inf"), "1")]
)
@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.DRAINING])
def test_retry_after_is_whole_seconds_from_one(
    kind: Kind, seconds: float | None, told: str
) -> None:
    assert render(Fault(kind, "Later.", retry_after_s=seconds), "r").headers["Retry-After"] == told


def provider(status: int, body: bytes, content_type: str = "application/json") -> UpstreamError:
    return UpstreamError(status, body, content_type, {"x-ratelimit-limit": "5", "connection": "x"})


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503, 529])
def test_a_refusal_of_the_provider_passes_as_it_came_and_says_so(status: int) -> None:
    body = b'{"error": {"message":"their words"}}'
    fault = Fault(Kind.RATE_LIMITED, "Ours.", upstream=provider(status, body), retry_after_s=1.5)
    answer = render(fault, "r1")
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers == {
        "x-ratelimit-limit": "5",
        "Content-Type": "application/json",
        "X-Request-Id": "r1",
        "X-SLA-Error-Source": "upstream",
        "retry-after": "2",
    }


def test_a_provider_that_refuses_our_key_is_the_operators_business() -> None:
    leak = provider(401, b'{"error": {"message": "Incorrect API key provided: sk-secret"}}')
    answer = render(Fault(Kind.CREDENTIALS, "r1@azure refuses its key.", upstream=leak), "r1")
    assert answer.status == 502
    assert b"sk-secret" not in answer.body
    assert b"r1@azure" in answer.body
    assert answer.headers["X-Should-Retry"] == "false"


@pytest.mark.parametrize(
    "upstream",
    [
        provider(502, b"<html>Bad gateway</html>", "text/html"),
        provider(500, b""),
        provider(200, b'{"odd": 1}'),
    ],
)
def test_what_no_client_can_read_is_told_in_our_words(upstream: UpstreamError) -> None:
    answer = render(Fault(Kind.SERVER_ERROR, "azure failed.", upstream=upstream), "r1")
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_error"
    assert "X-SLA-Error-Source" not in answer.headers


@pytest.mark.parametrize("envelope", Envelope)
def test_the_words_stand_before_the_long_list_of_endpoints(envelope: Envelope) -> None:
    fault = Fault(Kind.INFEASIBLE, "No.", detail={"availability": explained(refused=True)})
    told = render(fault, "r1", envelope).body
    assert told.index(b'"message"') < told.index(b'"availability"')


def test_a_refused_sla_tells_what_would_have_worked() -> None:
    fault = Fault(Kind.INFEASIBLE, "No.", detail={"availability": explained(refused=True)})
    told = json.loads(render(fault, "r1").body)["error"]["availability"]
    assert (told["code"], told["retryable"]) == ("sla_infeasible", False)
    assert told["excluded_by"] == ["ttft_ms", "min_context"]
    assert told["candidates"] == [
        {
            "endpoint": "deepseek-r1@deepseek",
            "failed": [
                {
                    "bound": "ttft_ms",
                    "limit": 1000.0,
                    "predicted": 27000.4,
                    "percentile": 95.0,
                    "p_keep": 0.001,
                    "samples": 12,
                }
            ],
        },
        {
            "endpoint": "deepseek-r1@parasail",
            "failed": [
                {
                    "bound": "min_context",
                    "limit": 200000.0,
                    "predicted": 164000.0,
                    "detail": "too narrow",
                }
            ],
        },
    ]
    assert told["nearest"] == {
        "endpoint": "deepseek-r1@parasail",
        "relax": {"min_context": 164000},
        "cost_usd": 0.004,
    }


def test_details_cannot_overwrite_what_every_error_has() -> None:
    fault = Fault(Kind.INTERNAL, "Words.", detail={"message": "other", "more": 1})
    told = json.loads(render(fault, "r1").body)["error"]
    assert (told["message"], told["more"]) == ("Words.", 1)


def test_an_error_inside_a_stream_is_an_event_of_its_own_and_ends_it() -> None:
    fault = Fault(Kind.BROKEN, "azure broke off.")
    events = ENDINGS[Surface.CHAT].fail(fault, "r1", b"").split(b"\n\n")
    assert json.loads(events[0].removeprefix(b"data: "))["error"] == {
        "message": "azure broke off.",
        "type": "api_error",
        "param": None,
        "code": "upstream_broke_off",
    }
    assert events[1:] == [b"data: [DONE]", b""]


def test_a_responses_stream_ends_with_an_error_event_that_counts_on() -> None:
    written = b'event: x\ndata: {"sequence_number":6}\n\nevent: y\ndata: {"sequence_number":7}\n\n'
    fault = Fault(Kind.GAP_TIMEOUT, "azure stood still.")
    name, data = ENDINGS[Surface.RESPONSES].fail(fault, "r1", written).strip().split(b"\n")
    told = json.loads(data.removeprefix(b"data: "))
    assert name == b"event: error"
    assert (told["type"], told["code"], told["sequence_number"]) == ("error", "upstream_stalled", 8)
    assert told["message"] == told["error"]["message"] == "azure stood still."


def test_a_messages_stream_ends_with_an_error_event_in_anthropics_words() -> None:
    fault = Fault(Kind.RATE_LIMITED, "claude is at its limit.")
    name, data = ENDINGS[Surface.MESSAGES].fail(fault, "r1", b"").strip().split(b"\n")
    told = json.loads(data.removeprefix(b"data: "))
    assert name == b"event: error"
    assert (told["type"], told["error"]["type"]) == ("error", "rate_limit_error")


@given(st.text(), st.none() | st.text())
def test_any_words_can_be_told(message: str, param: str | None) -> None:
    answer = render(Fault(Kind.BAD_BODY, message, param=param), "r1")
    assert isinstance(json.loads(answer.body)["error"]["message"], str)


def test_the_messages_surface_is_told_in_its_own_dialect() -> None:
    versioned = {"anthropic-version": "2023-06-01"}
    assert envelope_of("/v1/messages", {}) is Envelope.ANTHROPIC
    assert envelope_of("/v1/messages/count_tokens", {}) is Envelope.ANTHROPIC
    assert envelope_of("/v1/messagesx", {}) is Envelope.OPENAI
    assert envelope_of("/v1/chat/completions", versioned) is Envelope.OPENAI
    for path in ("/v1/models", "/v1/models/nobody"):
        assert envelope_of(path, versioned) is Envelope.ANTHROPIC
        assert envelope_of(path, {}) is Envelope.OPENAI
