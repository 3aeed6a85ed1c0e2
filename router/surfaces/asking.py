"""A body and its headers, in any dialect, become an ``Ask``.

Only what routing needs is read, and that strictly; every other field is the provider's business
and passes as it came. The upstream takes our own keys out and puts its model name in.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from router.core.ask import Ask
from router.core.catalogue import Tier
from router.core.dialects import natively_only
from router.core.policy import Policy
from router.core.surface import Surface
from router.surfaces import chat, completions, embeddings, messages, responses
from router.surfaces.choosing import read_choice
from router.surfaces.fields import TEXT, Fields, read_fields
from router.surfaces.needs import Wanted
from router.surfaces.sessions import begun_with, session_of
from router.surfaces.sla import SlaReader

OWN_KEYS: Final = frozenset(
    {
        "sla",
        "provider",
        "models",
        "session_id",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
    }
)
"""What no endpoint needs to take: ours, how usage is asked for, and the two names of the longest
answer, which upstream sees to."""

_TIERED: Final = frozenset({"service_tier", "speed"})

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

_READERS: Final[Mapping[Surface, Callable[[Fields], Wanted]]] = MappingProxyType(
    {
        Surface.CHAT: chat.wanted,
        Surface.RESPONSES: responses.wanted,
        Surface.COMPLETIONS: completions.wanted,
        Surface.EMBEDDINGS: embeddings.wanted,
        Surface.MESSAGES: messages.wanted,
        Surface.COUNT_TOKENS: messages.counted,
    }
)


def read_ask(
    body: bytes,
    declaring: tuple[tuple[str, str], ...],
    *,
    request_id: str,
    slas: SlaReader,
    surface: Surface = Surface.CHAT,
    translated: frozenset[str] = frozenset(),
    key_policy: Policy | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
    served: Container[str] = frozenset(),
    owner: str = "",
) -> Ask:
    """Read a request. ``declaring`` are its SLA headers, names as sent. Raises ``Fault``.

    ``headers`` are the others (lower-case), of which one may name the conversation; ``served`` are
    the models there are, ``owner`` is whose request it is, ``translated`` the models of which an
    endpoint would have to be told in another surface.
    """
    fields = read_fields(body)
    choice = read_choice(
        fields, declaring, headers, slas=slas, served=served, key_policy=key_policy
    )
    wanted = _READERS[surface](fields)
    params, only_natively = frozenset(fields) - OWN_KEYS, ""
    if not translated.isdisjoint((choice.model, *choice.preferences.models)):
        decoded = msgspec.json.decode(body)
        only_natively = natively_only(surface, decoded)
        params = frozenset(name for name in params if decoded[name] is not None)
    session = session_of(headers, fields) or begun_with(wanted.beginning)
    tier = Tier.STANDARD if _TIERED.isdisjoint(fields) else _tier(fields)
    return Ask(
        request_id,
        choice.model,
        choice.sla,
        wanted.prompt,
        wanted.stream,
        wanted.wants_usage,
        wanted.max_tokens,
        wanted.needs,
        params,
        choice.preferences,
        choice.explain,
        session,
        tier,
        surface,
        only_natively,
        choice.compacted,
        owner,
    )


def _tier(fields: Fields) -> Tier:
    """Read the tier of service; what is none we know is the provider's to refuse."""
    if bytes(fields.get("speed", b"")) == b'"fast"':
        return Tier.FAST_MODE
    try:
        return Tier.named(TEXT.decode(fields.get("service_tier", b"null"))) or Tier.STANDARD
    except msgspec.DecodeError:
        return Tier.STANDARD
