"""The OpenAI chat dialect in: a body and its headers become an ``Ask``.

Only what routing needs is read, and that strictly; every other field is the provider's business
and passes as it came. The upstream takes our own keys out and puts its model name in.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from router.core.ask import NO_PREFERENCES, Ask
from router.core.catalogue import ModelName, Tier
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.surfaces.fields import read_fields, typed
from router.surfaces.needs import Message, Wishes, media, needs_of, prompt_size
from router.surfaces.preferences import parse_preferences
from router.surfaces.sessions import session_of
from router.surfaces.sla import SlaReader

MAX_MODEL_CHARS: Final = 256
OWN_KEYS: Final = frozenset({"sla", "provider"})
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Format(msgspec.Struct):
    type: str


_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)
_count = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=1)])
_natural = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0)])
_integer = msgspec.json.Decoder(int)
_messages = msgspec.json.Decoder(list[Message])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_options = msgspec.json.Decoder(_StreamOptions)
_format = msgspec.json.Decoder(_Format)


def read_chat(
    body: bytes,
    declaring: tuple[tuple[str, str], ...],
    *,
    request_id: str,
    slas: SlaReader,
    key_policy: Policy | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Ask:
    """Read a chat request. ``declaring`` are its SLA headers, names as sent. Raises ``Fault``.

    ``headers`` are the others (lower-case), of which one may name the conversation.
    """
    fields = read_fields(body)
    model = _model(fields)
    messages = _messages_of(fields)
    found = media(messages)
    plain = _SMALL.isdisjoint(fields)
    options = typed(fields, "stream_options", _options, "an object")
    declared = fields.get("sla")
    reading = slas.read(declaring, b"" if declared is None else bytes(declared), key_policy)
    wanted = fields.get("provider")
    return Ask(
        id=request_id,
        model=model,
        sla=reading.sla,
        prompt=prompt_size(messages, found, () if plain else _schemas(fields)),
        stream=typed(fields, "stream", _flag, "true or false") or False,
        wants_usage=options is not None and options.include_usage is True,
        max_tokens=_max_tokens(fields),
        needs=found.needs if plain else needs_of(_wishes(fields), found),
        params=frozenset(fields) - OWN_KEYS,
        preferences=(NO_PREFERENCES if wanted is None else parse_preferences(bytes(wanted))),
        explain=reading.explain,
        session=session_of(headers, fields),
        tier=_tier(fields["service_tier"]) if "service_tier" in fields else Tier.STANDARD,
    )


def _tier(raw: msgspec.Raw) -> Tier:
    """Read the tier of service; what is none we know is the provider's to refuse."""
    try:
        return Tier.named(_text.decode(raw)) or Tier.STANDARD
    except msgspec.DecodeError:
        return Tier.STANDARD


def _model(fields: dict[str, msgspec.Raw]) -> ModelName:
    model = typed(fields, "model", _text, "the name of a model")
    if not model:
        raise Fault(Kind.BAD_BODY, "model is missing: name the model to ask.", param="model")
    if len(model) > MAX_MODEL_CHARS:
        raise Fault(Kind.BAD_BODY, f"model may have {MAX_MODEL_CHARS} characters.", param="model")
    return ModelName(model)


def _messages_of(fields: dict[str, msgspec.Raw]) -> list[Message]:
    messages = typed(fields, "messages", _messages, "a list of messages")
    if not messages:
        raise Fault(
            Kind.BAD_BODY, "messages is missing or empty: send one at least.", param="messages"
        )
    return messages


def _schemas(fields: dict[str, msgspec.Raw]) -> list[msgspec.Raw]:
    """Return what a model is given to read beside the messages."""
    return [fields[name] for name in _READ_TOO if len(fields.get(name, b"")) > _NOTHING_BYTES]


def _max_tokens(fields: dict[str, msgspec.Raw]) -> int | None:
    """Return the client's own limit, the tighter where it uses both names."""
    takes = "a whole number of tokens from 1"
    old = typed(fields, "max_tokens", _count, takes)
    new = typed(fields, "max_completion_tokens", _count, takes)
    return min(old, new) if old is not None and new is not None else old or new


_SMALL: Final = frozenset(
    {
        "tools",
        "functions",
        "parallel_tool_calls",
        "response_format",
        "logprobs",
        "top_logprobs",
        "n",
        "reasoning_effort",
        "seed",
    }
)
"""Fields that may need a capability."""

_READ_TOO: Final = ("tools", "functions", "response_format")
_NOTHING_BYTES: Final = len('{"type": "json_object"}')
"""A value of so few bytes has no schema."""


def _wishes(fields: dict[str, msgspec.Raw]) -> Wishes:
    form = typed(fields, "response_format", _format, 'an object such as {"type": "json_object"}')
    logprobs = typed(fields, "logprobs", _flag, "true or false")
    top = typed(fields, "top_logprobs", _natural, "a whole number")
    tools = typed(fields, "tools", _list, "a list of tools")
    functions = typed(fields, "functions", _list, "a list of functions")
    return Wishes(
        tools=bool(tools) or bool(functions),
        parallel_tools=typed(fields, "parallel_tool_calls", _flag, "true or false") or False,
        response_format=form.type if form is not None else None,
        logprobs=bool(logprobs) or bool(top),
        choices=typed(fields, "n", _count, "a whole number from 1") or 1,
        reasoning_effort=typed(fields, "reasoning_effort", _text, "a word such as low") is not None,
        seed=typed(fields, "seed", _integer, "a whole number") is not None,
    )
