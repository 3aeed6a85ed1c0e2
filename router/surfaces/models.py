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


def list_json(served: Served, *, anthropic: bool) -> dict[str, Any]:
    """List every model served."""
    data = [model_json(name, served, anthropic=anthropic) for name in served]
    if not anthropic:
        return {"object": "list", "data": data}
    return {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def model_json(name: ModelName, served: Served, *, anthropic: bool) -> dict[str, Any]:
    """Describe one model: its widest window and the providers behind it."""
    endpoints = served[name]
    providers = list(dict.fromkeys(e.provider for e in endpoints))
    if anthropic:
        return {
            "type": "model",
            "id": name,
            "display_name": name,
            "description": f"served by {', '.join(providers)}",
            "created_at": _BEGINNING,
        }
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "meritorder",
        "context_length": max((e.context for e in endpoints), default=0),
        "endpoints": [e.id for e in endpoints],
    }


def no_model(name: str, served: Served) -> Fault:
    """Refuse a model nobody serves, naming those there are, the nearest first."""
    near = difflib.get_close_matches(name[:256], list(served), n=3, cutoff=0.3)
    names = list(dict.fromkeys([*near, *sorted(served)]))[:_LISTED]
    more = f" and {len(served) - len(names)} more" if len(served) > len(names) else ""
    listed = ", ".join(names) or "none"
    meant = difflib.get_close_matches(name[:256], near, n=1, cutoff=_MEANT)
    hint = f"did you mean {meant[0]!r}? Served" if meant else "served"
    return Fault(
        Kind.NO_MODEL,
        f"The model {name!r} is not served here; {hint} are: {listed}{more}.",
        param="model",
    )
