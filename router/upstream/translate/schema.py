"""JSON schemas of structured answers, between two ideas of what a schema must say."""

from __future__ import annotations

from typing import Any

from router.upstream.translate.field import wrong

_NESTED = ("properties", "$defs", "definitions", "patternProperties")
_ALTERNATIVES = ("anyOf", "allOf", "oneOf", "prefixItems")


def closed(schema: Any, path: str) -> Any:
    """Return a schema whose objects take no further properties unless it says so.

    Anthropic demands it of every object. An answer that fits the closed schema fits the open one.
    Raises ``Fault(BAD_BODY)`` for one too deep to walk.
    """
    try:
        return _closed(schema)
    except RecursionError:
        raise wrong(path, "a schema nested less deeply") from None


def is_strict(schema: Any) -> bool:
    """Whether OpenAI takes a schema as strict: closed objects that require all they have."""
    try:
        return _is_strict(schema)
    except RecursionError:
        return False


def _closed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    shut = dict(schema)
    for name in _NESTED:
        if isinstance(inner := schema.get(name), dict):
            shut[name] = {key: _closed(each) for key, each in inner.items()}
    for name in _ALTERNATIVES:
        if isinstance(inner := schema.get(name), list):
            shut[name] = [_closed(each) for each in inner]
    if isinstance(schema.get("items"), dict):
        shut["items"] = _closed(schema["items"])
    if _is_object(schema):
        shut.setdefault("additionalProperties", False)
    return shut


def _is_strict(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return True
    if _is_object(schema):
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if schema.get("additionalProperties") is not False:
            return False
        if not (isinstance(properties, dict) and isinstance(required, list)):
            return False
        if any(name not in required for name in properties):
            return False
    inner = [schema.get("items")]
    for name in _NESTED:
        if isinstance(held := schema.get(name), dict):
            inner += held.values()
    for name in _ALTERNATIVES:
        if isinstance(held := schema.get(name), list):
            inner += held
    return all(map(_is_strict, inner))


def _is_object(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "object" or "properties" in schema
