"""Attributes of the two kinds of spans, in OpenTelemetry's words and ours.

Only numbers, enums and names from the configuration: nothing a provider or a client wrote freely,
but for the model asked for and ids, which are cut. A fault appears as its kind, since a message may
repeat what an upstream said. Token counts stand on the attempts only, so that a backend that adds
them up over a trace counts each once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from router.core.answer import Usage
from router.core.ask import BoundKind
from router.core.decision import Decision, Forecast, Option, Rejection
from router.core.measure import Attempt
from router.ports import Record
from router.telemetry import names
from router.telemetry.summary import Judged, Summary, judge, missed

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

MAX_LISTED: Final = 20
"""Endpoints named in one list of a span."""

MAX_TEXT: Final = 128
"""Characters kept of a string that came from outside."""

_FACTS: Final[tuple[tuple[BoundKind, str], ...]] = (
    (BoundKind.TTFT, names.FACT_TTFT_MS),
    (BoundKind.TTFAT, names.FACT_TTFAT_MS),
    (BoundKind.E2E, names.FACT_E2E_MS),
    (BoundKind.TPS, names.FACT_TPS),
    (BoundKind.ANSWER_TOKENS, names.FACT_OUTPUT_TOKENS),
    (BoundKind.COST, names.FACT_COST_USD),
)


def of_request(record: Record, summary: Summary) -> Attributes:
    """Attributes of the server span: what was declared, expected, delivered, and at what cost."""
    ask, outcome = record.ask, record.outcome
    endpoint = record.endpoints.get(summary.serving) if summary.serving else None
    pairs: dict[str, Value | None] = {
        names.OPERATION: names.OPERATIONS[ask.surface],
        names.SURFACE: ask.surface.value,
        names.REQUEST_MODEL: clip(ask.model),
        names.REQUEST_STREAM: ask.stream,
        names.REQUEST_MAX_TOKENS: ask.max_tokens,
        names.PROVIDER: endpoint.provider if endpoint else None,
        names.RESPONSE_MODEL: endpoint.upstream_model if endpoint else None,
        names.HTTP_STATUS: summary.http_status,
        names.ERROR_TYPE: outcome.fault.value if outcome.fault else None,
        names.DECISION_ID: clip(ask.id),
        names.STATUS: summary.decision.status.value if summary.decision else None,
        names.ENDPOINT: summary.serving,
        names.POLICY: ask.sla.policy,
        names.MODE: ask.sla.mode.value,
        names.CLASS: clip(ask.sla.class_key(ask.model)),
        names.VERDICT: summary.verdict.value,
        names.MISSED: missed(outcome) or None,
        names.ATTEMPTS: len(outcome.attempts),
        names.OVERHEAD_MS: 1000 * record.overhead_s,
        names.COST_NANO_USD: outcome.cost_nano_usd,
        names.ESTIMATED: outcome.estimated,
        names.FORECAST_ENDPOINT: summary.forecast_for,
    }
    pairs.update(_of_decision(summary.decision))
    pairs.update(_of_forecast(summary.forecast))
    pairs.update((name, summary.facts.get(kind)) for kind, name in _FACTS)
    pairs.update(_of_bounds(judge(outcome, summary)))
    return _known(pairs)


def of_attempt(record: Record, attempt: Attempt) -> Attributes:
    """Attributes of a client span: one try at one endpoint, on the attempt's own clock."""
    endpoint = record.endpoints.get(attempt.endpoint)
    address, port = _host(endpoint.base_url) if endpoint else (None, None)
    pairs: dict[str, Value | None] = {
        names.OPERATION: names.OPERATIONS[record.ask.surface],
        names.REQUEST_MODEL: endpoint.upstream_model if endpoint else clip(record.ask.model),
        names.REQUEST_STREAM: attempt.streamed,
        names.REQUEST_MAX_TOKENS: record.ask.max_tokens,
        names.PROVIDER: endpoint.provider if endpoint else None,
        names.FINISH_REASONS: [clip(attempt.finish)] if attempt.finish else None,
        names.TIME_TO_FIRST_CHUNK: attempt.ttft_s,
        names.SERVER_ADDRESS: address,
        names.SERVER_PORT: port,
        names.HTTP_STATUS: attempt.status,
        names.ERROR_TYPE: attempt.fault.value if attempt.fault else None,
        names.ENDPOINT: attempt.endpoint,
        names.ATTEMPT_NUMBER: attempt.number,
        names.UPSTREAM_ID: clip(attempt.upstream_id) or None,
        names.COST_NANO_USD: attempt.cost_nano_usd,
        names.FACT_TTFT_MS: None if attempt.ttft_s is None else 1000 * attempt.ttft_s,
        names.FACT_TTFAT_MS: None if attempt.ttfat_s is None else 1000 * attempt.ttfat_s,
        names.FACT_E2E_MS: 1000 * attempt.e2e_s,
        names.FACT_TPS: attempt.tps,
    }
    pairs.update(_of_usage(attempt.usage))
    pairs.update(_of_forecast(_forecast_of(attempt, record.decisions)))
    return _known(pairs)


def span_model(record: Record, attempt: Attempt | None = None) -> str:
    """``gen_ai.request.model`` of the request, or as one attempt asked for it."""
    endpoint = record.endpoints.get(attempt.endpoint) if attempt else None
    return endpoint.upstream_model if endpoint else clip(record.ask.model)


def clip(text: str) -> str:
    """Keep the first ``MAX_TEXT`` characters."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _known(pairs: Mapping[str, Value | None]) -> Attributes:
    return {name: value for name, value in pairs.items() if value is not None}


def _forecast_of(attempt: Attempt, decisions: Sequence[Decision]) -> Forecast | None:
    """The latest forecast that was made for the endpoint of this attempt."""
    for decision in reversed(decisions):
        if decision.chosen is not None and decision.chosen.id == attempt.endpoint:
            return decision.forecast
    return None


def _of_forecast(forecast: Forecast | None) -> Mapping[str, Value]:
    if forecast is None:
        return {}
    return {
        names.FORECAST_TTFT_MS: forecast.ttft_ms,
        names.FORECAST_E2E_MS: forecast.e2e_ms,
        names.FORECAST_TPS: forecast.tps,
        names.FORECAST_INPUT_TOKENS: forecast.input_tokens,
        names.FORECAST_OUTPUT_TOKENS: forecast.output_tokens,
        names.FORECAST_COST_USD: forecast.cost_usd,
        names.FORECAST_P_KEEP: forecast.p_keep,
    }


def _of_usage(usage: Usage | None) -> Mapping[str, Value]:
    if usage is None:
        return {}
    return {
        names.INPUT_TOKENS: usage.input,
        names.FRESH_INPUT_TOKENS: usage.fresh_input,
        names.CACHE_READ_TOKENS: usage.cache_read,
        names.CACHE_WRITE_TOKENS: usage.cache_write,
        names.OUTPUT_TOKENS: usage.output,
        names.TEXT_TOKENS: usage.text,
        names.REASONING_TOKENS: usage.reasoning,
        names.ESTIMATED: usage.estimated,
    }


def _of_bounds(judged: Sequence[Judged]) -> Iterator[tuple[str, Value | None]]:
    """The tightest percentile of a kind has the plain name, others add theirs: ``ttft_ms.p50``."""
    told: set[BoundKind] = set()
    for each in judged:
        bound, expected = each.bound, each.expected
        percentile = f"p{100 * bound.percentile:g}"
        kind = f"{bound.kind.value}.{percentile}" if bound.kind in told else bound.kind.value
        told.add(bound.kind)
        yield names.BOUND_LIMIT.format(kind), bound.limit
        yield names.BOUND_PERCENTILE.format(kind), percentile
        yield names.BOUND_FACT.format(kind), each.fact
        yield names.BOUND_VERDICT.format(kind), each.verdict.value
        if expected is not None:
            yield names.BOUND_PREDICTED.format(kind), expected.predicted
            yield names.BOUND_P_KEEP.format(kind), expected.p_keep
            yield names.BOUND_SAMPLES.format(kind), expected.samples


def _of_decision(decision: Decision | None) -> Mapping[str, Value | None]:
    if decision is None:
        return {}
    counted = Counter(out.reason.value for out in decision.out)
    return {
        **{names.OUT_COUNT.format(reason): count for reason, count in counted.items()},
        names.UNWEIGHED: decision.unweighed,
        names.LAM: decision.lam,
        names.PLAN: [_option(option) for option in decision.plan[:MAX_LISTED]] or None,
        names.REJECTED: [_rejection(out) for out in decision.out[:MAX_LISTED]] or None,
    }


def _option(option: Option) -> str:
    return f"{option.endpoint.id}: {option.cost_usd:.6g} USD, p_keep {option.p_keep:.3g}"


def _rejection(out: Rejection) -> str:
    """``azure-r1: bound (ttft_ms 1000, p95 predicted 4200)``; the free ``detail`` is left out."""
    told = [
        f"{e.kind.value} {e.limit:g}, p{100 * e.percentile:g} predicted {e.predicted:.4g}"
        for e in out.expectations
    ]
    if out.limit is not None and out.value is not None:
        told.append(f"limit {out.limit:g}, is {out.value:g}")
    return f"{out.endpoint}: {out.reason.value}" + (f" ({'; '.join(told)})" if told else "")


@lru_cache(maxsize=1024)
def _host(base_url: str) -> tuple[str | None, int | None]:
    """Host and port; a user name or key inside the URL stays there."""
    parts = urlsplit(base_url)
    return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
