"""The prompt of requests that hold no messages: a text, several, or numbers of tokens."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from router.core.ask import PromptSize
from router.core.tokens import ASCII_PER_TOKEN
from router.surfaces.fields import Fields, bad_field
from router.surfaces.needs import Media, text_size

_shapes = msgspec.json.Decoder(str | list[str | int | list[int]])
_NO_MEDIA: Final = Media()


def texts_size(fields: Fields, name: str, takes: str) -> PromptSize:
    """Measure a field that is a text, a list of texts, tokens, or a list of such.

    Raises ``Fault(BAD_BODY)``.
    """
    raw = fields[name]
    try:
        given = _shapes.decode(raw)
    except msgspec.DecodeError as error:
        bad_field(name, error, takes)
    if isinstance(given, str):
        return text_size([raw], _NO_MEDIA, 1)
    texts = [Raw(each.encode()) for each in given if isinstance(each, str)]
    tokens = sum(len(each) if isinstance(each, list) else 1 for each in given) - len(texts)
    size = text_size(texts, _NO_MEDIA, len(texts))
    return PromptSize(size.ascii_bytes + round(ASCII_PER_TOKEN * tokens), size.other_bytes)
