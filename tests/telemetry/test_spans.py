from __future__ import annotations

import math

import msgspec
import pytest

from router.core.ask import Bound, BoundKind
from router.core.decision import Reason, Rejection
from router.core.faults import FAULTS, Fault, Kind, UpstreamError, Whose
from router.telemetry import names
from router.telemetry.spans import SpanKind, spans_of
from tests.telemetry.records import (
    CLIENT_SPAN,
    FRIENDLI,
    PARASAIL,
    RECEIVED_MONO,
    RECEIVED_WALL,
    SERVER_SPAN,
    TRACE_ID,
    TTFT_BOUND,
    a_decision,
    a_record,
    an_attempt,
    an_endpoint,
)

BROKEN = an_attempt(ttft_s=None, fault=Kind.SERVER_ERROR, status=500)
SECOND = an_attempt(FRIENDLI, number=2, sent=RECEIVED_MONO + 3.0)


def test_an_ordinary_request_makes_two_spans_the_client_below_the_server() -> None:
    server, client = spans_of(a_record())

    assert (server.kind, client.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert (server.span_id, server.parent_span_id) == (SERVER_SPAN, CLIENT_SPAN)
    assert (client.span_id, client.parent_span_id) == ("2" * 16, SERVER_SPAN)
    assert server.trace_id == client.trace_id == TRACE_ID
    assert (server.remote_parent, client.remote_parent) == (True, False)


def test_a_span_is_named_by_operation_and_model_asked_for() -> None:
    server, client = spans_of(a_record())

    assert server.name == "chat deepseek-r1"
    assert client.name == "chat parasail-deepseek-r1"


def test_spans_lie_on_the_wall_where_the_stopwatch_put_them() -> None:
    server, client = spans_of(a_record())

    def wall_s(ns: int) -> float:
        return ns / 1e9 - RECEIVED_WALL

    assert wall_s(server.start_ns) == pytest.approx(0.0, abs=1e-6)
    assert wall_s(server.end_ns) == pytest.approx(2.503, abs=1e-6)
    assert wall_s(client.start_ns) == pytest.approx(0.002, abs=1e-6)
    assert [(e.name, round(wall_s(e.at_ns), 6)) for e in client.events] == [
        (names.EVENT_FIRST_TOKEN, 0.502),
        (names.EVENT_FIRST_ANSWER, 1.502),
    ]


def test_every_bound_shows_limit_forecast_fact_and_verdict() -> None:
    attributes = spans_of(a_record())[0].attributes

    assert attributes["meritorder.bound.ttft_ms.limit"] == 1000.0
    assert attributes["meritorder.bound.ttft_ms.percentile"] == "p95"
    assert attributes["meritorder.bound.ttft_ms.predicted"] == 700.0
    assert attributes["meritorder.bound.ttft_ms.p_keep"] == 0.97
    assert attributes["meritorder.bound.ttft_ms.samples"] == 40
    assert attributes["meritorder.bound.ttft_ms.fact"] == pytest.approx(502.0)
    assert attributes["meritorder.bound.ttft_ms.verdict"] == "kept"
    assert attributes[names.VERDICT] == "kept"


def test_two_percentiles_of_one_kind_do_not_overwrite_each_other() -> None:
    median = Bound(BoundKind.TTFT, 300.0, percentile=0.5)
    attributes = spans_of(a_record(bounds=(median, TTFT_BOUND)))[0].attributes

    assert attributes["meritorder.bound.ttft_ms.limit"] == 1000.0
    assert attributes["meritorder.bound.ttft_ms.p50.limit"] == 300.0
    assert attributes["meritorder.bound.ttft_ms.p50.verdict"] == "missed"
    assert attributes[names.MISSED] == ["ttft_ms"]


def test_forecast_and_fact_stand_side_by_side_without_bounds_too() -> None:
    server, client = spans_of(a_record(bounds=()))

    for span in (server, client):
        assert span.attributes[names.FORECAST_TTFT_MS] == 700.0
        assert span.attributes[names.FORECAST_E2E_MS] == 9000.0
    assert server.attributes[names.FACT_TTFT_MS] == pytest.approx(502.0)
    assert client.attributes[names.FACT_TTFT_MS] == pytest.approx(500.0)
    assert server.attributes[names.FACT_E2E_MS] == pytest.approx(2502.0)
    assert server.attributes[names.FACT_TPS] == pytest.approx(50.0)
    assert server.attributes[names.FACT_COST_USD] == 0.0025
    assert server.attributes[names.VERDICT] == "none"


def test_the_choice_and_what_was_ruled_out_can_be_read() -> None:
    attributes = spans_of(a_record())[0].attributes

    assert attributes[names.ENDPOINT] == "deepseek-r1@parasail"
    assert attributes[names.PROVIDER] == "parasail"
    assert attributes[names.RESPONSE_MODEL] == "parasail-deepseek-r1"
    assert attributes[names.PLAN] == [
        "deepseek-r1@parasail: 0.0025 USD, p_keep 0.97",
        "deepseek-r1@friendli: 0.0025 USD, p_keep 0.97",
    ]
    assert attributes[names.REJECTED] == [
        "deepseek-r1@deepseek: bound (ttft_ms 1000, p95 predicted 2.75e+04)",
        "tiny@lab: context (limit 8192, is 9000)",
    ]


def test_the_price_of_a_miss_and_the_reasons_are_counted() -> None:
    crowded = a_decision(PARASAIL)
    narrow = Rejection(an_endpoint("narrow").id, Reason.CONTEXT, limit=8192, value=9000)
    decision = crowded._replace(out=(*crowded.out, narrow), lam=12.5, unweighed=3)
    attributes = spans_of(a_record(decisions=(decision,)))[0].attributes

    assert attributes[names.OUT_COUNT.format("context")] == 2
    assert attributes[names.OUT_COUNT.format("bound")] == 1
    assert names.OUT_COUNT.format("cooling") not in attributes
    assert (attributes[names.LAM], attributes[names.UNWEIGHED]) == (12.5, 3)
    assert attributes[names.FORECAST_P_KEEP] == 0.97


def test_a_crowd_of_endpoints_is_listed_up_to_twenty() -> None:
    out = tuple(
        Rejection(an_endpoint(f"p{n}").id, Reason.CAPABILITY, detail="no tools") for n in range(50)
    )
    crowd = a_decision(*(an_endpoint(f"q{n}") for n in range(50)))
    crowd = type(crowd)(crowd.status, crowd.plan, out, crowd.input_tokens, crowd.forecast)
    attributes = spans_of(a_record(decisions=(crowd,)))[0].attributes

    for name in (names.PLAN, names.REJECTED):
        listed = attributes[name]
        assert isinstance(listed, list)
        assert len(listed) == 20


def test_five_token_counts_and_the_cost_stand_on_the_attempt() -> None:
    client = spans_of(a_record())[1].attributes

    assert client[names.INPUT_TOKENS] == 120
    assert client[names.FRESH_INPUT_TOKENS] == 100
    assert client[names.CACHE_READ_TOKENS] == 15
    assert client[names.CACHE_WRITE_TOKENS] == 5
    assert client[names.OUTPUT_TOKENS] == 101
    assert client[names.TEXT_TOKENS] == 71
    assert client[names.REASONING_TOKENS] == 30
    assert client[names.COST_NANO_USD] == 2_500_000
    assert client[names.ESTIMATED] is False


def test_tokens_are_told_once_in_a_trace() -> None:
    assert names.INPUT_TOKENS not in spans_of(a_record())[0].attributes


def test_an_attempt_names_the_host_but_nothing_else_of_its_url() -> None:
    endpoint = an_endpoint("secret", "https://user:hunter2@api.example.com/v1?key=hunter2")
    record = a_record(attempts=(an_attempt(endpoint),))
    record = msgspec.structs.replace(record, endpoints={endpoint.id: endpoint})
    client = spans_of(record)[1].attributes

    assert client[names.SERVER_ADDRESS] == "api.example.com"
    assert client[names.SERVER_PORT] == 443
    assert "hunter2" not in repr(spans_of(record))


def test_a_failover_shows_both_attempts_and_whose_forecast_it_was() -> None:
    server, first, second = spans_of(a_record(attempts=(BROKEN, SECOND)))

    assert first.error is Kind.SERVER_ERROR
    assert first.attributes[names.HTTP_STATUS] == 500
    assert first.attributes[names.ERROR_TYPE] == "upstream_error"
    assert (second.error, server.error) == (None, None)
    assert second.attributes[names.SERVER_PORT] == 9000
    assert second.attributes[names.ATTEMPT_NUMBER] == 2
    assert names.FORECAST_TTFT_MS not in second.attributes
    assert server.attributes[names.ATTEMPTS] == 2
    assert server.attributes[names.ENDPOINT] == FRIENDLI.id
    assert server.attributes[names.FORECAST_ENDPOINT] == PARASAIL.id
    assert server.attributes[names.HTTP_STATUS] == 200


def test_a_replanned_attempt_shows_its_own_forecast() -> None:
    again = a_decision(FRIENDLI, predicted_ms=900.0)
    record = a_record(attempts=(BROKEN, SECOND), decisions=(a_decision(PARASAIL), again))
    _, first, second = spans_of(record)

    assert first.attributes[names.FORECAST_TTFT_MS] == 700.0
    assert second.attributes[names.FORECAST_TTFT_MS] == 900.0


def test_a_refusal_is_one_span_with_its_reasons() -> None:
    fault = Fault(Kind.INFEASIBLE, "no endpoint can")
    (server,) = spans_of(a_record(attempts=(), decisions=(a_decision(),), fault=fault))

    assert server.attributes[names.HTTP_STATUS] == 422
    assert server.attributes[names.ERROR_TYPE] == "sla_infeasible"
    assert server.attributes[names.VERDICT] == "missed"
    assert names.REJECTED in server.attributes
    assert names.ENDPOINT not in server.attributes


def test_a_request_that_was_never_planned_has_a_span_all_the_same() -> None:
    (server,) = spans_of(a_record(attempts=(), decisions=(), fault=Fault(Kind.NO_MODEL, "none")))

    assert server.attributes[names.HTTP_STATUS] == 404


def test_a_providers_refusal_keeps_its_status() -> None:
    upstream = UpstreamError(429, b"{}", "application/json")
    fault = Fault(Kind.RATE_LIMITED, "slow down", upstream=upstream)
    attempt = an_attempt(ttft_s=None, fault=Kind.RATE_LIMITED, status=429)

    server = spans_of(a_record(attempts=(attempt,), fault=fault))[0]

    assert server.attributes[names.HTTP_STATUS] == 429


def test_refused_credentials_are_not_told_as_the_clients() -> None:
    upstream = UpstreamError(401, b"{}", "application/json")
    fault = Fault(Kind.CREDENTIALS, "endpoint parasail", upstream=upstream)
    attempt = an_attempt(ttft_s=None, fault=Kind.CREDENTIALS, status=401)

    server = spans_of(a_record(attempts=(attempt,), fault=fault))[0]

    assert server.attributes[names.HTTP_STATUS] == 502


def test_a_stream_that_broke_off_had_answered_200() -> None:
    attempt = an_attempt(fault=Kind.BROKEN)

    server = spans_of(a_record(attempts=(attempt,), fault=Fault(Kind.BROKEN, "gone")))[0]

    assert server.attributes[names.HTTP_STATUS] == 200
    assert server.error is Kind.BROKEN


def test_a_client_that_hung_up_is_no_error() -> None:
    attempt = an_attempt(fault=Kind.CANCELLED)

    server, client = spans_of(
        a_record(attempts=(attempt,), fault=Fault(Kind.CANCELLED, "client gone"))
    )

    assert (server.error, client.error) == (None, None)
    assert names.HTTP_STATUS not in server.attributes
    assert server.attributes["meritorder.bound.ttft_ms.verdict"] == "unmeasured"
    assert names.MISSED not in server.attributes


@pytest.mark.parametrize("kind", Kind)
def test_a_server_span_fails_by_every_fault_but_the_clients(kind: Kind) -> None:
    server = spans_of(a_record(attempts=(), fault=Fault(kind, "")))[0]

    assert (server.error is kind) is (FAULTS[kind].whose not in (Whose.CLIENT, Whose.NOBODY))
    assert server.attributes[names.ERROR_TYPE] == kind.value


def test_what_clients_and_providers_wrote_is_cut() -> None:
    long = an_attempt()._replace(upstream_id="x" * 5000, finish="y" * 5000)
    spans = spans_of(a_record(attempts=(long,), model="m" * 5000, request_id="r" * 5000))

    for span in spans:
        assert len(span.name) < 200
        for value in span.attributes.values():
            for text in value if isinstance(value, list) else [value]:
                assert len(str(text)) <= 128


def test_no_value_is_anything_but_a_finite_number_or_text() -> None:
    for span in spans_of(a_record(attempts=(BROKEN, SECOND))):
        for name, value in span.attributes.items():
            assert isinstance(value, str | bool | int | float | list), name
            assert not isinstance(value, float) or math.isfinite(value), name
