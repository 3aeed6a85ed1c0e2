"""What the same answer would have cost elsewhere, and why nobody cheaper gave it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from router.cli import words
from router.cli.demo.asking import Answer
from router.core.catalogue import Endpoint

OFFICIAL: Final = "deepseek-r1@deepseek"


def elsewhere_usd(endpoint: Endpoint, served: Endpoint, answer: Answer, wall_s: float) -> float:
    """Price the answer at another endpoint.

    The same tokens if it is the same model, else as many as that model is expected to need.
    """
    if endpoint.price is None:
        return 0.0
    output: float = answer.output_tokens
    if endpoint.family != served.family:
        output = _expected_tokens(endpoint, answer)
    nano = endpoint.price.at(wall_s).nano_usd(
        fresh=answer.input_tokens, cache_read=0, cache_write=0, output=output
    )
    return nano / 1e9


def _expected_tokens(endpoint: Endpoint, answer: Answer) -> float:
    for entry in answer.told["decision"]["endpoints"]:
        if entry["endpoint"] == endpoint.id and entry["forecast"] is not None:
            return float(entry["forecast"]["output_tokens"])
    return endpoint.prior.answer_tokens


def dearest(
    endpoints: Iterable[Endpoint], served: Endpoint, answer: Answer, wall_s: float
) -> tuple[str, float]:
    """Return who would have been the dearest for this answer, and what it would have cost."""
    able = [e for e in endpoints if answer.question.model in e.serves]
    costs = {e.id: elsewhere_usd(e, served, answer, wall_s) for e in able}
    worst = max(costs, key=lambda name: costs[name])
    return worst, costs[worst]


def cheaper(decision: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a decision that were cheaper than the choice, or out for a fact."""
    chosen = decision["chosen"]
    if chosen is None:
        return list(decision["endpoints"])
    cost = chosen["forecast"]["cost_usd"]
    return [
        entry
        for entry in decision["endpoints"]
        if entry["reason"] not in ("chosen", "dearer")
        and (entry["forecast"] is None or entry["forecast"]["cost_usd"] < cost)
    ]


def why(entries: Iterable[dict[str, Any]]) -> list[str]:
    """Say which bound ruled out whom, one line a bound: the limit, then each forecast."""
    lines: dict[str, list[str]] = {}
    for entry in entries:
        name = entry["endpoint"].rpartition("@")[2]
        for each in entry["failed"]:
            if "limit" in each and "predicted" in each:
                head = words.limit(each["bound"], each["limit"])
                lines.setdefault(head, []).append(
                    f"{name} {words.amount(each['bound'], each['predicted'])}"
                )
            else:
                lines.setdefault(words.failed(each), []).append(name)
        if not entry["failed"]:
            lines.setdefault(words.reason(entry), []).append(name)
    return [f"{head}: {', '.join(who)}" for head, who in lines.items()]


def nearest(answer: Answer) -> str:
    """Say what would have worked, of a question that was refused."""
    refusal = answer.refusal or {}
    found = refusal.get("availability", {}).get("nearest")
    if not found:
        return str(refusal.get("message", "refused"))
    relax = " and ".join(words.limit(name, value) for name, value in found["relax"].items())
    return f"{relax} would have worked: {found['endpoint']}, {words.usd(found['cost_usd'])} USD"
