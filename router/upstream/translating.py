"""Endpoints that do not speak a request's surface are told it in one that they speak.

What is measured, tokens, times and ends, is read from the endpoint's own bytes; only what the
client sees and sends is said anew. An endpoint's error is told in the client's words for it, since
an SDK reads no other.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from types import TracebackType
from typing import Final, Self

import msgspec

from router import ports
from router.core.answer import Piece
from router.core.catalogue import Endpoint
from router.core.dialects import way
from router.core.faults import Fault, Kind, UpstreamError
from router.core.surface import Surface
from router.ports import Call, Reply, Upstream
from router.upstream.refusal import error_in
from router.upstream.translate import TRANSLATIONS

_MISSHAPEN: Final = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
_OTHERS: Final = ("anthropic-", "openai-", "x-stainless-")
"""Headers about the API that the client believes to speak to."""


class Translating:
    """``ports.Upstream`` for every surface that can be told in one of ``inner``'s."""

    def __init__(self, inner: Upstream, wall: Callable[[], float]) -> None:
        self._inner = inner
        self._wall = wall

    @property
    def ready(self) -> bool:
        return self._inner.ready

    def call(self, endpoint: Endpoint, call: Call) -> ports.Exchange:
        """Prepare one exchange; entering it sends the request (``ports.Upstream``)."""
        if call.surface in endpoint.speaks:
            return self._inner.call(endpoint, call)
        behind = way(call.surface, endpoint.speaks)
        if behind is None:
            return self._inner.call(endpoint, call)
        return Exchange(self._inner, endpoint, call, behind, int(self._wall()))


class Exchange:
    """One request told in another surface, and its reply told back.

    It is ``ports.Exchange`` and ``ports.Reply``.
    """

    _reply: Reply

    def __init__(
        self, inner: Upstream, endpoint: Endpoint, call: Call, behind: Surface, now_s: int
    ) -> None:
        self._endpoint = endpoint
        self._call = call
        self._now_s = now_s
        self._translation = TRANSLATIONS[call.surface, behind]
        told = msgspec.structs.replace(
            call,
            body=self._translation.request(call.body, endpoint),
            headers={n: v for n, v in call.headers.items() if not n.startswith(_OTHERS)},
            wants_usage=True,
            surface=behind,
        )
        self._exchange = inner.call(endpoint, told)

    async def __aenter__(self) -> Self:
        try:
            self._reply = await self._exchange.__aenter__()
        except Fault as fault:
            raise self._retold(fault) from fault.__cause__
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exchange.__aexit__(kind, exc, traceback)

    @property
    def sent(self) -> bool:
        return self._exchange.sent

    @property
    def status(self) -> int:
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._reply.headers

    @property
    def upstream_id(self) -> str:
        return self._reply.upstream_id

    @property
    def length(self) -> int | None:
        return self._reply.length

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield what arrives (``ports.Reply``)."""
        speaker = self._translation.stream(self._call.body, self._now_s)
        try:
            async with aclosing(self._reply.pieces()) as pieces:
                async for piece in pieces:
                    with self._read():
                        data = speaker.feed(piece.data) if piece.data else b""
                        if piece.ended:
                            data += speaker.close()
                    yield piece._replace(data=data)
        except Fault as fault:
            raise self._retold(fault) from fault.__cause__

    async def whole(self) -> Piece:
        """Return the answer (``ports.Reply``)."""
        try:
            piece = await self._reply.whole()
        except Fault as fault:
            raise self._retold(fault) from fault.__cause__
        with self._read():
            told = self._translation.whole(self._call.body, piece.data, self._now_s)
        return piece._replace(data=told)

    @contextmanager
    def _read(self) -> Iterator[None]:
        """Take JSON of a shape that no translation expects for what it is."""
        try:
            yield
        except _MISSHAPEN as exc:
            name = self._endpoint.id
            raise Fault(Kind.GARBAGE, f"{name}: answered with JSON of a foreign shape") from exc

    def _retold(self, fault: Fault) -> Fault:
        """Tell a provider's refusal in the envelope that the client reads, or in our words."""
        told = fault.upstream
        if told is not None:
            message = error_in(told.body).get("message")
            words = isinstance(message, str) and bool(message)
            body = _envelope(fault, str(message), self._call.surface) if words else b""
            fault.upstream = UpstreamError(told.status, body, "application/json", told.headers)
        return fault


def _envelope(fault: Fault, message: str, surface: Surface) -> bytes:
    if surface.is_anthropic:
        error = {"type": fault.spec.anthropic_type, "message": message}
        return msgspec.json.encode({"type": "error", "error": error})
    told = {"type": fault.spec.openai_type, "param": None, "code": fault.kind.value}
    return msgspec.json.encode({"error": {"message": message, **told}})
