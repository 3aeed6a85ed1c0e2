"""The list of models, in both dialects: what an application may ask for, and who serves it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from router.core.catalogue import Endpoint, ModelName
from router.core.faults import Fault, Kind

Served = Mapping[ModelName, Sequence[Endpoint]]

_LISTED = 20
_MEANT = 0.5
"""How alike a name must be to be asked after: 'claud' and 'claude-sonnet-4' are."""
_BEGINNING = "1970-01-01T00:00:00Z"
_USUAL_PAGE = 20
_LARGEST_PAGE = 1000
"""Anthropic's: models on a page where nobody says how many, and at most."""


def list_json(served: Served) -> dict[str, Any]:
    """List every model served, as OpenAI does."""
    data = [model_json(name, served, anthropic=False) for name in served]
    return {"object": "list", "data": data}


def page_json(served: Served, query: Mapping[str, str]) -> dict[str, Any]:
    """List a page of the models served, as Anthropic does.

    ``query`` may hold ``limit`` and one of ``after_id`` and ``before_id``; whether there are more
    is said of the direction in which it leafs. Raises ``Fault(BAD_BODY)``.
    """
    names, limit = list(served), _limit(query.get("limit", str(_USUAL_PAGE)))
    after, before = query.get("after_id"), query.get("before_id")
    if after and before:
        raise _bad("after_id", "and before_id lead in two directions; send one of them")
    if before:
        rest = names[: _place("before_id", before, names)]
        page = rest[-limit:]
    else:
        rest = names[_place("after_id", after, names) + 1 :] if after else names
        page = rest[:limit]
    return {
        "data": [model_json(name, served, anthropic=True) for name in page],
        "has_more": len(rest) > len(page),
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }


def _limit(said: str) -> int:
    limit = int(said) if said.isdecimal() and len(said) <= len(str(_LARGEST_PAGE)) else 0
    if not 1 <= limit <= _LARGEST_PAGE:
        raise _bad("limit", f"takes a whole number from 1 to {_LARGEST_PAGE}")
    return limit


def _place(param: str, name: str, names: Sequence[str]) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise _bad(param, f"names {name[:64]!r}, which is no model served here") from None


def _bad(param: str, why: str) -> Fault:
    return Fault(Kind.BAD_BODY, f"{param} {why}.", param=param)


def model_json(name: ModelName, served: Served, *, anthropic: bool) -> dict[str, Any]:
    """Describe one model: its widest window and the providers behind it."""
    endpoints = served[name]
    providers = list(dict.fromkeys(e.provider for e in endpoints))
    window = max((e.context for e in endpoints), default=0)
    if anthropic:
        return {
            "type": "model",
            "id": name,
            "display_name": name,
            "description": f"served by {', '.join(providers)}",
            "created_at": _BEGINNING,
            "lifecycle": "active",
            "max_input_tokens": window,
            "max_tokens": max((e.max_output or 0 for e in endpoints), default=0) or None,
        }
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "meritorder",
        "context_length": window,
        "endpoints": [e.id for e in endpoints],
    }


def no_model(name: str, served: Served) -> Fault:
    """Refuse a model nobody serves, naming those there are, the nearest first."""
    near = difflib.get_close_matches(name[:256], list(served), n=3, cutoff=0.3)
    names = listed(list(dict.fromkeys([*near, *sorted(served)]))) or "none"
    meant = difflib.get_close_matches(name[:256], near, n=1, cutoff=_MEANT)
    hint = f"did you mean {meant[0]!r}? Served" if meant else "served"
    return Fault(
        Kind.NO_MODEL,
        f"The model {name!r} is not served here; {hint} are: {names}.",
        param="model",
    )


def listed(names: Sequence[str]) -> str:
    """Name the first of them, and say how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
