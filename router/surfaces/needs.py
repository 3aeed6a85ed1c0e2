"""What an endpoint must have to serve a body, and how long its prompt is.

Messages are walked once, their contents skipped: only one that is a list of parts can hold an
image, and only such a list is looked into. (Searching the bytes for ``"image_url"`` first was
tried: three searches cost more than the walk.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from router.core.ask import PromptSize
from router.core.catalogue import Capability
from router.surfaces.fields import bad_field

_ASCII_ESCAPE: Final = re.compile(rb"\\u00[0-7]")
_ESCAPE_BYTES, _UTF8_BYTES = 6, 3
_NON_ASCII: Final = bytes(range(0x80, 0x100))


class Media(NamedTuple):
    """Parts that are no text: what they need, how many there are, and the bytes they take."""

    needs: frozenset[Capability] = frozenset()
    parts: int = 0
    data_bytes: int = 0


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    image_url: msgspec.Raw = msgspec.Raw()
    input_audio: msgspec.Raw = msgspec.Raw()
    file: msgspec.Raw = msgspec.Raw()


class Message(msgspec.Struct, gc=False):
    """One message, its content not looked into."""

    content: msgspec.Raw = msgspec.Raw(b"null")


_parts = msgspec.json.Decoder(list[_Part])
_NO_MEDIA: Final = Media()
_OPENING: Final = ord("[")


def media(messages: list[Message]) -> Media:
    """Find images, audio and documents. Raises ``Fault(BAD_BODY)`` for wrong types."""
    listed = [
        (i, m.content) for i, m in enumerate(messages) if memoryview(m.content)[0] == _OPENING
    ]
    if not listed:
        return _NO_MEDIA
    needs: set[Capability] = set()
    parts = data_bytes = 0
    for index, content in listed:
        for part in _decode(index, content):
            need, size = _weigh(part)
            if need is not None:
                needs.add(need)
                parts += 1
                data_bytes += size
    return Media(frozenset(needs), parts, data_bytes)


def _decode(index: int, content: msgspec.Raw) -> list[_Part]:
    try:
        return _parts.decode(content)
    except msgspec.DecodeError as error:
        bad_field(f"messages[{index}].content", error, "a list of parts with a type each")


def _weigh(part: _Part) -> tuple[Capability | None, int]:
    """Return what a part needs, and how many of its bytes are data instead of text."""
    match part.type:
        case "image_url":
            held = bytes(part.image_url)
            return Capability.IMAGES, len(held) if b'"data:' in held[:256] else 0
        case "input_audio":
            return Capability.AUDIO, len(bytes(part.input_audio))
        case "file":
            held = bytes(part.file)
            return Capability.DOCUMENTS, len(held) if b'"file_data"' in held else 0
        case _:
            return None, 0


def prompt_size(body: bytes, found: Media) -> PromptSize:
    r"""Measure the body as a prompt, without the bytes of attachments.

    An escape such as ``\u4e2d`` is counted as the three bytes it stands for, among the others.
    """
    other = 0
    ascii_bytes = len(body)
    if not body.isascii():
        ascii_bytes = len(body.translate(None, _NON_ASCII))
        other = len(body) - ascii_bytes
    escapes = body.count(b"\\u") if b"\\" in body else 0
    if escapes:
        escapes -= len(_ASCII_ESCAPE.findall(body))
        other += _UTF8_BYTES * escapes
        ascii_bytes -= _ESCAPE_BYTES * escapes
    return PromptSize(max(1, ascii_bytes - found.data_bytes), other, found.parts)


class Wishes(NamedTuple):
    """The typed small fields of a body that an endpoint must be able to honour."""

    tools: bool
    parallel_tools: bool
    response_format: str | None
    logprobs: bool
    choices: int
    reasoning_effort: bool
    seed: bool


_FORMATS: Final[Mapping[str | None, Capability]] = {
    "json_object": Capability.JSON_OBJECT,
    "json_schema": Capability.JSON_SCHEMA,
}


def needs_of(wishes: Wishes, found: Media) -> frozenset[Capability]:
    """Return every capability the body needs."""
    needs = set(found.needs)
    if wishes.tools:
        needs.add(Capability.TOOLS)
        if wishes.parallel_tools:
            needs.add(Capability.PARALLEL_TOOLS)
    if wishes.response_format in _FORMATS:
        needs.add(_FORMATS[wishes.response_format])
    if wishes.logprobs:
        needs.add(Capability.LOGPROBS)
    if wishes.choices > 1:
        needs.add(Capability.SEVERAL_CHOICES)
    if wishes.reasoning_effort:
        needs.add(Capability.REASONING_EFFORT)
    if wishes.seed:
        needs.add(Capability.SEED)
    return frozenset(needs)
