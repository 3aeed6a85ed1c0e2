"""What an endpoint must have to serve a body, and how long its prompt is.

Messages are walked once, their contents skipped: only one that is a list of parts can hold an
image, and only such a list is looked into. (Searching the bytes for ``"image_url"`` first was
tried: three searches cost more than the walk.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from router.core.ask import PromptSize
from router.core.catalogue import Capability
from router.surfaces.fields import bad_field

_ASCII_ESCAPE: Final = re.compile(rb"\\u00[0-7]")
_ESCAPE_BYTES, _UTF8_BYTES = 6, 3
_MESSAGE_BYTES: Final = 16
"""What a message's role and end take beside its content: about four tokens."""
_QUOTES: Final = 2
_PART_BYTES: Final = len('{"type":"text","text":""},')
_NON_ASCII: Final = bytes(range(0x80, 0x100))


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """What one dialect says of a request, in the words of an ``Ask``.

    ``beginning`` is what stays at the start of a conversation that is sent whole with every turn,
    where that is long enough to be cached.
    """

    prompt: PromptSize
    stream: bool = False
    wants_usage: bool = False
    max_tokens: int | None = None
    needs: frozenset[Capability] = frozenset()
    beginning: Sequence[msgspec.Raw] = ()


class Media(msgspec.Struct, frozen=True, gc=False):
    """Parts that are no text: what they need, how many there are.

    ``data_bytes`` are those of attachments, and of the JSON around every part.
    """

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

    content: msgspec.Raw = msgspec.Raw(b'""')
    tool_calls: msgspec.Raw = msgspec.Raw()
    function_call: msgspec.Raw = msgspec.Raw()
    reasoning_content: msgspec.Raw = msgspec.Raw()


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
            data_bytes += _PART_BYTES
            need, size = _weigh(part)
            if need is not None:
                needs.add(need)
                parts += 1
                data_bytes += size
    return Media(frozenset(needs), parts, data_bytes)


INSTRUCTING: Final = ("system", "developer")
"""Roles of what is said before a conversation begins."""


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


def prompt_size(
    messages: Sequence[Message], found: Media, schemas: Sequence[msgspec.Raw] = ()
) -> PromptSize:
    r"""Measure what a model reads: contents and tool calls of messages, and ``schemas``.

    The JSON around them is not counted (of a short question it is the most), nor the bytes of
    attachments; every message adds what its role and end take. An escape such as ``\n`` counts
    as the byte it stands for, one such as ``\u4e2d`` as three bytes among the others.
    """
    pieces: list[msgspec.Raw] = [m.content for m in messages]
    for message in messages:
        if message.tool_calls or message.function_call or message.reasoning_content:
            pieces += (message.tool_calls, message.function_call, message.reasoning_content)
    return text_size([*pieces, *schemas], found, len(messages))


def text_size(pieces: Iterable[msgspec.Raw], found: Media, messages: int) -> PromptSize:
    """Measure raw JSON values that a model reads, of so many ``messages``: see ``prompt_size``."""
    text = b"".join(pieces)
    ascii_bytes = len(text) - found.data_bytes + messages * (_MESSAGE_BYTES - _QUOTES)
    other = 0
    if not text.isascii():
        other = len(text) - len(text.translate(None, _NON_ASCII))
        ascii_bytes -= other
    if b"\\" in text:
        # Without its pairs, every backslash left begins an escape.
        left = text.replace(b"\\\\", b"/")
        unicode = left.count(b"\\u")
        low = len(_ASCII_ESCAPE.findall(left))
        short = left.count(b"\\") - unicode
        other += _UTF8_BYTES * (unicode - low)
        ascii_bytes -= len(text) - len(left) + short
        ascii_bytes -= (_ESCAPE_BYTES - 1) * low + _ESCAPE_BYTES * (unicode - low)
    return PromptSize(max(1, ascii_bytes), other, found.parts)


class Wishes(NamedTuple):
    """The typed small fields of a body that an endpoint must be able to honour."""

    tools: bool
    response_format: str | None
    logprobs: bool
    choices: int
    reasoning_effort: bool
    seed: bool
    speech: bool


FORMATS: Final[Mapping[str | None, Capability]] = {
    "json_object": Capability.JSON_OBJECT,
    "json_schema": Capability.JSON_SCHEMA,
}


def needs_of(wishes: Wishes, found: Media) -> frozenset[Capability]:
    """Return every capability the body needs."""
    needs = set(found.needs)
    if wishes.tools:
        needs.add(Capability.TOOLS)
    if wishes.response_format in FORMATS:
        needs.add(FORMATS[wishes.response_format])
    if wishes.logprobs:
        needs.add(Capability.LOGPROBS)
    if wishes.choices > 1:
        needs.add(Capability.SEVERAL_CHOICES)
    if wishes.reasoning_effort:
        needs.add(Capability.REASONING_EFFORT)
    if wishes.seed:
        needs.add(Capability.SEED)
    if wishes.speech:
        needs.add(Capability.AUDIO)
    return frozenset(needs)
