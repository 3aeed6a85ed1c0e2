"""The names in OpenRouter's wishes, held against who is there.

There they may be anybody's, so a name that nobody here has is no mistake by itself: somebody who
orders or ignores a provider that is not configured loses nothing. It is one where it leaves nobody
to serve, and where it can only be a slip of the pen: a provider meant to be ignored, and not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from router.core.ask import Preferences
from router.core.faults import Fault, Kind
from router.surfaces.models import Served, listed

_ALIKE: Final = 0.8
"""How alike two names must be for one to be a slip: 'parasial' and 'parasail' are."""
_SHOWN: Final = 64


def known_names(wishes: Preferences, served: Served) -> Preferences:
    """Return ``wishes`` with the names in them that nobody has. Raises ``Fault(BAD_BODY)``."""
    said: Mapping[str, Iterable[str]] = {
        "only": sorted(wishes.only),
        "ignore": sorted(wishes.ignore),
        "order": wishes.order,
    }
    if not any(said.values()):
        return wishes
    endpoints = [endpoint for each in served.values() for endpoint in each]
    providers = dict.fromkeys(endpoint.provider.lower() for endpoint in endpoints)
    names = providers | dict.fromkeys(endpoint.id.lower() for endpoint in endpoints)
    unknown = {key: [name for name in given if name not in names] for key, given in said.items()}
    for key, alone in (("only", True), ("order", not wishes.fallbacks)):
        if alone and unknown[key] and len(unknown[key]) == len(set(said[key])):
            raise _bad(key, unknown[key][0], f"known are {listed(sorted(providers))}")
    for name in unknown["ignore"]:
        if alike := difflib.get_close_matches(name[:_SHOWN], list(names), n=1, cutoff=_ALIKE):
            raise _bad("ignore", name, f"did you mean {alike[0]!r}?")
    told = (f"provider.{key}: {name[:_SHOWN]}" for key, each in unknown.items() for name in each)
    return replace(wishes, unknown=tuple(told))


def _bad(key: str, name: str, hint: str) -> Fault:
    at = f"provider.{key}"
    return Fault(Kind.BAD_BODY, f"{at}: nobody here is called {name[:_SHOWN]!r}; {hint}.", param=at)
