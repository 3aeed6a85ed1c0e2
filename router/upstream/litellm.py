"""The way by litellm, to who speaks neither OpenAI's dialect nor Anthropic's. Only this imports it.

Importing it takes seconds and most of two hundred megabytes, and a call through it a hundred times
the CPU of the relay: it is loaded in a thread after the proxy is ready, only when a configured
endpoint needs it, and never on the way of a request.

It makes an answer up where there is none: a stream that breaks off or was never one (HTML, noise)
ends in its hands with ``finish_reason: stop``. What the provider really said is in
``received_finish_reason``; without it nothing here counts as finished. Nor does a usage that was
told before the answer began: it is litellm's sum over a stream that never told the end.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from router.core.answer import Piece
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.ports import Call
from router.upstream.beneath import response_beneath
from router.upstream.line import NOT_PASSED
from router.upstream.litellm_faults import had_begun, litellm_fault
from router.upstream.litellm_warming import calls, can_be_reached, loopback
from router.upstream.openai import Stream, read_whole
from router.upstream.translated import completion, event, params_of

BAD_RELEASES = frozenset(("1.82.7", "1.82.8"))
"""They sent credentials to strangers (24 March 2026)."""

WARM_S = 20.0
"""How long the first calls may take, before the proxy does without them."""

_STREAM_TYPE = "text/event-stream"

Complete = Callable[..., Awaitable[Any]]
"""``litellm.acompletion``, asked quietly."""


class LiteLLM:
    """``ports.Upstream`` for ``Dialect.LITELLM``.

    ``environ`` holds the keys and is read here, once; ``wall`` gives unix seconds. ``ready`` turns
    true some seconds after ``start_loading``; ``error`` says why it never will.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        environ: Mapping[str, str],
        wall: Callable[[], float],
        ca_file: Path | None = None,
    ) -> None:
        self._environ = environ
        self._wall = wall
        self._ca_file = ca_file
        self._keys = {e.id: self._key(e) for e in endpoints}
        self._module: ModuleType | None = None
        self._complete: Complete | None = None
        self.error: str | None = None

    @property
    def ready(self) -> bool:
        """Whether litellm is loaded and has answered once."""
        return self._complete is not None

    def start_loading(self) -> threading.Thread:
        """Import litellm in a thread of its own; the thread is returned for whom it concerns.

        No daemon: one that is frozen at exit inside an import leaves its lock to nobody, and the
        interpreter, importing something on its way out, would wait for it for ever.
        """
        thread = threading.Thread(target=self._load, name="load-litellm")
        thread.start()
        return thread

    def call(self, endpoint: Endpoint, call: Call) -> Exchange:
        """Prepare one exchange; entering it sends the request (``ports.Upstream``)."""
        if self._complete is None:
            why = f"could not be loaded: {self.error}" if self.error else "is still being loaded"
            raise Fault(Kind.CONNECT, f"{endpoint.id}: litellm {why}")
        key = self._keys[endpoint.id] if endpoint.id in self._keys else self._key(endpoint)
        if endpoint.api_key_env and not key:
            raise Fault(
                Kind.CREDENTIALS,
                f"{endpoint.id}: the environment variable {endpoint.api_key_env} is not set",
            )
        return Exchange(self._complete, endpoint, call, key, self._wall)

    async def close(self) -> None:
        """Close the connections litellm keeps in this loop."""
        if self._module is not None:
            await self._module.close_litellm_async_clients()

    def _key(self, endpoint: Endpoint) -> str | None:
        return self._environ.get(endpoint.api_key_env) if endpoint.api_key_env else None

    def _load(self) -> None:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        # Its 300,000 objects are there to stay. Walking them again and again would stop the event
        # loop for a tenth of a second each time, now and ever after.
        gc.disable()
        try:
            self._open()
        except Exception as exc:  # noqa: BLE001 - whatever an import raises, the proxy goes on
            self.error = f"{type(exc).__name__}: {exc}"
        finally:
            gc.freeze()
            gc.enable()

    def _open(self) -> None:
        version = importlib.metadata.version("litellm")
        if version in BAD_RELEASES:
            self.error = f"litellm {version} steals credentials; install another release"
            return
        import litellm

        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.drop_params = False
        litellm.disable_streaming_logging = True
        litellm.turn_off_message_logging = True
        if self._ca_file is not None:
            litellm.ssl_verify = str(self._ca_file)
        complete = _quietly(litellm)
        _forgive_missing_usage()
        if can_be_reached():
            with suppress(Exception):  # then the first call is the slow one
                asyncio.run(_warm(complete, self._wall))
        self._module = litellm
        self._complete = complete


def _quietly(litellm: ModuleType) -> Complete:
    """Return ``acompletion`` without its books: they cost more than the call, for nobody."""
    from litellm._internal_context import is_internal_call

    async def complete(**params: Any) -> Any:
        token = is_internal_call.set(True)
        try:
            # With tools it would look for MCP servers, and import a package that is not there.
            return await litellm.acompletion(_skip_mcp_handler=True, **params)
        finally:
            is_internal_call.reset(token)

    return complete


def _forgive_missing_usage() -> None:
    """Let a whole answer without usage be an answer. ``completion`` drops the zeros this counts."""
    from litellm.llms.anthropic.chat.transformation import AnthropicConfig

    strict = AnthropicConfig.transform_parsed_response

    def forgiving(self: Any, completion_response: Any, *args: Any, **kwargs: Any) -> Any:
        completion_response.setdefault("usage", {})
        return strict(self, completion_response, *args, **kwargs)

    if strict.__name__ != "forgiving":
        setattr(AnthropicConfig, "transform_parsed_response", forgiving)  # noqa: B010 - a method


async def _warm(complete: Complete, wall: Callable[[], float]) -> None:
    """Answer each kind of request once, in this thread's own event loop."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    async def own_line(**params: Any) -> Any:
        return await complete(**params, client=client)

    client: Any = AsyncHTTPHandler()
    try:
        async with asyncio.timeout(WARM_S), loopback() as endpoint:
            for call in calls():
                async with Exchange(own_line, endpoint, call, "warm", wall) as reply:
                    if not call.stream:
                        await reply.whole()
                        continue
                    async for _ in reply.pieces():
                        pass
    finally:
        await client.close()


class Exchange:
    """One request through litellm and its reply (``ports.Exchange``, ``ports.Reply``)."""

    status = 200
    length: int | None = None

    def __init__(
        self,
        complete: Complete,
        endpoint: Endpoint,
        call: Call,
        key: str | None,
        wall: Callable[[], float],
    ) -> None:
        self._complete = complete
        self._endpoint = endpoint
        self._call = call
        self._key = key
        self._wall = wall
        self._answer: Any = None
        self._beneath: Any = None
        self._broken: Fault | None = None
        self._said_something = False
        self._content = False
        self._ended = False
        self.sent = False

    async def __aenter__(self) -> Self:
        import httpx  # litellm's own; its limits are the only ones that know connecting apart

        endpoint, call = self._endpoint, self._call
        params = params_of(call.body, endpoint)
        headers = {k: v for k, v in call.headers.items() if k not in NOT_PASSED}
        headers["x-request-id"] = call.attempt_id
        if call.traceparent is not None:
            headers["traceparent"] = call.traceparent
        if call.tracestate:
            headers["tracestate"] = call.tracestate
        if call.stream:
            params["stream_options"] = {"include_usage": True}
        self.sent = True  # It may be, from here on; litellm does not say.
        try:
            self._answer = await self._complete(
                **params,
                model=endpoint.model,
                api_base=endpoint.base_url or None,
                api_key=self._key,
                stream=call.stream,
                extra_headers=headers,
                num_retries=0,
                max_retries=0,
                timeout=httpx.Timeout(endpoint.limits.total_s, connect=endpoint.limits.connect_s),
            )
        except Exception as exc:
            fault = litellm_fault(exc, endpoint, wall=self._wall())
            if call.stream or not had_begun(exc):
                raise fault from exc
            # The headers had come, so this was no refusal: work was done, and reading it failed.
            self._broken = fault
            return self
        if call.stream:
            # Now, while every generator is whole: one that was cancelled tells nothing any more.
            self._beneath = response_beneath(self._answer.completion_stream)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._call.stream:
            return
        try:
            if self._beneath is not None and not self._ended:
                await self._beneath.aclose()
        finally:
            await self._answer.aclose()

    @property
    def headers(self) -> Mapping[str, str]:
        return {k: v for k, v in self._provider_headers.items() if k.startswith("x-ratelimit-")}

    @property
    def upstream_id(self) -> str:
        headers = self._provider_headers
        return headers.get("request-id") or headers.get("x-request-id") or ""

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield what arrives (``ports.Reply``)."""
        stream = Stream(self._endpoint, hide_usage=not self._call.wants_usage)
        try:
            async for chunk in self._answer:
                self._check(chunk)
                fields = self._counted(chunk.model_dump(exclude_none=True))
                piece = stream.feed(event(fields, self._endpoint.upstream_model))
                self._content = self._content or bool(piece.content)
                yield piece
                self._said_something = True
                if self._answer.sent_stream_usage:
                    break  # What follows is litellm's own bookkeeping.
            self._ended = True
            yield stream.close()
        except Exception as exc:
            fault = litellm_fault(exc, self._endpoint, wall=self._wall())
            if self._content:
                fault.upstream = None  # It began with a 200, whatever the error event says.
            raise fault from exc

    async def whole(self) -> Piece:
        """Return the answer (``ports.Reply``)."""
        if self._broken is not None:
            raise self._broken
        try:
            fields = self._answer.model_dump(exclude_none=True)
            return read_whole(completion(fields), self._endpoint)
        except Exception as exc:
            raise litellm_fault(exc, self._endpoint, wall=self._wall()) from exc

    def _counted(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Take from a chunk the usage that no chunk of the provider's told at the end."""
        if "usage" not in fields:
            return fields
        for chunk in reversed(self._answer.chunks):
            told = getattr(chunk, "usage", None)
            if told is not None:
                if not told.completion_tokens:
                    return {**fields, "usage": told.model_dump()}  # litellm's sum passes over zeros
                if getattr(told, "cost", None) is None:
                    fields["usage"].pop("cost", None)  # litellm's own reckoning, by its own table
                return fields
            deltas = (choice.delta for choice in chunk.choices)
            if any(d.content or d.tool_calls or d.get("reasoning_content") for d in deltas):
                break
        return {name: value for name, value in fields.items() if name != "usage"}

    def _check(self, chunk: Any) -> None:
        """Refuse an end that litellm made up."""
        is_last = any(choice.finish_reason for choice in chunk.choices)
        answer = self._answer
        if not is_last or answer.received_finish_reason or answer.intermittent_finish_reason:
            return
        said = self._provider_headers.get("content-type", _STREAM_TYPE)
        if not self._said_something or not said.startswith(_STREAM_TYPE):
            raise Fault(Kind.GARBAGE, f"{self._endpoint.id}: answered with no event stream")
        raise Fault(Kind.BROKEN, f"{self._endpoint.id}: the stream ended before the answer did")

    @property
    def _provider_headers(self) -> Mapping[str, str]:
        hidden = getattr(self._answer, "_hidden_params", None) or {}
        found = hidden.get("additional_headers") or {}
        return {str(k).lower().removeprefix("llm_provider-"): str(v) for k, v in found.items()}
