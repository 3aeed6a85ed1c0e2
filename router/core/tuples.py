"""Named tuples, where they are made by the dozen."""

from __future__ import annotations

from typing import Final

new: Final = tuple.__new__
"""``new(T, (a, b))`` is ``T(a, b)`` in less than half the time: the constructor of a ``NamedTuple``
is written in Python. It has no defaults, and nobody counts the fields: for loops only."""
