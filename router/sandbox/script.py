"""Slow-downs and faults over time: the weather of the market.

A script is a list of events, each at one endpoint for a span of virtual time. Events that overlap
multiply. An attempt takes the weather of the moment it arrives and keeps it to its end.
"""

from dataclasses import dataclass
from math import prod
from random import Random
from typing import Annotated

import msgspec

from router.sandbox.faults import NO_FAULTS, Fault, Faults, parse_fault
from router.sandbox.fleet import EndpointId

Factor = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as posted: `start_in_s` and `duration_s` in virtual seconds from now."""

    endpoint: str
    duration_s: Seconds
    start_in_s: Seconds = 0.0
    ttft_factor: Factor = 1.0
    speed_factor: Factor = 1.0
    fault: str | None = None
    fault_rate: Rate = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """An event in the calendar: it holds from `start_s` until before `end_s`, virtual unix."""

    endpoint: EndpointId
    start_s: float
    end_s: float
    ttft_factor: float
    speed_factor: float
    fault: Fault | None
    fault_rate: float


@dataclass(frozen=True, slots=True)
class Weather:
    """What one attempt meets: factors on wait and speed, and faults."""

    ttft_factor: float = 1.0
    speed_factor: float = 1.0
    faults: Faults = NO_FAULTS


def schedule(orders: list[Order], *, now: float) -> tuple[Event, ...]:
    """The orders as events of the calendar. Raises ValueError for an unknown fault."""
    return tuple(
        Event(
            endpoint=EndpointId(order.endpoint),
            start_s=now + order.start_in_s,
            end_s=now + order.start_in_s + order.duration_s,
            ttft_factor=order.ttft_factor,
            speed_factor=order.speed_factor,
            fault=parse_fault(order.fault) if order.fault else None,
            fault_rate=order.fault_rate,
        )
        for order in orders
    )


def weather(
    events: tuple[Event, ...], endpoint: EndpointId, *, now: float, chance: Random
) -> Weather:
    """The product of all events that hold at `endpoint` now; each draws its own fault."""
    held = [e for e in events if e.endpoint == endpoint and e.start_s <= now < e.end_s]
    faults = tuple(
        event.fault for event in held if event.fault and chance.random() < event.fault_rate
    )
    return Weather(
        ttft_factor=prod(event.ttft_factor for event in held),
        speed_factor=prod(event.speed_factor for event in held),
        faults=Faults(faults),
    )
