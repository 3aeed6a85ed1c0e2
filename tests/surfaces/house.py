"""A fake dispatcher behind the real surfaces on a real socket, for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from router.core.answer import Usage
from router.core.ask import Ask, Bound, BoundKind, Mode, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price
from router.core.decision import (
    Decision,
    Expectation,
    Explained,
    Forecast,
    Option,
    Reason,
    Rejection,
    Shadow,
    Status,
)
from router.core.measure import Attempt, Outcome
from router.core.policy import DEFAULT_POLICY, Policy
from router.core.portrait import Survey
from router.ports import Call, Downstream, Head, TraceContext
from router.surfaces.door import Door
from router.surfaces.http import RUNNER, make_app
from router.surfaces.service import Service

POLICIES = {
    "default": DEFAULT_POLICY,
    "interactive": Policy(
        "interactive",
        sla=Sla(
            bounds=(Bound(BoundKind.TTFT, 1000.0, 0.9), Bound(BoundKind.TPS, 20.0, 0.9)),
            percentile=0.9,
            policy="interactive",
        ),
    ),
    "strict": Policy("strict", sla=Sla(mode=Mode.STRICT, policy="strict")),
}


def endpoint(name: str, **more: Any) -> Endpoint:
    model, _, provider = name.partition("@")
    made = Endpoint(
        id=EndpointId(name),
        provider=provider,
        model=f"{provider}/{model}",
        upstream_model=model,
        family=model,
        serves=(ModelName("deepseek-r1"),),
        base_url="http://127.0.0.1:9/v1",
        context=65_536,
        price=Price(0.55, 2.19),
    )
    return replace(made, **more)


CHEAP = endpoint("deepseek-r1@deepseek")
QUICK = endpoint("deepseek-r1@parasail", context=164_000, price=Price(2.0, 4.0))


def forecast(cost_usd: float, ttft_ms: float, *expectations: Expectation) -> Forecast:
    return Forecast(ttft_ms, 20_000.0, 30.0, 900.0, 120.0, cost_usd, 0.97, expectations)


TOO_SLOW = Expectation(BoundKind.TTFT, 1000.0, 27_000.4, 0.95, 0.001, 12)


SHADOW = Shadow(BoundKind.TTFT, 1000.0, 1250.0, CHEAP.id, 0.002_000_000_1)


def explained(*, refused: bool = False) -> Explained:
    cheap, quick = forecast(0.002, 27_000.0, TOO_SLOW), forecast(0.0040000001, 430.4)
    out = Rejection(CHEAP.id, Reason.BOUND, "too slow", cost_usd=0.002, expectations=(TOO_SLOW,))
    if refused:
        narrow = Rejection(QUICK.id, Reason.CONTEXT, "too narrow", limit=200_000.0, value=164_000.0)
        decision = Decision(Status.BEST_EFFORT, (), (narrow,), 120.0)
        return Explained(decision, ((CHEAP, cheap), (QUICK, quick)), (out,))
    plan = (Option(QUICK, 0.004, 0.004, 0.97),)
    decision = Decision(Status.OK, plan, (), 120.0, quick)
    return Explained(decision, ((QUICK, quick), (CHEAP, cheap)), (out,), (SHADOW,))


def outcome(ask: Ask, received: float = 100.0, *, streamed: bool = True) -> Outcome:
    attempt = Attempt(
        endpoint=QUICK.id,
        number=1,
        started_wall=1_800_000_000.0,
        sent=received,
        ended=received + 2.0,
        first=received + 0.43 if streamed else None,
        usage=Usage(fresh_input=120, text=30),
        cost_nano_usd=360_000,
        streamed=streamed,
    )
    return Outcome((attempt,), received, received + 2.0, None, ask.sla)


def head(ask: Ask, found: Outcome | None = None) -> Head:
    told = explained()
    passed = {"openai-processing-ms": "12", "set-cookie": "a=b", "content-length": "3"}
    return Head(ask, told.decision, QUICK, 1, 0.000_31, passed, found)


WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"r1","choices":['
    b'{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
)
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"r1",'
    b'"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
)
DONE = b"data: [DONE]\n\n"

Script = Callable[[Ask, Call, Downstream], Awaitable[None]]


async def answer(ask: Ask, call: Call, downstream: Downstream) -> None:
    """Serve as the dispatcher would: a stream piece by piece, a whole answer in one."""
    told = explained() if ask.explain else None
    found = outcome(ask, streamed=ask.stream)
    await downstream.begin(head(ask, None if ask.stream else found))
    for piece in (CHUNK, CHUNK + DONE) if ask.stream else (WHOLE,):
        await downstream.write(piece)
    await downstream.finish(found, told)


def fails(fault: BaseException) -> Script:
    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        raise fault

    return script


@dataclass
class FakeDispatcher:
    """Runs the script it was given, and remembers what it was asked."""

    script: Script = answer
    seen: list[tuple[Ask, Call]] = field(default_factory=list)

    async def run(
        self,
        ask: Ask,
        call: Call,
        downstream: Downstream,
        context: TraceContext,
        received: float,
    ) -> None:
        self.seen.append((ask, call))
        await self.script(ask, call, downstream)

    def explain(self, ask: Ask) -> Explained:
        return explained()


class StillClock:
    def wall(self) -> float:
        return 1_800_000_000.0

    def mono(self) -> float:
        return 100.0

    def real_s(self, seconds: float) -> float:
        return seconds


def no_trace(headers: Mapping[str, str]) -> TraceContext:
    return TraceContext("0" * 31 + "1")


def service(dispatcher: FakeDispatcher, **more: Any) -> Service:
    ids = itertools.count(1)
    settings: dict[str, Any] = {
        "dispatcher": dispatcher,
        "served": {"deepseek-r1": (CHEAP, QUICK), "reasoning": (QUICK,)},
        "clock": StillClock(),
        "new_id": lambda: f"req-{next(ids)}",
        "trace": no_trace,
        "health": lambda: {"ready": True, "redis": "ok", "endpoints": 2},
        "survey": lambda: Survey(1_800_000_000.0, (), ()),
        "count": lambda ask: 42,
        "policies": POLICIES,
        "door": Door(()),
    }
    return Service(**{**settings, **more})


@dataclass(frozen=True)
class House:
    """A running server: where it is, and what stands behind it."""

    url: str
    dispatcher: FakeDispatcher


@asynccontextmanager
async def running(script: Script = answer, **more: Any) -> AsyncIterator[House]:
    dispatcher = FakeDispatcher(script)
    runner = web.AppRunner(
        make_app(service(dispatcher, **more)), **{**RUNNER, "shutdown_timeout": 1.0}
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield House(f"http://{host}:{port}", dispatcher)
    finally:
        await runner.cleanup()


def body(**more: Any) -> dict[str, Any]:
    return {"model": "deepseek-r1", "messages": [{"role": "user", "content": "Hi"}], **more}
