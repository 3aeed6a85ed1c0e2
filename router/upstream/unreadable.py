"""What decoding raises at bytes that are no JSON, or not of the shape asked for."""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeError)
