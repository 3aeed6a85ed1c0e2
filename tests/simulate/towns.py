"""Words the tests of the instrument are written in: small markets that stand still."""

from __future__ import annotations

from collections.abc import Sequence

from router.config.price import PriceRow
from router.core.ask import Ask, Bound, PromptSize, Sla
from router.core.catalogue import EndpointId, ModelName
from router.simulate.buyer import Errand
from router.simulate.scenario import (
    ClassTable,
    Drift,
    Event,
    Load,
    ModelTable,
    Scenario,
    Seller,
    Size,
)
from router.simulate.world import Site, World

STILL = Drift(ttft=0.0, tps=0.0)
MODEL, FAMILY, CHAT = "m", "f", "chat"
PRICE = PriceRow(input=1.0, output=4.0, cached_input=0.1)


def a_seller(name: str = "one@here", **fields: object) -> Seller:
    """Waits about a second, then 50 tokens/s, and never fails."""
    usual: dict[str, object] = {
        "id": name,
        "provider": "here",
        "family": FAMILY,
        "serves": (MODEL,),
        "price": PRICE,
        "ttft_s": 1.0,
        "tps": 50.0,
        "failures": 0.0,
        "drift": STILL,
    }
    return Seller.model_validate(usual | fields)


def a_world(
    *sellers: Seller,
    thinking: float = 0.0,
    sigma: float = 0.5,
    attempts: int = 3,
    stream: bool = True,
    hours: float = 1.0,
    events: Sequence[Event] = (),
    seed: int = 7,
) -> World:
    """A market of one class, whose answers have 400 tokens at the median."""
    size = Size(median=2000, sigma=0.3)
    kind = ClassTable(
        share=1.0,
        model=MODEL,
        attempts=attempts,
        stream=stream,
        prompt=size,
        answer=Size(median=400, sigma=sigma),
    )
    scenario = Scenario(
        hours=hours,
        warm_up_hours=0.0,
        load=Load(requests_per_s=0.1),
        models={FAMILY: ModelTable(thinking=thinking)},
        classes={CHAT: kind},
        endpoints=sellers,
        events=tuple(events),
    )
    return World(scenario, seed)


def site(world: World, name: str = "one@here") -> Site:
    return world.sites[EndpointId(name)]


def an_errand(
    *bounds: Bound,
    number: int = 0,
    stream: bool = True,
    max_tokens: int | None = None,
    prefix: int = 0,
    arrived: float = 0.0,
) -> Errand:
    ask = Ask(
        f"{number}",
        ModelName(MODEL),
        Sla(bounds, policy=CHAT),
        PromptSize(8000),
        stream=stream,
        max_tokens=max_tokens,
    )
    return Errand(
        number=number,
        kind=CHAT,
        ask=ask,
        prompt_tokens=2000,
        arrived=arrived,
        conversation=None,
        turn=1 if prefix else 0,
        prefix_tokens=prefix,
    )
