"""AWS' binary framing of events (application/vnd.amazon.eventstream), written by hand."""

from __future__ import annotations

import json
import struct
from zlib import crc32

MEDIA = "application/vnd.amazon.eventstream"


def message(kind: str, payload: object) -> bytes:
    """Frame one event: lengths, their checksum, headers, JSON, checksum of it all."""
    named = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in named.items())
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    framed = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return framed + struct.pack("!I", crc32(framed))


def _header(name: str, value: str) -> bytes:
    text = 7
    return (
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", text, len(value))
        + value.encode()
    )
