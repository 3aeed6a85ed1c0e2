"""The HTTP response beneath a stream of litellm's, so that it can be hung up on.

A provider goes on generating, and billing, until its connection closes. litellm's stream closes
what it iterates over, but the iterators of most providers have nothing to close, and the response
they read from is known only to a suspended generator (litellm#30245 and others). So it is looked
for: through attributes and the locals of generators, a few steps deep. The contract suite holds
this to every release of litellm that is pinned.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import AsyncGeneratorType
from typing import Any

_STEPS = 64
_HOUSES = ("litellm", "httpx", "openai", "aiohttp")


def response_beneath(stream: object) -> Any | None:
    """Return the ``httpx.Response`` that ``stream`` reads from, or ``None`` where none is found."""
    queue: list[object] = [stream]
    seen: set[int] = set()
    for _ in range(_STEPS):
        if not queue:
            return None
        found = queue.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        if type(found).__name__ == "Response" and hasattr(found, "aclose"):
            return found
        queue.extend(_parts(found))
    return None


def _parts(found: object) -> Iterator[object]:
    if isinstance(found, AsyncGeneratorType):
        frame = found.ag_frame
        values = list(frame.f_locals.values()) if frame is not None else []
    elif type(found).__module__.startswith(_HOUSES):
        values = list(getattr(found, "__dict__", {}).values())
    else:
        return
    for value in values:
        is_stream = isinstance(value, AsyncGeneratorType) or hasattr(value, "__anext__")
        if is_stream or type(value).__name__ == "Response":
            yield value
