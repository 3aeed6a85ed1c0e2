"""The request body: read by us, so that every refusal of it wears our envelope."""

from __future__ import annotations

import aiohttp
from aiohttp import hdrs, web

from router.core.faults import Fault, Kind

_JSON = "application/json"
_CHARSETS = frozenset({"utf-8", "utf8"})


async def read_body(request: web.Request, max_body: int) -> bytes:
    """Read a JSON body of ``max_body`` bytes at most. Raises ``Fault``.

    The declared length is checked before anything is read, the real one while reading (a
    chunked or compressed body declares none, or another).
    """
    check_content_type(request.headers.get(hdrs.CONTENT_TYPE))
    length = request.content_length
    if length is not None and length > max_body:
        raise _too_large(max_body)
    chunks: list[bytes] = []
    size = 0
    content = request.content
    try:
        if content.is_eof():
            # A small body usually came with its headers: there is nothing to wait for.
            body = content.read_nowait()
            if len(body) > max_body:
                raise _too_large(max_body)
            return body
        while True:
            chunk = await content.readany()
            if not chunk:
                break
            size += len(chunk)
            if size > max_body:
                raise _too_large(max_body)
            chunks.append(chunk)
    except (aiohttp.ClientPayloadError, aiohttp.web.RequestPayloadError, ValueError) as error:
        raise Fault(Kind.BAD_JSON, "The body broke off or was not encoded as it says.") from error
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def check_content_type(sent: str | None) -> None:
    """Insist on JSON in UTF-8. Raises ``Fault(CONTENT_TYPE)``.

    A missing type is refused too: browsers send such requests, and text ones, across origins
    without asking, and a local proxy would spend its owner's money on them.
    """
    if sent == _JSON:
        return
    media, _, rest = (sent or "").lower().partition(";")
    media = media.strip()
    if media == _JSON or (media.startswith("application/") and media.endswith("+json")):
        charset = next(
            (p.partition("=")[2].strip(' "') for p in rest.split(";") if "charset=" in p), "utf-8"
        )
        if charset in _CHARSETS:
            return
    shown = f"{sent[:64]!r}" if sent else "none"
    raise Fault(
        Kind.CONTENT_TYPE,
        f"The content type is {shown}; send 'Content-Type: application/json' (UTF-8).",
        param="Content-Type",
    )


def _too_large(max_body: int) -> Fault:
    return Fault(Kind.TOO_LARGE, f"The body is larger than the limit of {max_body} bytes.")
