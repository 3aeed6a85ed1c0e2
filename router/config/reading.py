"""From a file to values: TOML and pydantic's complaints turned into lines a person can act on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.config.mistake import Mistake, nearest
from router.config.secret import secrets_in, shown

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_KINDS = {
    "bool": "true or false",
    "dict": "a table",
    "float": "a number",
    "frozen_set": "a list",
    "int": "a whole number",
    "list": "a list",
    "model": "a table",
    "string": "text in quotes",
    "tuple": "a list",
}
_FIXED = {
    "finite_number": "must be a finite number",
    "missing": "missing",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_RANGES = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def read_toml(path: Path, mistakes: list[Mistake]) -> dict[str, Any]:
    """Parse a file, without what looks like a secret; what is wrong goes to ``mistakes``."""
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except OSError as e:
        mistakes.append(Mistake(str(path), "", f"cannot be read: {e.strerror or e}"))
    except UnicodeDecodeError as e:
        mistakes.append(Mistake(str(path), f"byte {e.start}", "is not UTF-8"))
    except tomllib.TOMLDecodeError as e:
        mistakes.append(_syntax(path, str(e), text))
    else:
        found = list(secrets_in(document))
        mistakes += (Mistake(str(path), named(place, document), advice) for place, advice in found)
        for place, _ in reversed(found):
            _drop(document, place)
        return document
    return {}


def _syntax(path: Path, message: str, text: str) -> Mistake:
    found = _AT.search(message)
    line, column = found.groups() if found else (None, None)
    if line is None:
        lines = text.split("\n")
        line, column = str(len(lines)), str(len(lines[-1]) + 1)
    return Mistake(str(path), f"line {line}, column {column}", _AT.sub("", message))


def _drop(document: Any, place: Place) -> None:
    for step in place[:-1]:
        document = document[step]
    del document[place[-1]]


def named(place: Place, document: Mapping[str, Any]) -> str:
    """Write a place as people do: ``[server] port``, ``[[endpoints]] #3 'id' price.output``."""
    if not place:
        return ""
    head, *rest = place
    rows = document.get(str(head))
    if rest and isinstance(rest[0], int):
        words = f"[[{head}]] #{rest[0] + 1}"
        row = rows[rest[0]] if isinstance(rows, list) and rest[0] < len(rows) else None
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            words += f" {shown(row['id'])}"
        rest = rest[1:]
    elif rest or isinstance(rows, dict):
        words = f"[{head}]"
    else:
        return str(head)
    return f"{words} {dotted(rest)}" if rest else words


def dotted(place: Place | list[str | int]) -> str:
    """Write a key path: ``price_windows[1].hours_utc``, counted from 1."""
    text = ""
    for step in place:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def validated(
    model: type[M],
    data: object,
    complain: Callable[[Place, str], None],
) -> M | None:
    """Validate strictly; every error is handed to ``complain`` with its place inside ``data``."""
    try:
        return model.model_validate(data)
    except ValidationError as e:
        for error in e.errors(include_url=False):
            complain(error["loc"], _words(error, model))
        return None


def _words(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"unknown key; {nearest(key, _fields_at(model, error['loc'][:-1]))}"
    if kind == "value_error":
        return str(context["error"])
    if kind in _FIXED:
        return _FIXED[kind]
    for sign, words in _RANGES.items():
        if sign in context:
            return f"must be {words} {context[sign]:g}, not {shown(value)}"
    if kind in {"literal_error", "enum"}:
        expected = str(context["expected"])
        return f"must be {expected}, not {shown(value)}"
    what = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float")
    if what in _KINDS:
        return f"must be {_KINDS[what]}, not {shown(value)}"
    if kind == "string_pattern_mismatch":
        return f"has characters that are not allowed here ({context['pattern']}): {shown(value)}"
    return f"{error['msg']} ({shown(value)})"


def _fields_at(model: type[BaseModel], place: Place) -> list[str]:
    for step in place:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if found := _model_in(part):
            return found
    return None
