"""What the handlers need of the house: handed over once, by the server that composes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from multidict import CIMultiDictProxy

from router.core.ask import Ask
from router.core.catalogue import ModelName
from router.core.decision import Explained
from router.core.policy import DEFAULT_POLICY, Policy
from router.core.portrait import Survey
from router.core.surface import Surface
from router.ports import Call, Clock, Downstream, TraceContext
from router.surfaces.door import Door
from router.surfaces.models import Served
from router.surfaces.sla import SlaReader

DEFAULT_MAX_BODY: Final = 32 * 1024 * 1024


class Dispatcher(Protocol):
    """The flow of one request."""

    async def run(
        self,
        ask: Ask,
        call: Call,
        downstream: Downstream,
        context: TraceContext,
        received: float,
    ) -> None:
        """Serve a request whose last byte came at ``received`` (monotonic seconds).

        Raises ``Fault`` if nothing was begun; once begun, ``downstream`` is told the end.
        """
        ...

    def explain(self, ask: Ask) -> Explained:
        """Decide without sending anything."""
        ...


async def _nothing(_name: str) -> None:
    """Remember no request."""


@dataclass(frozen=True, slots=True)
class Service:
    """Everything behind the handlers.

    ``served`` tells who serves each model, in the operator's order; ``health`` of the parts (see
    ``health.ready_answer``); ``trace`` reads or begins a W3C context from request headers;
    ``survey`` tells the state of every endpoint; ``count`` estimates the tokens of a prompt;
    ``new_id`` names requests; ``classes`` names the policy of each class that clients put requests
    in; ``decided`` finds a finished request by its id (see ``kept``). ``max_body`` is in bytes.
    """

    dispatcher: Dispatcher
    served: Served
    clock: Clock
    new_id: Callable[[], str]
    trace: Callable[[CIMultiDictProxy[str]], TraceContext]
    health: Callable[[], Mapping[str, Any]]
    survey: Callable[[], Survey]
    count: Callable[[Ask], int]
    policies: Mapping[str, Policy]
    default_policy: Policy = DEFAULT_POLICY
    decided: Callable[[str], Awaitable[bytes | None]] = _nothing
    classes: Mapping[str, str] = field(default_factory=dict)
    door: Door = field(default_factory=Door)
    draining: Callable[[], bool] = lambda: False
    max_body: int = DEFAULT_MAX_BODY
    slas: SlaReader = field(init=False)
    translated: Mapping[Surface, frozenset[ModelName]] = field(init=False)
    """Models of which an endpoint would have to be told a surface in another."""

    def __post_init__(self) -> None:
        slas = SlaReader(self.policies, self.default_policy, self.classes)
        object.__setattr__(self, "slas", slas)
        translated = {surface: _translated(surface, self.served) for surface in Surface}
        object.__setattr__(self, "translated", translated)


def _translated(surface: Surface, served: Served) -> frozenset[ModelName]:
    return frozenset(
        model
        for model, endpoints in served.items()
        if not all(surface in endpoint.speaks for endpoint in endpoints)
    )
