"""LiteLLM itself under replay: its router, its strategy classes, its cooldowns, a frozen clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from router.core.faults import Kind
from router.simulate.rivals.litellm_cooldowns import status_of
from tests.simulate.rivals.market import START_WALL
from tests.simulate.rivals.recorded import ENDPOINTS, PRICES, SERVES, Result, Row


class Theirs:
    """A ``litellm.Router``, told of calls as its own callbacks are."""

    def __init__(self, litellm: Any, strategy: str, rng: Random, patch: pytest.MonkeyPatch) -> None:
        self._litellm, self.now = litellm, 0.0
        self._router = litellm.Router(
            model_list=[_deployment(n, m) for n in ENDPOINTS for m in SERVES[n]],
            routing_strategy=strategy,
        )
        self._handler: Any = {
            "latency-based-routing": "lowestlatency_logger",
            "cost-based-routing": "lowestcost_logger",
            "usage-based-routing-v2": "lowesttpm_logger_v2",
            "least-busy": "leastbusy_logger",
            "simple-shuffle": "",
        }[strategy]
        self._handler = getattr(self._router, self._handler) if self._handler else None
        from litellm.router_strategy import lowest_latency, lowest_tpm_rpm_v2, simple_shuffle

        for module in (lowest_latency, lowest_tpm_rpm_v2, simple_shuffle):
            patch.setattr(module, "random", rng)
        patch.setattr(lowest_tpm_rpm_v2, "get_utc_datetime", self._utc)
        clock = SimpleNamespace(time=lambda: START_WALL + self.now)
        from litellm.caching import in_memory_cache
        from litellm.router_utils import cooldown_cache

        patch.setattr(in_memory_cache, "time", clock)
        patch.setattr(cooldown_cache, "time", clock)

    def _utc(self) -> datetime:
        return datetime.fromtimestamp(START_WALL + self.now, UTC)

    async def pick(self, row: Row, now: float) -> str | None:
        del now
        try:
            found = await self._router.async_get_available_deployment(
                model=row.model,
                request_kwargs={"stream": row.stream, "metadata": {}},
                messages=[{"role": "user", "content": "hello"}],
            )
        except (self._litellm.RateLimitError, ValueError) as error:
            if "No deployments available" not in str(error):
                raise
            return None
        name: str = found["model_info"]["id"].split("/")[0]
        if self._handler is not None and hasattr(self._handler, "log_pre_api_call"):
            self._handler.log_pre_api_call("", [], self._kwargs(row, name))
        return name

    async def ended(self, row: Row, name: str, result: Result, sent: float, now: float) -> None:
        kwargs, start = self._kwargs(row, name), datetime.fromtimestamp(START_WALL + sent, UTC)
        end = start + timedelta(seconds=now - sent)
        if result.fault is None:
            usage = self._litellm.Usage(1000, result.tokens, 1000 + result.tokens)
            answer = self._litellm.ModelResponse(usage=usage)
            kwargs["completion_start_time"] = start + timedelta(seconds=result.ttft_s)
            kwargs["standard_logging_object"] = {
                "model_group": row.model,
                "model_id": f"{name}/{row.model}",
                "hidden_params": {"litellm_model_name": f"openai/{name}"},
                "total_tokens": usage.total_tokens,
            }
            if self._handler is not None:
                await self._handler.async_log_success_event(kwargs, answer, start, end)
            await self._router.deployment_callback_on_success(kwargs, answer, start, end)
            return
        kwargs["exception"] = self._exception(result)
        if self._handler is not None:
            await self._handler.async_log_failure_event(kwargs, None, start, end)
        self._router.deployment_callback_on_failure(kwargs, None, start, end)

    def _kwargs(self, row: Row, name: str) -> dict[str, Any]:
        info = {"id": f"{name}/{row.model}"}
        metadata = {"model_group": row.model, "deployment": f"openai/{name}", "model_info": info}
        params = {"metadata": metadata, "model_info": info}
        return {"litellm_params": params, "stream": row.stream, "model": f"openai/{name}"}

    def _exception(self, result: Result) -> Exception:
        import httpx

        fault = result.fault
        assert fault is not None
        headers = {} if result.retry_after_s is None else {"retry-after": str(result.retry_after_s)}
        request = httpx.Request("POST", "http://x.invalid")
        response = httpx.Response(status_of(fault), headers=headers, request=request)
        said = {"message": "failed", "llm_provider": "openai", "model": "x"}
        raised: Exception
        if fault is Kind.FIRST_TOKEN_TIMEOUT:
            raised = self._litellm.Timeout(**said)
        else:
            kind = {
                Kind.SERVER_ERROR: self._litellm.BadGatewayError,
                Kind.RATE_LIMITED: self._litellm.RateLimitError,
                Kind.CONTEXT_EXCEEDED: self._litellm.ContextWindowExceededError,
                Kind.CREDENTIALS: self._litellm.AuthenticationError,
            }[fault]
            raised = kind(**said, response=response)
        return raised


def _deployment(name: str, model: str) -> dict[str, Any]:
    return {
        "model_name": model,
        "litellm_params": {
            "model": f"openai/{name}",
            "api_key": "none",
            "input_cost_per_token": PRICES[name] / 1e6,
            "output_cost_per_token": PRICES[name] / 1e6,
        },
        "model_info": {"id": f"{name}/{model}"},
    }
