"""The study: a family of markets that nobody tuned for, each drawn from the same ranges.

A fleet is drawn from its number alone. The ranges are those of the study behind the engine: 19
endpoints of one model and three alternatives, prices, windows, waits and speeds as they were to be
had, and everything that goes wrong with them. What is dear tends to be fast, as in a market, but
by no means always. Numbers and seeds were committed before the first run, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, sqrt
from random import Random
from statistics import NormalDist
from typing import Any, Final

from router.simulate.scenario import Scenario

FLEETS: Final = (1, 2, 3, 4, 5, 6)
SEEDS: Final = (101, 102, 103)
"""Of each fleet."""

OWN, OTHER, ALTERNATIVES = 13, 2, ("terse", "middling", "wordy")
"""Endpoints of the one model, and of each alternative to it."""
QUALITY: Final = 0.7
"""Correlation of price, wait and speed with what an endpoint is worth."""
INPUT_USD, OUTPUT_USD = (0.30, 3.00), (1.20, 15.00)
TTFT_S, TPS = (15.0, 0.3), (22.0, 210.0)
CONTEXTS: Final = (32_768, 65_536, 131_072, 163_840, 200_000, 1_048_576)
VERBOSITY: Final = {"terse": (0.28, 0.42), "middling": (0.5, 0.8), "wordy": (0.8, 1.2)}
_STANDARD: Final = NormalDist()


def study() -> Mapping[str, Scenario]:
    """Return every fleet by name."""
    return {f"study-{number}": fleet(number) for number in FLEETS}


def fleet(number: int) -> Scenario:
    """Draw one market."""
    rng = Random(f"study/{number}")
    models = {
        "plain": {"thinking": rng.uniform(0.0, 0.7)},
        **{
            name: {"verbosity": rng.uniform(*VERBOSITY[name]), "thinking": rng.uniform(0.0, 0.6)}
            for name in ALTERNATIVES
        },
    }
    endpoints = [_endpoint(rng, "plain", i + 1) for i in range(OWN)]
    endpoints += [_endpoint(rng, name, i + 1) for name in ALTERNATIVES for i in range(OTHER)]
    return Scenario.model_validate({
        "description": f"Fleet {number} of the study: 19 endpoints drawn from its ranges.",
        "hours": 6.0,
        "warm_up_hours": 2.0,
        "seeds": SEEDS,
        "load": {"requests_per_s": 0.8, "swing": 0.4, "busiest_hour_utc": rng.uniform(0, 23.9)},
        "models": models,
        "classes": _classes(rng),
        "endpoints": endpoints,
    })  # fmt: skip


def _classes(rng: Random) -> dict[str, Any]:
    return {
        "chat": {
            "share": 0.35, "model": "plain",
            "sla": {"ttft_ms": _between(rng, 1500, 4000), "min_tps": 25},
            "prompt": {"median": 900, "sigma": 0.9, "most": 24_000},
            "answer": {"median": 700, "sigma": 0.5},
        },
        "agent": {
            "share": 0.3, "model": "any",
            "sla": {"e2e_ms": _between(rng, 25_000, 60_000)},
            "prompt": {"median": 5000, "sigma": 0.6, "most": 50_000},
            "answer": {"median": 500, "sigma": 0.5},
            "conversation": {
                "turns": rng.uniform(4, 12),
                "growth": {"median": 1500, "sigma": 0.6},
                "pause_s": _between(rng, 4, 40),
            },
        },
        "batch": {
            "share": 0.15, "model": "plain", "stream": False,
            "sla": {"e2e_ms": _between(rng, 90_000, 300_000)},
            "prompt": {"median": 3000, "sigma": 0.8, "most": 24_000},
            "answer": {"median": 1200, "sigma": 0.5},
        },
        "concise": {
            "share": 0.1, "model": "any",
            "sla": {"max_answer_tokens": round(_between(rng, 700, 1000))},
            "prompt": {"median": 1200, "sigma": 0.7, "most": 24_000},
            "answer": {"median": 900, "sigma": 0.45},
        },
        "fast": {
            "share": 0.1, "model": "plain",
            "sla": {"ttft_ms": _between(rng, 800, 1800), "percentile": 90},
            "prompt": {"median": 500, "sigma": 0.6, "most": 8000},
            "answer": {"median": 400, "sigma": 0.5},
        },
    }  # fmt: skip


def _endpoint(rng: Random, family: str, place: int) -> dict[str, Any]:
    worth = rng.gauss(0, 1)

    def near() -> float:
        """A share in (0, 1) that goes with the endpoint's worth."""
        return _STANDARD.cdf(QUALITY * worth + sqrt(1 - QUALITY**2) * rng.gauss(0, 1))

    output = _along(OUTPUT_USD, near())
    entry = min(max(output / rng.uniform(3, 5), INPUT_USD[0]), INPUT_USD[1])
    price = {"input": entry, "output": output}
    cached = rng.random() < (0.6 if family == "plain" else 1.0)
    if cached:
        price["cached_input"] = entry * rng.uniform(0.1, 0.5)
    ttft_s, tps = _along(TTFT_S, near()), _along(TPS, near())
    found: dict[str, Any] = {
        "id": f"{family}@{place:02}",
        "provider": f"provider-{family}-{place:02}",
        "family": family,
        "serves": ["plain", "any"] if family == "plain" else ["any"],
        "context": rng.choice(CONTEXTS),
        "price": price,
        "ttft_s": ttft_s,
        "ttft_s_per_1k": ttft_s * rng.uniform(0.01, 0.05),
        "tps": tps,
        "noise": {"spread": rng.uniform(0.2, 0.5)},
        "failures": rng.uniform(0, 0.02),
        "hangs": rng.uniform(0, 0.003),
        "stalls": rng.uniform(0, 0.004),
        "drift": {"ttft": rng.uniform(0.1, 0.3), "tps": 0.08, "hours": rng.uniform(1, 6)},
        "degradations": {
            "per_day": rng.uniform(2, 12),
            "minutes": _between(rng, 5, 120),
            "factor": rng.uniform(2, 6),
        },
        "outages": {"per_day": rng.uniform(0, 2), "minutes": rng.uniform(3, 20)},
        "rate_limits": {
            "per_day": rng.uniform(0, 12),
            "minutes": rng.uniform(1, 5),
            "share": rng.uniform(0.3, 0.8),
        },
        "bills_after_cancel": rng.random() < 0.4,  # noqa: PLR2004 - a third to a half of them
    }
    if cached:
        found["cache"] = {"hit_rate": rng.uniform(0.6, 0.95), "minutes": _between(rng, 5, 60)}
    if rng.random() < 0.3:  # noqa: PLR2004 - off-peak prices are the exception
        hour = rng.randrange(24)
        hours = f"{hour:02}:00-{(hour + 8) % 24:02}:00"
        found["price_windows"] = [{"hours_utc": hours, "factor": 0.5}]
    if rng.random() < 0.5:  # noqa: PLR2004 - every other operator declares something
        found["prior"] = {
            "ttft_ms": 1000 * ttft_s * exp(0.4 * rng.gauss(0, 1)),
            "tps": tps * exp(0.3 * rng.gauss(0, 1)),
        }
    return found


def _between(rng: Random, low: float, high: float) -> float:
    """Draw evenly in the log."""
    return _along((low, high), rng.random())


def _along(ends: tuple[float, float], share: float) -> float:
    low, high = log(ends[0]), log(ends[1])
    return exp(low + share * (high - low))
