"""Words the tests of the core are written in: endpoints, asks, attempts and beliefs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from router.core import lengths, stats
from router.core.answer import Usage
from router.core.ask import Ask, Bound, BoundKind, Mode, PromptSize, Sla
from router.core.candidate import Candidate, Standing, candidate
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price, Prior
from router.core.decision import Rejection
from router.core.effects import MODEL_SD, Outlook
from router.core.faults import Kind
from router.core.lengths import Lengths
from router.core.measure import Attempt
from router.core.stats import Stats
from router.core.tokens import Rates

R1 = ModelName("deepseek-r1")
NOON = 1_760_011_200.0
"""Thursday, 9 October 2025, 12:00 UTC."""

Sums = dict[str, list[float]]


def an_endpoint(
    name: str,
    input_usd: float = 1.0,
    output_usd: float = 4.0,
    *,
    ttft_ms: float = 800.0,
    ttft_ms_per_1k: float = 30.0,
    tps: float = 50.0,
    answer_tokens: float = 600.0,
    context: int = 131_072,
    family: str = "r1",
    price: Price | None = None,
) -> Endpoint:
    return Endpoint(
        id=EndpointId(name),
        provider=name.rpartition("@")[2],
        model=name,
        upstream_model=name,
        family=family,
        serves=(R1,),
        base_url=f"http://{name}/v1",
        context=context,
        price=price or Price(input_usd, output_usd),
        prior=Prior(ttft_ms, ttft_ms_per_1k, tps, answer_tokens),
    )


def empty() -> Sums:
    return {group.name: [0.0] * group.size for group in stats.GROUPS}


def a_belief(endpoint: Endpoint, sums: Sums | None = None) -> Stats:
    return stats.believed(endpoint.prior, sums or empty())


def known(endpoint: Endpoint, count: float = 400.0, sd: float = 0.2) -> Stats:
    """What is believed of an endpoint that has kept to its prior ``count`` times just now."""
    belief = a_belief(endpoint)
    cells = stats.SHAPE.size
    shape = [0.0] * cells
    for step in range(41):
        residual = (step - 20) / 8 * sd
        share = 2.718281828 ** (-((residual / sd) ** 2) / 2)
        cell = int((residual - stats.SHAPE_LOW) / stats.SHAPE_STEP)
        shape[cell] += share
    scale = count / sum(shape)
    sums = empty()
    sums["shape"] = [s * scale for s in shape]
    sums["line"][0] = count
    sums["fast"] = [count, 0.0, count, count * sd * sd, count, count * belief.speed]
    sums["sharp"] = [count, 0.0, count, count * belief.speed]
    sums["speed"] = [count, count * belief.speed, count * 0.01]
    sums["fails"], sums["fails_slow"] = [count, 0.0], [count, 0.0]
    return stats.believed(endpoint.prior, sums)


def some_lengths(tokens: float = 600.0) -> Lengths:
    nothing = [0.0] * lengths.LENGTHS.size
    return lengths.believed(Outlook(log(tokens), MODEL_SD), nothing, nothing)


def a_candidate(
    endpoint: Endpoint, belief: Stats | None = None, standing: Standing | None = None
) -> Candidate:
    return candidate(
        endpoint,
        known(endpoint) if belief is None else belief,
        some_lengths(endpoint.prior.answer_tokens),
        Rates(),
        standing,
    )


def an_ask(
    *bounds: Bound,
    prompt_tokens: int = 500,
    percentile: float = 0.95,
    mode: Mode = Mode.BEST_EFFORT,
    max_tokens: int | None = None,
    stream: bool = True,
) -> Ask:
    return Ask(
        id="r",
        model=R1,
        sla=Sla(bounds, mode, percentile),
        prompt=PromptSize(4 * prompt_tokens),
        stream=stream,
        max_tokens=max_tokens,
    )


def ttft(limit_ms: float, percentile: float = 0.95) -> Bound:
    return Bound(BoundKind.TTFT, limit_ms, percentile)


def e2e(limit_ms: float, percentile: float = 0.95) -> Bound:
    return Bound(BoundKind.E2E, limit_ms, percentile)


def cost(limit_usd: float, percentile: float = 0.95) -> Bound:
    return Bound(BoundKind.COST, limit_usd, percentile)


def an_attempt(
    *,
    ttft_s: float | None = 0.8,
    tps: float = 50.0,
    output: int = 600,
    prompt: int = 500,
    sent: float = 100.0,
    elapsed_s: float | None = None,
    fault: Kind | None = None,
    streamed: bool = True,
    usage: Usage | None = None,
    endpoint: str = "e",
    started_wall: float = NOON,
    cost_nano_usd: int = 0,
) -> Attempt:
    """An attempt that took its first token after ``ttft_s`` and then ``tps`` tokens a second."""
    counted = usage or Usage(fresh_input=prompt, text=output)
    if ttft_s is None:
        return Attempt(
            endpoint=EndpointId(endpoint),
            number=1,
            started_wall=started_wall,
            sent=sent,
            ended=sent + (elapsed_s or 0.0),
            streamed=streamed,
            fault=fault,
        )
    first = sent + ttft_s
    last = first + max(0, output - 1) / tps
    return Attempt(
        endpoint=EndpointId(endpoint),
        number=1,
        started_wall=started_wall,
        sent=sent,
        ended=last,
        first=first if streamed else None,
        first_answer=first if streamed else None,
        last=last if streamed else None,
        streamed=streamed,
        usage=counted,
        visible_tokens=float(output),
        visible_chars=4 * output,
        cost_nano_usd=cost_nano_usd,
        fault=fault,
        status=200,
    )


def named(rejections: Sequence[Rejection], name: str) -> Rejection:
    """The one rejection of this endpoint."""
    (found,) = [r for r in rejections if r.endpoint == name]
    return found
