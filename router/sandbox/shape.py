"""The smallest JSON value that fits a JSON schema: what a tool call or a structured answer says.

Only the keywords that decide the shape are read; bounds, patterns and formats are not.
"""

_DEPTH = 8


def fitting(schema: object, *, depth: int = 0) -> object:
    """A value of the schema's type, with every property it names; {} where it says nothing."""
    match schema:
        case {"const": value}:
            return value
        case {"enum": [first, *_]}:
            return first
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return fitting(first, depth=depth)
        case {"type": [first, *_], **rest}:
            return fitting({**rest, "type": first}, depth=depth)
        case {"properties": dict(properties)} if depth < _DEPTH:
            return {name: fitting(inner, depth=depth + 1) for name, inner in properties.items()}
        case {"type": "array", "items": items} if depth < _DEPTH:
            return [fitting(items, depth=depth + 1)]
        case {"type": str(kind)}:
            return {
                "string": "as planned",
                "integer": 1,
                "number": 0.5,
                "boolean": True,
                "array": [],
                "null": None,
            }.get(kind, {})
        case _:
            return {}
