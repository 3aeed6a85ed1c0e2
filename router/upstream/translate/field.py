"""Fields of a body, read strictly: what is of a wrong type or cannot be said is refused by path.

Messages name fields and types, never values: values are prompts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from router.core.dialects import natively_only
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.upstream.unreadable import UNREADABLE

Fields = dict[str, Any]

_NOTHING: tuple[Any, ...] = (None, [], {}, "")
_decode = msgspec.json.Decoder(Fields).decode


def read(body: bytes, surface: Surface) -> Fields:
    """Decode a body. Raises for what is no JSON object, or only ``surface`` itself can say."""
    fields = decode(body)
    if name := natively_only(surface, fields):
        raise refused(name, f"only an endpoint that speaks {surface.path} itself can take it")
    return fields


def decode(body: bytes) -> Fields:
    """Decode a body. Raises ``Fault(BAD_JSON)`` for what is no JSON object."""
    try:
        return _decode(body)
    except UNREADABLE as exc:
        raise Fault(Kind.BAD_JSON, f"the body is not a JSON object: {exc}") from None


def wrong(path: str, takes: str) -> Fault:
    """Return the fault of a field that no dialect takes as it is."""
    return Fault(Kind.BAD_BODY, f"{path}: it takes {takes}.", param=path)


def refused(path: str, why: str) -> Fault:
    """Return the fault of a field that cannot be said in the endpoint's dialect."""
    return Fault(Kind.UNTOLD, f"{path}: {why}.", param=path)


def only(fields: Mapping[str, Any], known: Collection[str], path: str) -> None:
    """Refuse fields that nobody here knows, unless they are empty."""
    for name, value in fields.items():
        if name not in known and value not in _NOTHING:
            raise refused(
                f"{path}.{name}",
                "the endpoint's dialect has no word for it; leave it out",
            )


def text(value: Any, path: str) -> str:
    """Return a string. Raises ``Fault(BAD_BODY)``."""
    if not isinstance(value, str):
        raise wrong(path, "a string")
    return value


def objects(value: Any, path: str) -> list[Fields]:
    """Return a list of objects. Raises ``Fault(BAD_BODY)``."""
    if not isinstance(value, list):
        raise wrong(path, "a list of objects")
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            raise wrong(f"{path}[{index}]", "an object")
    return value


def mapping(value: Any, path: str) -> Fields:
    """Return an object. Raises ``Fault(BAD_BODY)``."""
    if not isinstance(value, dict):
        raise wrong(path, "an object")
    return value


def number(value: Any, path: str) -> int | None:
    """Return a whole number from 1, or ``None`` where nothing is given. Raises."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong(path, "a whole number from 1")
    return value


def carry(source: Fields, target: Fields, *names: str) -> None:
    """Copy the fields that are given, as they are."""
    for name in names:
        if source.get(name) is not None:
            target[name] = source[name]


def dicts(value: Any) -> list[Fields]:
    """Return the objects of a list in an answer; nothing where it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
