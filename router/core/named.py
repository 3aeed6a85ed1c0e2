"""Named tuples, where a request makes them by the dozen."""

from __future__ import annotations

from typing import Final

make: Final = tuple.__new__
"""``make(T, (a, b))`` is ``T(a, b)`` in half the time: the constructor of a ``NamedTuple`` is
written in Python."""
