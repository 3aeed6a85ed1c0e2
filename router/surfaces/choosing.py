"""What an endpoint is chosen by, beside a request's content: the same words on every surface.

The model's name may carry wishes, for tools that can set nothing else:
``deepseek-r1:nitro`` (OpenRouter's short forms) and ``deepseek-r1@ttft<800,cost<0.01``. Ids may
hold an ``@`` themselves, so only one with a comparator behind it counts. ``models`` is
OpenRouter's list of models to fall back on: those that are served here, in its order.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec

from router.core.ask import NO_PREFERENCES, Preferences, Sla, Sort
from router.core.catalogue import ModelName
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.surfaces.fields import TEXT, Fields, typed
from router.surfaces.preferences import parse_preferences
from router.surfaces.sla import SlaReader

MAX_MODEL_CHARS: Final = 256
MOST_MODELS: Final = 20
CLASS_HEADER: Final = "x-claude-code-request-class"
COMPACTED_HEADER: Final = "x-claude-code-context-compacted"

_COMPARATORS: Final = frozenset("<>=")
_VARIANTS: Final = {":floor": Sort.PRICE, ":nitro": Sort.THROUGHPUT}
_texts = msgspec.json.Decoder(list[str])


class Choice(msgspec.Struct, frozen=True, gc=False):
    """The bare model and what was said about it; ``compacted``: its prompt is a new one."""

    model: ModelName
    sla: Sla
    preferences: Preferences
    explain: bool
    compacted: bool


class _Name(NamedTuple):
    """A model's name taken apart."""

    bare: ModelName
    suffix: str = ""
    variant: str = ""


def read_choice(
    fields: Fields,
    declaring: tuple[tuple[str, str], ...],
    headers: Mapping[str, str],
    *,
    slas: SlaReader,
    served: Container[str],
    key_policy: Policy | None = None,
) -> Choice:
    """Read model, SLA and preferences. ``declaring`` are the SLA headers, names as sent.

    ``headers`` are the others (lower-case), ``served`` the models there are. Raises ``Fault``.
    """
    wanted, sla = fields.get("provider"), fields.get("sla")
    preferences = NO_PREFERENCES if wanted is None else parse_preferences(bytes(wanted))
    name, others = _named(fields, served)
    if name.variant or others:
        preferences = _with_names(preferences, name, others)
    reading = slas.read(
        declaring,
        b"" if sla is None else bytes(sla),
        key_policy,
        suffix=name.suffix,
        request_class=headers.get(CLASS_HEADER, ""),
        preferred=preferences.preferred,
    )
    compacted = COMPACTED_HEADER in headers and _is_said(headers[COMPACTED_HEADER])
    return Choice(name.bare, reading.sla, preferences, reading.explain, compacted)


def _is_said(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false")


def _named(fields: Fields, served: Container[str]) -> tuple[_Name, tuple[ModelName, ...]]:
    """Return the model to ask, and those to fall back on."""
    model = typed(fields, "model", TEXT, "the name of a model")
    if "models" not in fields:
        return _taken_apart(model or "", served), ()
    listed = typed(fields, "models", _texts, "a list of names of models") or []
    if len(listed) > MOST_MODELS:
        raise Fault(Kind.BAD_BODY, f"models may name {MOST_MODELS} models.", param="models")
    names = [_taken_apart(text, served) for text in ([model] if model else []) + listed]
    if not names:
        return _taken_apart("", served), ()
    first = next((name for name in names if name.bare in served), names[0])
    said = _Name(first.bare, _one(names, 1, "bounds"), _one(names, 2, "order"))
    bare = dict.fromkeys(n.bare for n in names if n.bare in served and n.bare != first.bare)
    return said, tuple(bare)


def _one(names: list[_Name], part: int, what: str) -> str:
    """Return what the names say together: they belong to one request."""
    found = sorted({name[part] for name in names} - {""})
    if len(found) > 1:
        raise Fault(
            Kind.BAD_BODY,
            f"models: {found[0]} and {found[1]} ask for different {what}; a request has one.",
            param="models",
        )
    return found[0] if found else ""


def _taken_apart(text: str, served: Container[str]) -> _Name:
    if not text:
        raise Fault(Kind.BAD_BODY, "model is missing: name the model to ask.", param="model")
    if len(text) > MAX_MODEL_CHARS:
        raise Fault(Kind.BAD_BODY, f"model may have {MAX_MODEL_CHARS} characters.", param="model")
    bare, suffix = text, ""
    if "@" in text:
        before, _, behind = text.rpartition("@")
        if not _COMPARATORS.isdisjoint(behind):
            bare, suffix = before, behind
    if ":" in bare and bare not in served:
        for variant in _VARIANTS:
            if bare.endswith(variant):
                return _Name(ModelName(bare.removesuffix(variant)), suffix, variant)
    return _Name(ModelName(bare), suffix)


def _with_names(
    preferences: Preferences, name: _Name, others: tuple[ModelName, ...]
) -> Preferences:
    sort = _VARIANTS.get(name.variant, preferences.sort)
    if preferences.sort not in (None, sort):
        raise Fault(
            Kind.BAD_BODY,
            f"model {name.variant} and provider.sort say different things; send one of them.",
            param="provider.sort",
        )
    return replace(preferences, sort=sort, models=others)
