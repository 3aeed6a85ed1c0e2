"""The end of a child whose parent died: no market outlives the session that started it.

Linux tells us itself (PR_SET_PDEATHSIG); elsewhere, and against the race before it was armed, the
parent's id is watched: an orphan gets another parent.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 1.0


def arm() -> None:
    """Ask the kernel, where it can, for SIGTERM at the parent's death."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def orphaned(
    parent: int, *, look: Callable[[], int] = os.getppid, every_s: float = _LOOK_EVERY_S
) -> None:
    """Return once the parent is no longer `parent`."""
    while look() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(every_s)
