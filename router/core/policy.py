"""A policy: a named set of bounds and routing choices that an operator writes once.

Policies are data. There is one objective (the cheapest endpoint that keeps the bounds), so they
differ in numbers and words, never in code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.core.ask import Mode, Sla


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds for requests that declare none of their own.

    ``attempts`` is the most endpoints one request may be sent to; ``max_wait_s`` how long a
    ``wait`` request may be held, in seconds, where no latency bound says it; ``hedge`` whether a
    silent attempt may get a second one beside it where that is worth its money. Three attempts and
    30 s are plain choices, not measured: more serves more, and keeps clients longer in doubt.
    """

    name: str
    description: str = ""
    sla: Sla = field(default_factory=Sla)
    attempts: int = 3
    max_wait_s: float = 30.0
    hedge: bool = True


DEFAULT_POLICY = Policy(
    name="default",
    description="No bounds: the cheapest answer.",
    sla=Sla(mode=Mode.BEST_EFFORT),
)
