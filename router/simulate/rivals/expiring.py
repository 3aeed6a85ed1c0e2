"""A value in LiteLLM's memory cache: writing it again does not make it live longer.

Source: litellm 1.106.2, ``caching/in_memory_cache.py``: a time to live counts from the first
write, and later writes of a living key leave it alone. What a strategy keeps there is therefore
forgotten at fixed intervals, however busy it is.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Expiring(Generic[T]):
    """At most one value, until ``ttl_s`` after it was first written: ``until`` (s)."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._value: T | None = None
        self.until = 0.0

    def read(self, now: float) -> T | None:
        """Return the value that lives at ``now`` (s), or ``None``."""
        if self._value is not None and self.until < now:
            self._value = None
        return self._value

    def write(self, value: T, now: float, ttl_s: float | None = None) -> None:
        """Replace the value; a living one keeps its end, ``ttl_s`` counts only for a new one."""
        if self.read(now) is None:
            self.until = now + (self._ttl_s if ttl_s is None else ttl_s)
        self._value = value

    def drop(self) -> None:
        """Forget the value at once."""
        self._value = None
