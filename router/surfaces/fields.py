"""The top level of a JSON body, taken apart in one pass: names and raw values.

The body itself passes on as it came; only the few fields that routing needs are decoded, each
from its own bytes, so a prompt of 400 KB is walked once and never becomes Python objects.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, NoReturn, TypeVar

import msgspec

from router.core.faults import Fault, Kind

T = TypeVar("T")
Fields = dict[str, msgspec.Raw]
"""The top level of a body: names and raw values."""

TEXT: Final = msgspec.json.Decoder(str)
FLAG: Final = msgspec.json.Decoder(bool)
COUNT: Final = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=1)])
NATURAL: Final = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0)])
INTEGER: Final = msgspec.json.Decoder(int)
LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PATH: Final = re.compile(r" - at `\$(.*)`$")
_NULL: Final = b"null"


def read_fields(body: bytes) -> Fields:
    """Take a body apart.

    Raises ``Fault``: ``BAD_JSON`` with the position, ``BAD_BODY`` if it is no object.
    """
    try:
        fields = _object.decode(body)
        if not body.isascii():
            body.decode()
    except msgspec.ValidationError:
        raise Fault(Kind.BAD_BODY, "The body must be a JSON object.") from None
    except msgspec.DecodeError as error:
        if not body.strip():
            raise Fault(Kind.BAD_JSON, "The body is empty; it must be a JSON object.") from None
        reason = str(error)
        at = "" if "(byte " in reason else f" (of {len(body)} bytes)"
        raise Fault(Kind.BAD_JSON, f"The body is not valid JSON: {reason}{at}.") from None
    except UnicodeDecodeError as error:
        raise Fault(
            Kind.BAD_JSON, f"The body is not valid UTF-8: {error.reason} (byte {error.start})."
        ) from None
    except RecursionError:
        raise Fault(Kind.BAD_JSON, "The body is nested too deeply.") from None
    return fields


def typed(fields: Fields, name: str, decoder: msgspec.json.Decoder[T], takes: str) -> T | None:
    """Decode one field; ``None`` if it is absent or null. Raises ``Fault(BAD_BODY)``."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        if bytes(memoryview(raw)[:5]).strip() == _NULL:
            return None
        bad_field(name, error, takes)


def bad_field(name: str, error: Exception, takes: str) -> NoReturn:
    """Refuse a field by its path, in the words of the decoder and ours."""
    reason = str(error)
    found = _PATH.search(reason)
    path = name + (found.group(1) if found else "")
    words = _PATH.sub("", reason).replace("`", "")
    raise Fault(Kind.BAD_BODY, f"{path}: {words}; it takes {takes}.", param=path) from None
