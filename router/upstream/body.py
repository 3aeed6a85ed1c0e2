"""The request body as an endpoint gets it: its model name in, our own keys out, usage asked for.

The longest answer is said by the one of its two names that the endpoint takes.

Values that are not ours are never parsed, only copied, so that what a client wrote arrives as it
was written, to the last digit of a number. Of a key given twice the last counts, as in every
parser that serves models: the first must not tell us one model and the endpoint another.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.upstream.retold import OWN
from router.upstream.unreadable import UNREADABLE

OUR_KEYS = ("sla", "provider", "models")
"""The SLA object, and OpenRouter's routing wishes, which we have granted ourselves."""

SESSION_KEY = "session_id"
_KNOWS_SESSIONS = "openrouter"
"""OpenRouter's name of a conversation, and who is told it: others refuse what they do not know."""
_CACHE_KEY = "prompt_cache_key"
"""OpenAI's; Anthropic refuses it."""

_HIDE_USAGE = frozenset((Surface.CHAT, Surface.COMPLETIONS))
"""Where a stream tells its usage only to who asks for it."""

LIMITS = ("max_tokens", "max_completion_tokens")
"""OpenAI's two names for the longest answer. Its reasoning models refuse the older one, others do
not know the newer one and then have no limit at all, so each endpoint is told the one it takes."""

_TRUE = Raw(b"true")
_ASKED = Raw(b'{"include_usage":true}')

_Fields = dict[str, Raw]
_decoder = msgspec.json.Decoder(_Fields)
_encoder = msgspec.json.Encoder()


def edit(
    body: bytes,
    endpoint: Endpoint,
    *,
    stream: bool,
    wants_usage: bool,
    surface: Surface = Surface.CHAT,
) -> bytes:
    """Return ``body`` as ``endpoint`` is to get it on ``surface``.

    For a stream usage is asked for unless the body does (``wants_usage``) or it comes unasked
    there. An endpoint that does not know the option is not shown it. Raises ``Fault(BAD_JSON)`` for
    what is no JSON object.
    """
    try:
        fields = _decoder.decode(body)
    except UNREADABLE as exc:
        raise Fault(Kind.BAD_JSON, f"the body is not a JSON object: {exc}") from exc
    for key in OUR_KEYS:
        fields.pop(key, None)
    if SESSION_KEY in fields and endpoint.provider != _KNOWS_SESSIONS:
        del fields[SESSION_KEY]
    if surface.is_anthropic:
        fields.pop(_CACHE_KEY, None)
    told = OWN.get(surface)
    if told is not None:
        name, own = told
        if name in fields:
            fields[name] = own(fields[name])
    if surface is Surface.CHAT and endpoint.unsupported_params:
        _say_limit(fields, endpoint)
    fields["model"] = Raw(_encoder.encode(endpoint.upstream_model))
    if stream:
        fields["stream"] = _TRUE
    said = wants_usage and "stream_options" in fields
    if "stream_options" in endpoint.unsupported_params:
        fields.pop("stream_options", None)
    elif stream and surface in _HIDE_USAGE and not said:
        fields["stream_options"] = _asking(fields.get("stream_options"))
    return _encoder.encode(fields)


def _say_limit(fields: _Fields, endpoint: Endpoint) -> None:
    """Say the limit by the name that the endpoint takes, the tighter where both are given."""
    for name, other in (LIMITS, LIMITS[::-1]):
        if name in fields and name in endpoint.unsupported_params:
            said = [fields.pop(name), fields[other]] if other in fields else [fields.pop(name)]
            numbers = [each for each in said if bytes(each).isdigit()] or said
            fields[other] = min(numbers, key=lambda raw: (len(raw), bytes(raw)))
            return


def _asking(options: Raw | None) -> Raw:
    if options is None or bytes(options) == b"null":
        return _ASKED
    try:
        fields = _decoder.decode(options)
    except msgspec.DecodeError:
        return options  # not an object: the endpoint shall say so
    fields["include_usage"] = _TRUE
    return Raw(_encoder.encode(fields))
