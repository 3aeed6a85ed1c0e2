"""OpenAI's chat completions: what one asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from router.core.faults import Fault, Kind
from router.surfaces.fields import COUNT, FLAG, INTEGER, LIST, NATURAL, TEXT, Fields, typed
from router.surfaces.needs import (
    INSTRUCTING,
    Message,
    Wanted,
    Wishes,
    media,
    needs_of,
    prompt_size,
)
from router.surfaces.sessions import is_cacheable


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Role(msgspec.Struct, gc=False):
    role: object = None


class _Format(msgspec.Struct):
    type: str


_messages = msgspec.json.Decoder(list[Message])
_roles = msgspec.json.Decoder(list[_Role])
_options = msgspec.json.Decoder(_StreamOptions)
_words = msgspec.json.Decoder(list[str])
_format = msgspec.json.Decoder(_Format)


def wanted(fields: Fields) -> Wanted:
    """Read what routing needs of a chat request. Raises ``Fault(BAD_BODY)``."""
    messages = _messages_of(fields)
    found = media(messages)
    plain = _SMALL.isdisjoint(fields)
    prompt = prompt_size(messages, found, () if plain else _schemas(fields))
    return Wanted(
        prompt=prompt,
        stream=typed(fields, "stream", FLAG, "true or false") or False,
        wants_usage=asks_for_usage(fields),
        max_tokens=_max_tokens(fields),
        needs=found.needs if plain else needs_of(_wishes(fields), found),
        beginning=_beginning(fields, messages) if is_cacheable(prompt) else (),
    )


def asks_for_usage(fields: Fields) -> bool:
    """Whether a streamed answer is to tell its usage."""
    options = typed(fields, "stream_options", _options, "an object")
    return options is not None and options.include_usage is True


def _messages_of(fields: Fields) -> list[Message]:
    messages = typed(fields, "messages", _messages, "a list of messages")
    if not messages:
        raise Fault(
            Kind.BAD_BODY, "messages is missing or empty: send one at least.", param="messages"
        )
    return messages


def _beginning(fields: Fields, messages: Sequence[Message]) -> list[msgspec.Raw]:
    """Return the first turn and, where there is one, what instructs the model before it.

    Nearly everybody writes a message's role first; only where somebody does not is it decoded.
    """
    found = _FIRST_ROLE.match(fields["messages"])
    role = found[1].decode() if found is not None else _roles.decode(fields["messages"])[0].role
    return [m.content for m in messages[: 2 if role in INSTRUCTING else 1]]


_FIRST_ROLE: Final = re.compile(rb'\[\s*\{\s*"role"\s*:\s*"([a-z]*)"')


def _schemas(fields: Fields) -> list[msgspec.Raw]:
    """Return what a model is given to read beside the messages."""
    return [fields[name] for name in _READ_TOO if len(fields.get(name, b"")) > _NOTHING_BYTES]


def _max_tokens(fields: Fields) -> int | None:
    """Return the client's own limit, the tighter where it uses both names."""
    takes = "a whole number of tokens from 1"
    old = typed(fields, "max_tokens", COUNT, takes)
    new = typed(fields, "max_completion_tokens", COUNT, takes)
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
        "modalities",
    }
)
"""Fields that may need a capability."""

_READ_TOO: Final = ("tools", "functions", "response_format")
_NOTHING_BYTES: Final = len('{"type": "json_object"}')
"""A value of so few bytes has no schema."""


def _wishes(fields: Fields) -> Wishes:
    typed(fields, "parallel_tool_calls", FLAG, "true or false")  # a leave, which needs nothing
    form = typed(fields, "response_format", _format, 'an object such as {"type": "json_object"}')
    logprobs = typed(fields, "logprobs", FLAG, "true or false")
    top = typed(fields, "top_logprobs", NATURAL, "a whole number")
    spoken = typed(fields, "modalities", _words, 'a list such as ["text", "audio"]')
    tools = typed(fields, "tools", LIST, "a list of tools")
    functions = typed(fields, "functions", LIST, "a list of functions")
    return Wishes(
        tools=bool(tools) or bool(functions),
        response_format=form.type if form is not None else None,
        logprobs=bool(logprobs) or bool(top),
        choices=typed(fields, "n", COUNT, "a whole number from 1") or 1,
        reasoning_effort=typed(fields, "reasoning_effort", TEXT, "a word such as low") is not None,
        seed=typed(fields, "seed", INTEGER, "a whole number") is not None,
        speech="audio" in (spoken or ()),
    )
