"""The OpenAI chat dialect in: a body and its headers become an ``Ask``.

Only what routing needs is read, and that strictly; every other field is the provider's business
and passes as it came. The upstream takes our own keys out and puts its model name in.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from router.core.ask import Ask
from router.core.catalogue import Tier
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.surfaces.asked import OWN_KEYS, read_asked
from router.surfaces.fields import read_fields, typed
from router.surfaces.needs import Message, Wishes, beginning, media, needs_of, prompt_size
from router.surfaces.sessions import begun_with, session_of
from router.surfaces.sla import SlaReader

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
    served: Container[str] = frozenset(),
    owner: str = "",
) -> Ask:
    """Read a chat request. ``declaring`` are its SLA headers, names as sent. Raises ``Fault``.

    ``headers`` are the others (lower-case), of which one may name the conversation; ``served`` are
    the models there are, ``owner`` is whose request it is.
    """
    fields = read_fields(body)
    asked = read_asked(fields, declaring, headers, slas=slas, served=served, key_policy=key_policy)
    messages = _messages_of(fields)
    found = media(messages)
    plain = _SMALL.isdisjoint(fields)
    options = typed(fields, "stream_options", _options, "an object")
    prompt = prompt_size(messages, found, () if plain else _schemas(fields))
    return Ask(
        id=request_id,
        model=asked.model,
        sla=asked.sla,
        prompt=prompt,
        stream=typed(fields, "stream", _flag, "true or false") or False,
        wants_usage=options is not None and options.include_usage is True,
        max_tokens=_max_tokens(fields),
        needs=found.needs if plain else needs_of(_wishes(fields), found),
        params=frozenset(fields) - OWN_KEYS,
        preferences=asked.preferences,
        explain=asked.explain,
        session=session_of(headers, fields) or begun_with(beginning(messages), prompt),
        tier=_tier(fields["service_tier"]) if "service_tier" in fields else Tier.STANDARD,
        compacted=asked.compacted,
        owner=owner,
    )


def _tier(raw: msgspec.Raw) -> Tier:
    """Read the tier of service; what is none we know is the provider's to refuse."""
    try:
        return Tier.named(_text.decode(raw)) or Tier.STANDARD
    except msgspec.DecodeError:
        return Tier.STANDARD


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
