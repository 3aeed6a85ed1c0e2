"""``GET /v1/route/decisions/{id}``: how a request was decided and what came of it."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from router.core.faults import Fault, Kind
from router.surfaces.guard import OWNER, json_answer
from router.surfaces.kept import unpack
from router.surfaces.service import Service

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


async def decision_page(request: web.Request, service: Service, request_id: str) -> web.Response:
    """Tell it to the key that made the request; to others it is as if there were none."""
    name = request.match_info["id"]
    packed = await service.decided(name) if _ID.fullmatch(name) else None
    kept = None if packed is None else unpack(packed)
    if kept is None or not (service.door.open or kept.owner == request[OWNER]):
        raise Fault(
            Kind.NO_DECISION,
            f"There is no decision {name[:64]!r} of yours here: it is unknown, older than an hour,"
            " or of the last second and of another replica. The id is X-SLA-Decision-Id.",
            param="id",
        )
    return json_answer(kept.told, request_id)
