"""A body and its headers, in any dialect, become an ``Ask``.

Only what routing needs is read, and that strictly; every other field is the provider's business
and passes as it came. The upstream takes our own keys out and puts its model name in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from router.core.ask import NO_PREFERENCES, Ask
from router.core.catalogue import ModelName, Tier
from router.core.dialects import natively_only
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.core.surface import Surface
from router.surfaces import chat, completions, embeddings, messages, responses
from router.surfaces.fields import TEXT, Fields, read_fields, typed
from router.surfaces.needs import Wanted
from router.surfaces.preferences import parse_preferences
from router.surfaces.sessions import session_of
from router.surfaces.sla import SlaReader

MAX_MODEL_CHARS: Final = 256
OWN_KEYS: Final = frozenset({"sla", "provider"})
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
    translated: Callable[[ModelName, Surface], bool] = lambda _model, _surface: False,
    key_policy: Policy | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Ask:
    """Read a request. ``declaring`` are its SLA headers, names as sent. Raises ``Fault``.

    ``headers`` are the others (lower-case), of which one may name the conversation. ``translated``
    says whether an endpoint of a model would have to be told in another surface.
    """
    fields = read_fields(body)
    model = _model(fields)
    wanted = _READERS[surface](fields)
    declared = fields.get("sla")
    reading = slas.read(declaring, b"" if declared is None else bytes(declared), key_policy)
    wishes = fields.get("provider")
    only_natively = ""
    if translated(model, surface):
        only_natively = natively_only(surface, msgspec.json.decode(body))
    return Ask(
        id=request_id,
        model=model,
        sla=reading.sla,
        prompt=wanted.prompt,
        stream=wanted.stream,
        wants_usage=wanted.wants_usage,
        max_tokens=wanted.max_tokens,
        needs=wanted.needs,
        params=frozenset(fields) - OWN_KEYS,
        preferences=NO_PREFERENCES if wishes is None else parse_preferences(bytes(wishes)),
        explain=reading.explain,
        session=session_of(headers, fields),
        tier=_tier(fields["service_tier"]) if "service_tier" in fields else Tier.STANDARD,
        surface=surface,
        only_natively=only_natively,
    )


def _tier(raw: msgspec.Raw) -> Tier:
    """Read the tier of service; what is none we know is the provider's to refuse."""
    try:
        return Tier.named(TEXT.decode(raw)) or Tier.STANDARD
    except msgspec.DecodeError:
        return Tier.STANDARD


def _model(fields: Fields) -> ModelName:
    model = typed(fields, "model", TEXT, "the name of a model")
    if not model:
        raise Fault(Kind.BAD_BODY, "model is missing: name the model to ask.", param="model")
    if len(model) > MAX_MODEL_CHARS:
        raise Fault(Kind.BAD_BODY, f"model may have {MAX_MODEL_CHARS} characters.", param="model")
    return ModelName(model)
