"""Records of requests as they may end."""

from __future__ import annotations

from router.core.answer import Usage
from router.core.ask import Ask, Bound, BoundKind, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price
from router.core.decision import (
    Decision,
    Expectation,
    Forecast,
    Option,
    Reason,
    Rejection,
    Status,
)
from router.core.faults import Fault, Kind
from router.core.measure import Attempt, Outcome
from router.ports import Record, TraceContext

RECEIVED_WALL = 1_760_000_000.0
RECEIVED_MONO = 5_000.0
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENT_SPAN = "00f067aa0ba902b7"
SERVER_SPAN = "1111111111111111"
TTFT_BOUND = Bound(BoundKind.TTFT, 1000.0)


def an_endpoint(name: str = "parasail", base_url: str = "https://api.parasail.io/v1") -> Endpoint:
    return Endpoint(
        id=EndpointId(f"deepseek-r1@{name}"),
        provider=name,
        model=f"{name}/deepseek-r1",
        upstream_model=f"{name}-deepseek-r1",
        family="deepseek-r1",
        serves=(ModelName("deepseek-r1"),),
        base_url=base_url,
        context=164_000,
        price=Price(2.0, 4.0),
        api_key_env="PARASAIL_API_KEY",
    )


PARASAIL = an_endpoint()
FRIENDLI = an_endpoint("friendli", "http://friendli.internal:9000/v1")


def a_decision(
    *plan: Endpoint, bounds: tuple[Bound, ...] = (TTFT_BOUND,), predicted_ms: float = 700.0
) -> Decision:
    expectations = tuple(
        Expectation(b.kind, b.limit, predicted_ms, b.percentile, 0.97, 40) for b in bounds
    )
    ruled_out = Expectation(BoundKind.TTFT, 1000.0, 27_500.0, 0.95, 0.01, 12)
    return Decision(
        status=Status.OK,
        plan=tuple(Option(e, 0.0031, 0.0025, 0.97) for e in plan),
        out=(
            Rejection(EndpointId("deepseek-r1@deepseek"), Reason.BOUND, expectations=(ruled_out,)),
            Rejection(EndpointId("tiny@lab"), Reason.CONTEXT, limit=8192, value=9000),
        ),
        input_tokens=120.0,
        forecast=Forecast(predicted_ms, 9000.0, 60.0, 610.0, 120.0, 0.0025, 0.97, expectations)
        if plan
        else None,
    )


def an_attempt(
    endpoint: Endpoint = PARASAIL,
    *,
    number: int = 1,
    sent: float = RECEIVED_MONO + 0.002,
    ttft_s: float | None = 0.5,
    fault: Kind | None = None,
    status: int | None = 200,
) -> Attempt:
    first = None if ttft_s is None else sent + ttft_s
    return Attempt(
        endpoint=endpoint.id,
        number=number,
        started_wall=RECEIVED_WALL + 0.002,
        sent=sent,
        ended=(first or sent) + 2.0,
        first=first,
        first_answer=None if first is None else first + 1.0,
        last=None if first is None else first + 2.0,
        usage=Usage(fresh_input=100, cache_read=15, cache_write=5, text=71, reasoning=30),
        visible_tokens=101.0,
        cost_nano_usd=2_500_000 if fault is None else 0,
        fault=fault,
        status=status,
        finish="stop" if fault is None else None,
        upstream_id="req_parasail_77",
    )


def a_record(
    *,
    attempts: tuple[Attempt, ...] | None = None,
    bounds: tuple[Bound, ...] = (TTFT_BOUND,),
    fault: Fault | None = None,
    context: TraceContext | None = None,
    decisions: tuple[Decision, ...] | None = None,
    request_id: str = "req-1",
    model: str = "deepseek-r1",
) -> Record:
    attempts = (an_attempt(),) if attempts is None else attempts
    sla = Sla(bounds=bounds, policy="interactive")
    ended = attempts[-1].ended + 0.001 if attempts else RECEIVED_MONO + 0.003
    return Record(
        ask=Ask(request_id, ModelName(model), sla, PromptSize(400), stream=True, max_tokens=2000),
        outcome=Outcome(attempts, RECEIVED_MONO, ended, fault.kind if fault else None, sla),
        decisions=(a_decision(PARASAIL, FRIENDLI, bounds=bounds),)
        if decisions is None
        else decisions,
        received_wall=RECEIVED_WALL,
        overhead_s=0.002,
        context=context or TraceContext(TRACE_ID, CLIENT_SPAN, sampled=True),
        span_id=SERVER_SPAN,
        attempt_span_ids=tuple(f"{2 + n:x}" * 16 for n in range(len(attempts))),
        endpoints={e.id: e for e in (PARASAIL, FRIENDLI)},
        fault=fault,
    )


def unsampled(trace_id: str = TRACE_ID) -> TraceContext:
    return TraceContext(trace_id, CLIENT_SPAN, sampled=False)
