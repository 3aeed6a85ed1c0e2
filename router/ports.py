"""What the flow of a request needs from the world, as small protocols.

Implementations live in the shell; one contract suite holds each of them to its protocol.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Protocol

import msgspec

from router.core.answer import Piece
from router.core.ask import Ask
from router.core.candidate import Candidate, Warm
from router.core.catalogue import Endpoint, EndpointId
from router.core.decision import Decision, Explained
from router.core.faults import Fault
from router.core.measure import Attempt, Outcome
from router.core.stakes import Stakes
from router.core.surface import Surface
from router.core.tokens import Rates


class Clock(Protocol):
    """Two clocks in seconds, and how long one of their seconds really takes.

    A faster clock (tests, demonstrations) moves providers, half-lives and limits together.
    """

    def wall(self) -> float:
        """Unix seconds: what machines share."""
        ...

    def mono(self) -> float:
        """Monotonic seconds: stopwatches."""
        ...

    def real_s(self, seconds: float) -> float:
        """How many seconds of the event loop ``seconds`` of this clock take."""
        ...


class Call(msgspec.Struct, frozen=True, gc=False):
    """What is sent upstream: the client's body and headers, cleaned of what is ours.

    ``body`` is the JSON as received but for our own keys; the upstream puts its model name in.
    ``headers`` are lower-case and hold no credentials of the client. ``attempt_id`` goes out as
    ``x-request-id``; ``traceparent`` and ``tracestate`` are the W3C context of this attempt.
    ``surface`` is what the body is written for.
    """

    body: bytes
    headers: Mapping[str, str]
    stream: bool
    wants_usage: bool
    attempt_id: str
    traceparent: str | None = None
    tracestate: str = ""
    surface: Surface = Surface.CHAT


class Reply(Protocol):
    """An answer under way."""

    @property
    def status(self) -> int:
        """The provider's HTTP status (2xx: anything else was raised as a fault)."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers worth passing to the client, lower-case."""
        ...

    @property
    def upstream_id(self) -> str:
        """The provider's own id of this request, for its support desk; empty if none."""
        ...

    @property
    def length(self) -> int | None:
        """Bytes the body was announced to have; ``None`` where nobody said, or it was not true."""
        ...

    def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield what arrives of a stream, as it arrives. Raises ``Fault``."""
        ...

    async def whole(self) -> Piece:
        """Return an answer that was not asked to be streamed. Raises ``Fault``."""
        ...


class Exchange(AbstractAsyncContextManager[Reply], Protocol):
    """One call: entering it sends the request and waits for the response headers.

    Leaving the context ends the exchange at once, so that an unfinished answer stops being
    generated. Raises ``Fault`` for everything that goes wrong, foreign exceptions included.
    """

    @property
    def sent(self) -> bool:
        """Whether the provider may have seen the request."""
        ...


class Upstream(Protocol):
    """A way to reach endpoints of one wire format."""

    @property
    def ready(self) -> bool:
        """Whether calls can be made now (an adapter may still be loading)."""
        ...

    def call(self, endpoint: Endpoint, call: Call) -> Exchange:
        """Prepare one exchange; nothing is sent yet. Raises ``Fault`` where nothing can be."""
        ...


class Board(Protocol):
    """What is known of every endpoint right now, in this process. Never waits for anything."""

    def candidates(self, ask: Ask) -> Sequence[Candidate]:
        """Return every endpoint serving its model, in the operator's order, with its state."""
        ...

    def warm(self, ask: Ask) -> Warm:
        """Return how many tokens of its conversation each endpoint should still remember."""
        ...

    def stakes(self, kind: str) -> Stakes:
        """Return the price of a miss and the typical cost of a class."""
        ...

    def rates(self, endpoint: Endpoint) -> Rates:
        """Return what the endpoint's model makes of bytes."""
        ...

    def unseen_tokens(
        self,
        endpoint: Endpoint,
        ask: Ask,
        elapsed_s: float,
        *,
        done: bool = False,
        shown: float = 0.0,
        tps: float | None = None,
    ) -> float:
        """Expect what was generated in ``elapsed_s`` seconds beside the ``shown`` tokens.

        ``done`` says that the answer was made to its end, ``tps`` is the speed that was seen.
        """
        ...

    def begun(self, endpoint: Endpoint) -> None:
        """Note that an attempt was sent."""
        ...

    def observe(self, attempt: Attempt, ask: Ask, retry_after_s: float | None) -> None:
        """Book one finished attempt; ``retry_after_s`` is what a 429 asked for."""
        ...

    def settle(self, outcome: Outcome, decision: Decision, ask: Ask) -> None:
        """Book how a request ended for its class."""
        ...


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """W3C trace context of a request: ids in lower-case hex, the client's parent if it sent one.

    ``sampled`` is decided when the request arrives, so that the flag sent upstream is true.
    """

    trace_id: str
    parent_span_id: str | None = None
    sampled: bool | None = None
    tracestate: str = ""


class Record(msgspec.Struct, frozen=True):
    """Everything there is to tell about one finished request; holds no prompt and no answer.

    ``received_wall`` are the unix seconds of its last byte;
    ``overhead_s`` our own time before the first attempt was sent; ``span_id`` the server span's
    id, ``attempt_span_ids`` one per attempt (they went upstream in ``traceparent``); ``fault``
    what the client was told. ``decisions`` has one entry per planning, ``endpoints`` those tried;
    ``explained`` is there when the request asked for it.
    """

    ask: Ask
    outcome: Outcome
    decisions: tuple[Decision, ...]
    received_wall: float
    overhead_s: float
    context: TraceContext
    span_id: str
    attempt_span_ids: tuple[str, ...]
    endpoints: Mapping[EndpointId, Endpoint] = MappingProxyType({})
    fault: Fault | None = None
    explained: Explained | None = None


class Tracer(Protocol):
    """Names spans, and says under which name an attempt goes upstream."""

    def span_id(self) -> str:
        """Return a new span id."""
        ...

    def outgoing(self, context: TraceContext, span_id: str) -> str:
        """Return the ``traceparent`` under which ``span_id`` is the parent."""
        ...


class Telemetry(Protocol):
    """Where finished requests are told. Must return at once and never raise."""

    def report(self, record: Record) -> None:
        """Take the record; exporting happens elsewhere."""
        ...


class Head(msgspec.Struct, frozen=True):
    """What is known when the client's answer begins.

    ``attempts`` counts endpoints tried so far, this one included; ``outcome`` is there for whole
    answers, which begin when they have ended; ``explained`` when the request asked for it.
    ``headers`` are the provider's, worth passing on (lower-case).
    """

    ask: Ask
    decision: Decision
    endpoint: Endpoint
    attempts: int
    overhead_s: float
    headers: Mapping[str, str]
    outcome: Outcome | None = None
    explained: Explained | None = None


class Downstream(Protocol):
    """The client's side of one exchange, in its dialect."""

    async def begin(self, head: Head) -> None:
        """Send status 200 and headers; called once, before the first byte."""
        ...

    async def write(self, data: bytes) -> None:
        """Pass bytes on. Raises ``Fault(CANCELLED)`` when the client is gone."""
        ...

    async def fail(self, fault: Fault) -> None:
        """End a begun stream with an error event of the client's dialect."""
        ...

    async def finish(self, outcome: Outcome, explained: Explained | None) -> None:
        """End the answer; ``explained`` is there when the request asked for it."""
        ...
