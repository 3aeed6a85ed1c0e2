"""``GET /v1/route/endpoints``: the state of every endpoint, for a person to read.

Units stand in the names; shares lie between 0 and 1. Nothing here is secret: no key, no name of a
variable that holds one, no address (which may carry one).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from router.core.candidate import Standing
from router.core.catalogue import Price
from router.core.portrait import ClassPortrait, Length, Portrait, Survey
from router.surfaces.guard import json_answer
from router.surfaces.service import Service

Json = dict[str, Any]

_USD_DECIMALS: Final = 9


async def endpoints_page(_request: web.Request, service: Service, request_id: str) -> web.Response:
    """Tell what is believed now."""
    return json_answer(survey_json(service.survey()), request_id)


def survey_json(survey: Survey) -> Json:
    """Tell endpoints in the operator's order, and the classes of requests."""
    return {
        "at": _time(survey.wall),
        "endpoints": [_endpoint(p, survey.wall) for p in survey.endpoints],
        "classes": [_class(c) for c in survey.classes],
    }


def _endpoint(told: Portrait, wall: float) -> Json:
    endpoint = told.endpoint
    return {
        "id": endpoint.id,
        "provider": endpoint.provider,
        "model": endpoint.upstream_model,
        "serves": list(endpoint.serves),
        "quantization": endpoint.quantization,
        "region": endpoint.region,
        "context_tokens": endpoint.context,
        "price": None if told.price is None else _price(told.price),
        "standing": None if told.standing is None else _standing(told.standing, wall),
        "believed": {
            "ttft_ms_p50": round(told.ttft_ms_p50, 1),
            "ttft_ms_p95": round(told.ttft_ms_p95, 1),
            "ttft_ms_per_1k_tokens": round(told.ttft_ms_per_1k, 1),
            "ttft_log_sd": round(told.ttft_doubt_sd, 3),
            "ttft_samples": told.ttft_samples,
            "tps_p50": round(told.tps_p50, 2),
            "tps_p5": round(told.tps_p5, 2),
            "tps_log_sd": round(told.tps_doubt_sd, 3),
            "tps_samples": told.tps_samples,
            "failure_share": round(told.failure_share, 4),
            "cache_hit_share": round(told.cache_hit_share, 3),
            "verbosity": round(told.verbosity, 3),
            "recent_samples": round(told.recent, 1),
        },
        "answers": [_length(length) for length in told.lengths],
    }


def _price(price: Price) -> Json:
    """Tell the price in force, per million tokens."""
    return {
        **_rates(price),
        "above": [{"prompt_tokens": tokens, **_rates(p)} for tokens, p in price.above],
        "tiers": {tier.value: _rates(p) for tier, p in price.tiers},
        "fee_usd_per_request": price.fee,
        "fee_usd_per_search": price.search,
        "source": price.source,
    }


def _rates(price: Price) -> Json:
    return {
        "input_usd": price.input,
        "output_usd": price.output,
        "cached_input_usd": price.cached_input,
        "cache_write_usd": price.cache_write,
        "cache_write_1h_usd": price.cache_write_1h,
        "reasoning_usd": price.reasoning,
        "audio_input_usd": price.audio_input,
        "audio_output_usd": price.audio_output,
    }


def _standing(standing: Standing, wall: float) -> Json:
    return {
        "reason": standing.reason.value,
        "until": _time(standing.until_wall),
        "for_s": round(max(0.0, standing.until_wall - wall), 1),
        "detail": standing.detail,
    }


def _length(length: Length) -> Json:
    return {
        "class": length.kind,
        "tokens_mean": round(length.mean, 1),
        "tokens_p50": round(length.p50, 1),
        "tokens_p95": round(length.p95, 1),
        "tokens_log_sd": round(length.doubt_sd, 3),
        "samples": length.samples,
    }


def _class(told: ClassPortrait) -> Json:
    stakes = told.stakes
    return {
        "class": told.kind,
        "policy": told.sla.policy,
        "model": told.model,
        "percentile": round(100 * told.sla.percentile, 3),
        "bounds": {b.kind.value: b.limit for b in told.sla.bounds},
        "miss_price_answers": round(stakes.lam, 3),
        "typical_cost_usd": round(stakes.typical_usd, _USD_DECIMALS),
        "turns": round(stakes.turns, 2),
    }


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
