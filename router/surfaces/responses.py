"""OpenAI's responses: what one asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw

from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from router.surfaces.fields import COUNT, FLAG, LIST, NATURAL, Fields, bad_field, typed
from router.surfaces.needs import FORMATS, INSTRUCTING, Media, Wanted, text_size
from router.surfaces.sessions import is_cacheable


class _Item(msgspec.Struct, gc=False):
    type: str = "message"
    role: object = None
    content: Raw = Raw()
    arguments: Raw = Raw()
    output: Raw = Raw()


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    image_url: Raw = Raw()
    file_data: Raw = Raw()
    input_audio: Raw = Raw()


class _Typed(msgspec.Struct, gc=False):
    type: str | None = None


class _Text(msgspec.Struct):
    format: _Typed | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None


_items = msgspec.json.Decoder(list[_Item])
_parts = msgspec.json.Decoder(list[_Part])
_text = msgspec.json.Decoder(_Text)
_reasoning = msgspec.json.Decoder(_Reasoning)

_LISTED: Final = ord("[")
_QUOTED: Final = ord('"')
_PART_BYTES: Final = len('{"type":"input_text","text":""},')
_NEEDS: Final = {
    "input_image": Capability.IMAGES,
    "input_file": Capability.DOCUMENTS,
    "input_audio": Capability.AUDIO,
}
_REMEMBERING: Final = ("previous_response_id", "conversation", "prompt")
"""Fields that bring an input along which the provider keeps."""


def wanted(fields: Fields) -> Wanted:
    """Read what routing needs of a responses request. Raises ``Fault(BAD_BODY)``."""
    if typed(fields, "background", FLAG, "true or false"):
        raise Fault(
            Kind.BAD_BODY,
            "background: true is not served: an answer is given now or not at all; leave it out.",
            param="background",
        )
    given = _input(fields)
    items = [] if given is None or bytes(given)[:1] != b"[" else _items_of(given)
    walk = _Walk(items)
    pieces = [given] if given is not None and not items else walk.pieces
    pieces += [fields[name] for name in ("instructions", "tools") if name in fields]
    found = Media(frozenset(walk.needs), walk.parts, walk.data_bytes)
    prompt = text_size(pieces, found, max(1, len(items)))
    return Wanted(
        prompt=prompt,
        stream=typed(fields, "stream", FLAG, "true or false") or False,
        wants_usage=True,
        max_tokens=typed(fields, "max_output_tokens", COUNT, "a whole number of tokens from 1"),
        needs=found.needs | _wishes(fields),
        beginning=_beginning(fields, items, given) if is_cacheable(prompt) else (),
    )


def _beginning(fields: Fields, items: Sequence[_Item], given: Raw | None) -> list[Raw]:
    """Return what stays at the start of a conversation that is sent whole with every turn."""
    found = [fields["instructions"]] if "instructions" in fields else []
    for item in items:
        found.append(item.content)
        if item.role not in INSTRUCTING:
            break
    return found if items or given is None else [*found, given]


def _input(fields: Fields) -> Raw | None:
    given = fields.get("input")
    if given is None or bytes(given) == b"null":
        if any(name in fields for name in _REMEMBERING):
            return None
        raise Fault(
            Kind.BAD_BODY, "input is missing: send a text or a list of items.", param="input"
        )
    if memoryview(given)[0] not in (_LISTED, _QUOTED):
        raise Fault(Kind.BAD_BODY, "input takes a text or a list of items.", param="input")
    return given


def _items_of(given: Raw) -> list[_Item]:
    try:
        return _items.decode(given)
    except msgspec.DecodeError as error:
        bad_field("input", error, "a text or a list of items")


class _Walk:
    """One pass over the items: what is read, what they need, how many bytes are no text."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self.pieces: list[Raw] = []
        self.needs: set[Capability] = set()
        self.parts = self.data_bytes = 0
        for index, item in enumerate(items):
            for part in (item.content, item.arguments, item.output):
                if part:
                    self.pieces.append(part)
                    self._look(f"input[{index}]", part)

    def _look(self, at: str, content: Raw) -> None:
        if memoryview(content)[0] != _LISTED:
            return
        try:
            parts = _parts.decode(content)
        except msgspec.DecodeError as error:
            bad_field(f"{at}.content", error, "a text or a list of parts with a type each")
        for part in parts:
            self.data_bytes += _PART_BYTES
            need = _NEEDS.get(part.type)
            if need is not None:
                self.needs.add(need)
                self.parts += 1
                for held in (part.image_url, part.file_data, part.input_audio):
                    self.data_bytes += len(bytes(held))


def _wishes(fields: Fields) -> set[Capability]:
    needs: set[Capability] = set()
    if typed(fields, "tools", LIST, "a list of tools"):
        needs.add(Capability.TOOLS)
    # To allow them is this API's default, and what Codex says in every request: no need.
    typed(fields, "parallel_tool_calls", FLAG, "true or false")
    text = typed(fields, "text", _text, "an object")
    if text is not None and text.format is not None:
        form = FORMATS.get(text.format.type)
        if form is not None:
            needs.add(form)
    reasoning = typed(fields, "reasoning", _reasoning, 'an object such as {"effort": "low"}')
    if reasoning is not None and reasoning.effort is not None:
        needs.add(Capability.REASONING_EFFORT)
    if typed(fields, "top_logprobs", NATURAL, "a whole number"):
        needs.add(Capability.LOGPROBS)
    return needs
