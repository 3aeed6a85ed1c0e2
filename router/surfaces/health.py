"""Whether the process lives, and whether it should get requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.core.faults import FAULTS, Kind

_OK = 200


def ready_answer(health: Mapping[str, Any], *, draining: bool) -> tuple[int, dict[str, Any]]:
    """Return status and JSON of ``/health/ready``.

    ``health`` tells of the parts (``redis``, ``adapters``, ``sandbox``, ``endpoints``); its
    ``ready`` says whether requests can be served. A Redis that is gone is told, and no reason to
    send requests elsewhere. A process that is shutting down is not ready.
    """
    told = {key: value for key, value in health.items() if key != "ready"}
    if draining:
        return FAULTS[Kind.DRAINING].status, {"status": "draining", **told}
    if not health.get("ready", True):
        return FAULTS[Kind.UNAVAILABLE].status, {"status": "unready", **told}
    return _OK, {"status": "ready", **told}
