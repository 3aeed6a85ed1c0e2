"""Between OpenAI's bytes and litellm's objects: parameters in, chunks and answers out.

Parameters pass by a list. litellm takes its own settings (addresses, keys, retries, mock answers)
in the same keywords as a model's parameters, so a body that names anything else is refused by that
name: ``base_url`` in a body would send our key to whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.upstream.body import OUR_KEYS, SESSION_KEY
from router.upstream.unreadable import UNREADABLE

PARAMS = frozenset(
    (
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "messages", "modalities", "n",
        "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
        "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop",
        "temperature", "thinking", "tool_choice", "tools", "top_k", "top_logprobs", "top_p",
        "user", "verbosity", "web_search_options",
    )
)  # fmt: skip
"""What describes an answer. Anything else is not litellm's to decide."""

_OURS = frozenset((*OUR_KEYS, SESSION_KEY, "model", "stream", "stream_options"))
_LITELLMS_OWN = ("provider_specific_fields", "citations", "system_fingerprint")


def params_of(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    """Return the keywords of the call. Raises ``Fault`` that names what cannot be passed."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except UNREADABLE as exc:
        raise Fault(Kind.BAD_JSON, f"the body is not a JSON object: {exc}") from exc
    given = {k: v for k, v in fields.items() if k not in _OURS and v is not None}
    for name in given:
        if name not in PARAMS:
            raise refused_param(endpoint, name)
    return given


def refused_param(endpoint: Endpoint, name: str) -> Fault:
    """Return the fault of a parameter that this endpoint cannot be given."""
    return Fault(Kind.UNTOLD, f"{endpoint.id}: the parameter {name!r} is not supported", param=name)


def completion(answer: Mapping[str, Any]) -> bytes:
    """Return a whole answer as OpenAI's bytes.

    A prompt has tokens: a usage that counts none is what litellm puts where nobody told it.
    """
    choices = [
        {**choice, "message": {"content": None, **_clean(choice.get("message") or {})}}
        for choice in answer.get("choices") or ()
    ]
    fields = {**_clean(answer), "choices": choices}
    if not (answer.get("usage") or {}).get("prompt_tokens"):
        fields.pop("usage", None)
    return msgspec.json.encode(fields)


def event(chunk: Mapping[str, Any], model: str) -> bytes:
    """Return a chunk as an event. A usage chunk loses litellm's empty choice.

    The usage goes out as a chunk of its own, as OpenAI sends it, so that it can be hidden.
    """
    choices = [_choice(choice) for choice in chunk.get("choices") or ()]
    usage = chunk.get("usage")
    if usage and not any(c["finish_reason"] or c["delta"] for c in choices):
        choices = []
    fields = {**_clean(chunk), "model": chunk.get("model") or model, "choices": choices}
    if usage and choices:
        del fields["usage"]
        return _event(fields) + _event({**fields, "choices": [], "usage": usage})
    return _event(fields)


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "index": choice.get("index", 0),
        "delta": _clean(choice.get("delta") or {}),
        "finish_reason": choice.get("finish_reason"),
    }


def _event(fields: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(fields) + b"\n\n"


def _clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if v is not None and k not in _LITELLMS_OWN}
