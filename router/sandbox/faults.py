"""The faults a request can order for itself, in one table.

`x-sandbox-fault: KIND[:ARG]` or `ENDPOINT=KIND[:ARG]`, comma separated; without an endpoint it
holds at every one, so that a fault can follow a request through a failover or hit one stop of it.

What a fault bills follows from what a client can know: an error or a connection closed before
the headers costs nothing, every other attempt costs its prompt and what was generated.
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from router.sandbox.fleet import EndpointId


class Kind(StrEnum):
    """Everything that can go wrong on request."""

    HTTP_400 = "http_400"
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_429 = "http_429"
    HTTP_500 = "http_500"
    HTTP_503 = "http_503"
    HTTP_529 = "http_529"
    HTML_502 = "html_502"
    HTML = "html"
    GARBAGE = "garbage"
    RESET = "reset"
    HANG = "hang"
    HANG_HEADERS = "hang_headers"
    PINGS_ONLY = "pings_only"
    HALF_CHUNK = "half_chunk"
    DIE_MID = "die_mid"
    STALL_MID = "stall_mid"
    ERROR_MID = "error_mid"
    EMPTY = "empty"
    NO_USAGE = "no_usage"
    USAGE_LAST = "usage_last"
    NO_DONE = "no_done"
    SLOW_TTFT = "slow_ttft"
    SLOW_SPEED = "slow_speed"
    BIG_LINE = "big_line"
    CRLF = "crlf"
    SPLIT = "split"


class Stage(StrEnum):
    """When a fault strikes; MANNER changes how an answer looks and breaks nothing."""

    REFUSED = "refused"
    UNWORKED = "unworked"
    SILENT = "silent"
    MIDWAY = "midway"
    MANNER = "manner"


class Argument(StrEnum):
    """Whether a kind takes a number after the colon."""

    NONE = "none"
    OPTIONAL = "optional"
    NEEDED = "needed"


@dataclass(frozen=True, slots=True)
class Spec:
    """One line of the table. `status` is 0 where no error status is sent."""

    stage: Stage
    argument: Argument = Argument.NONE
    status: int = 0


def _refused(status: int, argument: Argument = Argument.NONE) -> Spec:
    return Spec(Stage.REFUSED, argument, status)


SPECS: dict[Kind, Spec] = {
    Kind.HTTP_400: _refused(400),
    Kind.HTTP_401: _refused(401),
    Kind.HTTP_403: _refused(403),
    Kind.HTTP_404: _refused(404),
    Kind.HTTP_429: _refused(429, Argument.OPTIONAL),
    Kind.HTTP_500: _refused(500),
    Kind.HTTP_503: _refused(503),
    Kind.HTTP_529: _refused(529),
    Kind.HTML_502: Spec(Stage.UNWORKED, status=502),
    Kind.HTML: Spec(Stage.UNWORKED, status=200),
    Kind.GARBAGE: Spec(Stage.UNWORKED, status=200),
    Kind.RESET: Spec(Stage.UNWORKED),
    Kind.HANG: Spec(Stage.SILENT),
    Kind.HANG_HEADERS: Spec(Stage.SILENT),
    Kind.PINGS_ONLY: Spec(Stage.SILENT),
    Kind.HALF_CHUNK: Spec(Stage.MIDWAY, Argument.OPTIONAL),
    Kind.DIE_MID: Spec(Stage.MIDWAY, Argument.NEEDED),
    Kind.STALL_MID: Spec(Stage.MIDWAY, Argument.NEEDED),
    Kind.ERROR_MID: Spec(Stage.MIDWAY, Argument.NEEDED),
    Kind.EMPTY: Spec(Stage.MANNER),
    Kind.NO_USAGE: Spec(Stage.MANNER),
    Kind.USAGE_LAST: Spec(Stage.MANNER),
    Kind.NO_DONE: Spec(Stage.MANNER),
    Kind.SLOW_TTFT: Spec(Stage.MANNER, Argument.NEEDED),
    Kind.SLOW_SPEED: Spec(Stage.MANNER, Argument.NEEDED),
    Kind.BIG_LINE: Spec(Stage.MANNER),
    Kind.CRLF: Spec(Stage.MANNER),
    Kind.SPLIT: Spec(Stage.MANNER),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; the argument is seconds, tokens or a factor, as the kind has it."""

    kind: Kind
    argument: float | None = None

    @property
    def spec(self) -> Spec:
        """Its line of the table."""
        return SPECS[self.kind]


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of one attempt."""

    chosen: tuple[Fault, ...] = ()

    def has(self, kind: Kind) -> bool:
        """Whether this kind was ordered."""
        return any(fault.kind is kind for fault in self.chosen)

    def argument(self, kind: Kind, otherwise: float) -> float:
        """The number after the colon, or `otherwise` where this kind was not ordered."""
        given = (fault.argument for fault in self.chosen if fault.kind is kind)
        return next((number for number in given if number is not None), otherwise)

    def striking(self, *stages: Stage) -> Fault | None:
        """The first fault that strikes at one of these stages."""
        return next((fault for fault in self.chosen if fault.spec.stage in stages), None)


NO_FAULTS = Faults()


def parse_fault(text: str) -> Fault:
    """`KIND[:ARG]` as a fault. Raises ValueError that lists the kinds."""
    name, colon, argument = text.strip().partition(":")
    try:
        kind = Kind(name)
    except ValueError:
        raise ValueError(f"unknown fault {name!r}; kinds are {', '.join(Kind)}") from None
    takes = SPECS[kind].argument
    if takes is Argument.NONE and colon:
        raise ValueError(f"fault {name} takes no argument")
    if not colon:
        if takes is Argument.NEEDED:
            raise ValueError(f"fault {name} needs a number: {name}:N")
        return Fault(kind)
    try:
        number = float(argument)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"fault {name} takes a number >= 0, not {argument!r}")
    return Fault(kind, number)


def parse_faults(header: str, endpoint: EndpointId, known: Container[str]) -> Faults:
    """The faults of the header that hold at `endpoint`. Raises ValueError for an unreadable one."""
    chosen = []
    for part in filter(str.strip, header.split(",")):
        target, equals, order = part.rpartition("=")
        if equals and target.strip() not in known:
            raise ValueError(f"unknown endpoint {target.strip()!r} in x-sandbox-fault")
        fault = parse_fault(order)
        if not equals or target.strip() == endpoint:
            chosen.append(fault)
    return Faults(tuple(chosen))
