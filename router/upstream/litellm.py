"""The way to everyone who does not speak OpenAI's dialect, by litellm. Nobody else imports it.

Importing it takes seconds and most of two hundred megabytes, and a call through it a hundred times
the CPU of the relay: it is loaded in a thread after the proxy is ready, only when a configured
endpoint needs it, and never on the way of a request.

It makes an answer up where there is none: a stream that breaks off or was never one (HTML, noise)
ends in its hands with ``finish_reason: stop``. What the provider really said is in
``received_finish_reason``; without it nothing here counts as finished.
"""

from __future__ import annotations

import importlib.metadata
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from router.core.answer import Piece
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.ports import Call, Reply
from router.upstream.beneath import response_beneath
from router.upstream.line import NOT_PASSED
from router.upstream.litellm_faults import litellm_fault
from router.upstream.openai import Stream, read_whole
from router.upstream.translated import completion, event, params_of

BAD_RELEASES = frozenset(("1.82.7", "1.82.8"))
"""They sent credentials to strangers (24 March 2026)."""

_STREAM_TYPE = "text/event-stream"


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
        self.error: str | None = None

    @property
    def ready(self) -> bool:
        """Whether litellm is loaded."""
        return self._module is not None

    def start_loading(self) -> threading.Thread:
        """Import litellm in a thread of its own; the thread is returned for whom it concerns."""
        thread = threading.Thread(target=self._load, name="load-litellm", daemon=True)
        thread.start()
        return thread

    def call(self, endpoint: Endpoint, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Prepare one exchange; entering it sends the request (``ports.Upstream``)."""
        if self._module is None:
            why = f"could not be loaded: {self.error}" if self.error else "is still being loaded"
            raise Fault(Kind.CONNECT, f"{endpoint.id}: litellm {why}")
        key = self._keys[endpoint.id] if endpoint.id in self._keys else self._key(endpoint)
        if endpoint.api_key_env and not key:
            raise Fault(
                Kind.CREDENTIALS,
                f"{endpoint.id}: the environment variable {endpoint.api_key_env} is not set",
            )
        return Exchange(self._module, endpoint, call, key, self._wall)

    async def close(self) -> None:
        """Close the connections litellm keeps in this loop."""
        if self._module is not None:
            await self._module.close_litellm_async_clients()

    def _key(self, endpoint: Endpoint) -> str | None:
        return self._environ.get(endpoint.api_key_env) if endpoint.api_key_env else None

    def _load(self) -> None:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        try:
            version = importlib.metadata.version("litellm")
            if version in BAD_RELEASES:
                self.error = f"litellm {version} steals credentials; install another release"
                return
            import litellm
        except Exception as exc:  # noqa: BLE001 - whatever an import raises, the proxy goes on
            self.error = f"{type(exc).__name__}: {exc}"
            return
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.drop_params = False
        litellm.disable_streaming_logging = True
        litellm.turn_off_message_logging = True
        if self._ca_file is not None:
            litellm.ssl_verify = str(self._ca_file)
        self._module = litellm


class Exchange:
    """One request through litellm and its reply (``ports.Reply``)."""

    status = 200

    def __init__(
        self,
        module: ModuleType,
        endpoint: Endpoint,
        call: Call,
        key: str | None,
        wall: Callable[[], float],
    ) -> None:
        self._module = module
        self._endpoint = endpoint
        self._call = call
        self._key = key
        self._wall = wall
        self._answer: Any = None
        self._beneath: Any = None
        self._said_something = False
        self._ended = False

    async def __aenter__(self) -> Self:
        import httpx  # litellm's own; its limits are the only ones that know connecting apart

        endpoint, call = self._endpoint, self._call
        params = params_of(call.body, endpoint)
        headers = {k: v for k, v in call.headers.items() if k not in NOT_PASSED}
        headers["x-request-id"] = call.attempt_id
        if call.traceparent is not None:
            headers["traceparent"] = call.traceparent
        if call.stream:
            params["stream_options"] = {"include_usage": True}
        try:
            self._answer = await self._module.acompletion(
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
            raise litellm_fault(exc, endpoint, wall=self._wall()) from exc
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
        try:
            if self._call.stream:
                stream = Stream(self._endpoint, hide_usage=not self._call.wants_usage)
                async for chunk in self._answer:
                    self._check(chunk)
                    fields = chunk.model_dump(exclude_none=True)
                    yield stream.feed(event(fields, self._endpoint.upstream_model))
                    self._said_something = True
                self._ended = True
                yield stream.close()
            else:
                fields = self._answer.model_dump(exclude_none=True)
                yield read_whole(completion(fields), self._endpoint)
        except Exception as exc:
            raise litellm_fault(exc, self._endpoint, wall=self._wall()) from exc

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
