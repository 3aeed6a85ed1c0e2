"""A warning that can be raised a thousand times a second and is read once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0


class Complaint:
    """One kind of trouble, logged at most once in ``every_s`` seconds."""

    def __init__(
        self,
        log: logging.Logger,
        every_s: float = EVERY_S,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._every_s = every_s
        self._mono = mono
        self._quiet_until = float("-inf")

    def say(self, message: str, *details: object) -> None:
        """Log a warning, unless one was logged a moment ago. ``details`` must hold no secrets."""
        now = self._mono()
        if now < self._quiet_until:
            return
        self._quiet_until = now + self._every_s
        self._log.warning(message, *details)
