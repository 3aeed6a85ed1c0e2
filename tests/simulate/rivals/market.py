"""Endpoints, errands and attempts for the tests of the rivals, and a clock they share."""

from __future__ import annotations

from typing import Any

from router.core.answer import Usage
from router.core.ask import Ask, Bound, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt
from router.simulate.buyer import Buyer, Errand, Send

MODEL = ModelName("m")
START_WALL = 1_760_000_000.0


class Clock:
    """``ports.Clock`` that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return START_WALL + self.now

    def mono(self) -> float:
        return self.now

    def real_s(self, seconds: float) -> float:
        return seconds


def endpoint(name: str, usd: float = 1.0, **changes: Any) -> Endpoint:
    given: dict[str, Any] = {
        "id": EndpointId(name),
        "provider": name,
        "model": "m",
        "upstream_model": "m",
        "family": "m",
        "serves": (MODEL,),
        "base_url": "http://x.invalid",
        "context": 100_000,
        "price": Price(usd, usd),
    }
    return Endpoint(**{**given, **changes})


def errand(number: int = 0, *, bounds: tuple[Bound, ...] = (), **changes: Any) -> Errand:
    ask = Ask(
        id=str(number),
        model=changes.pop("model", MODEL),
        sla=Sla(bounds),
        prompt=PromptSize(4000),
        stream=changes.pop("stream", True),
    )
    given: dict[str, Any] = {"prompt_tokens": 1000, "arrived": 0.0, "kind": "chat", **changes}
    return Errand(number=number, ask=ask, **given)


def attempt(
    name: str,
    *,
    ended: float,
    lasts: float = 2.0,
    ttft: float | None = 0.5,
    tokens: int = 100,
    fault: Kind | None = None,
) -> Attempt:
    sent = ended - lasts
    first = None if ttft is None or fault is not None else sent + ttft
    return Attempt(
        endpoint=EndpointId(name),
        number=1,
        started_wall=START_WALL + sent,
        sent=sent,
        ended=ended,
        first=first,
        last=None if first is None else ended,
        streamed=ttft is not None,
        usage=None if fault is not None else Usage(fresh_input=1000, text=tokens),
        visible_tokens=0.0 if first is None else float(tokens),
        fault=fault,
        status=200 if fault is None else FAULTS[fault].status,
    )


def picks(buyer: Buyer, wanted: Errand, tried: frozenset[EndpointId] = frozenset()) -> str:
    """Return who is chosen; empty where nobody is."""
    choice = buyer.choose(wanted, tried)
    return choice.endpoint if isinstance(choice, Send) else ""
