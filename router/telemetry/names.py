"""Every string that leaves in a span.

``gen_ai.*``, ``server.*``, ``http.*`` and ``error.type`` are OpenTelemetry's. The GenAI conventions
are still in development and have moved twice, so a rename must be a change of this file alone.
``meritorder.*`` is ours: what was declared, expected and delivered, and why. In the templates
``{}`` is a bound's kind (``ttft_ms``), in ``OUT_COUNT`` a reason (``context``). Each name is
explained, with its unit, in docs/tracing.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.core.surface import Surface

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
HTTP_STATUS: Final = "http.response.status_code"
ERROR_TYPE: Final = "error.type"

OPERATIONS: Final[Mapping[Surface, str]] = MappingProxyType(
    {
        Surface.CHAT: "chat",
        Surface.RESPONSES: "chat",
        Surface.MESSAGES: "chat",
        Surface.COMPLETIONS: "text_completion",
        Surface.EMBEDDINGS: "embeddings",
        Surface.COUNT_TOKENS: "count_tokens",
    }
)
"""The conventions know few operations; ``SURFACE`` tells the dialect."""

SURFACE: Final = "meritorder.surface"
DECISION_ID: Final = "meritorder.decision.id"
STATUS: Final = "meritorder.status"
PLAN: Final = "meritorder.plan"
REJECTED: Final = "meritorder.rejected"
OUT_COUNT: Final = "meritorder.out.{}"
UNWEIGHED: Final = "meritorder.unweighed"
LAM: Final = "meritorder.lam"
ENDPOINT: Final = "meritorder.endpoint"
POLICY: Final = "meritorder.policy"
MODE: Final = "meritorder.mode"
CLASS: Final = "meritorder.class"
VERDICT: Final = "meritorder.verdict"
MISSED: Final = "meritorder.missed"
ATTEMPTS: Final = "meritorder.attempts"
ATTEMPT_NUMBER: Final = "meritorder.attempt.number"
UPSTREAM_ID: Final = "meritorder.upstream.id"
OVERHEAD_MS: Final = "meritorder.overhead_ms"
COST_NANO_USD: Final = "meritorder.cost_nano_usd"
ESTIMATED: Final = "meritorder.estimated"
FRESH_INPUT_TOKENS: Final = "meritorder.tokens.fresh_input"
TEXT_TOKENS: Final = "meritorder.tokens.text"

FORECAST_ENDPOINT: Final = "meritorder.forecast.endpoint"
FORECAST_TTFT_MS: Final = "meritorder.forecast.ttft_ms"
FORECAST_E2E_MS: Final = "meritorder.forecast.e2e_ms"
FORECAST_TPS: Final = "meritorder.forecast.tps"
FORECAST_INPUT_TOKENS: Final = "meritorder.forecast.input_tokens"
FORECAST_OUTPUT_TOKENS: Final = "meritorder.forecast.output_tokens"
FORECAST_COST_USD: Final = "meritorder.forecast.cost_usd"
FORECAST_P_KEEP: Final = "meritorder.forecast.p_keep"

FACT_TTFT_MS: Final = "meritorder.fact.ttft_ms"
FACT_TTFAT_MS: Final = "meritorder.fact.ttfat_ms"
FACT_E2E_MS: Final = "meritorder.fact.e2e_ms"
FACT_TPS: Final = "meritorder.fact.tps"
FACT_OUTPUT_TOKENS: Final = "meritorder.fact.output_tokens"
FACT_COST_USD: Final = "meritorder.fact.cost_usd"

BOUND_LIMIT: Final = "meritorder.bound.{}.limit"
BOUND_PERCENTILE: Final = "meritorder.bound.{}.percentile"
BOUND_PREDICTED: Final = "meritorder.bound.{}.predicted"
BOUND_P_KEEP: Final = "meritorder.bound.{}.p_keep"
BOUND_SAMPLES: Final = "meritorder.bound.{}.samples"
BOUND_FACT: Final = "meritorder.bound.{}.fact"
BOUND_VERDICT: Final = "meritorder.bound.{}.verdict"

EVENT_FIRST_TOKEN: Final = "meritorder.first_token"  # noqa: S105 - an event's name
EVENT_FIRST_ANSWER: Final = "meritorder.first_answer"
