"""Anthropic's messages: what one asks for, and whether its tokens are only to be counted.

Contents are walked as raw JSON; a block's text is measured, never decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw

from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from router.surfaces.fields import COUNT, FLAG, LIST, Fields, bad_field, typed
from router.surfaces.needs import Media, Wanted, text_size
from router.surfaces.sessions import is_cacheable


class _Message(msgspec.Struct, gc=False):
    role: str
    content: Raw = Raw(b'""')


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    source: Raw = Raw()
    content: Raw = Raw()
    signature: Raw = Raw()


class _Typed(msgspec.Struct, gc=False):
    type: str | None = None


class _Thinking(msgspec.Struct):
    type: str


class _Output(msgspec.Struct):
    effort: str | None = None
    format: _Typed | None = None


class _Choice(msgspec.Struct):
    type: str
    disable_parallel_tool_use: bool | None = None


_messages = msgspec.json.Decoder(list[_Message])
_blocks = msgspec.json.Decoder(list[_Block])
_thinking = msgspec.json.Decoder(_Thinking)
_output = msgspec.json.Decoder(_Output)
_format = msgspec.json.Decoder(_Typed)
_choice = msgspec.json.Decoder(_Choice)

_LISTED: Final = ord("[")
_BLOCK_BYTES: Final = len('{"type":"text","text":""},')
_NEEDS: Final = {"image": Capability.IMAGES, "document": Capability.DOCUMENTS}
_MODELS_OWN: Final = ("disabled", "adaptive")
"""Thinking that no endpoint must be able to steer: none, or as much as the model sees fit."""
_USUAL_EFFORT: Final = (None, "high")
"""To Anthropic's API 'high' is what saying nothing is; Claude Code says it in every request."""
_SMALL: Final = frozenset(("tools", "tool_choice", "thinking", "output_config", "output_format"))


def wanted(fields: Fields) -> Wanted:
    """Read what routing needs of a messages request. Raises ``Fault(BAD_BODY)``."""
    takes = "a whole number of tokens from 1"
    max_tokens = typed(fields, "max_tokens", COUNT, takes)
    if max_tokens is None:
        raise Fault(Kind.BAD_BODY, f"max_tokens is missing; it takes {takes}.", param="max_tokens")
    stream = typed(fields, "stream", FLAG, "true or false") or False
    return msgspec.structs.replace(counted(fields), stream=stream, max_tokens=max_tokens)


def counted(fields: Fields) -> Wanted:
    """Read a request whose tokens are to be counted: one token of answer, as it were."""
    messages = typed(fields, "messages", _messages, "a list of messages with a role each")
    if not messages:
        raise Fault(
            Kind.BAD_BODY, "messages is missing or empty: send one at least.", param="messages"
        )
    walk = _Walk(messages)
    system = _given(fields, "system")
    tools = _given(fields, "tools")
    found = Media(frozenset(walk.needs), walk.parts, walk.data_bytes)
    pieces = [*(m.content for m in messages), *system, *tools]
    small = not _SMALL.isdisjoint(fields)
    prompt = text_size(pieces, found, len(messages) + len(system))
    return Wanted(
        prompt=prompt,
        wants_usage=True,
        max_tokens=1,
        needs=found.needs | _wishes(fields) if small else found.needs,
        beginning=(*system, messages[0].content) if is_cacheable(prompt) else (),
    )


class _Walk:
    """One pass over the messages: what they need, and how many of their bytes are no text."""

    def __init__(self, messages: Sequence[_Message]) -> None:
        self.needs: set[Capability] = set()
        self.parts = self.data_bytes = 0
        for index, message in enumerate(messages):
            self._blocks(f"messages[{index}].content", message.content)

    def _blocks(self, at: str, content: Raw) -> None:
        if memoryview(content)[0] != _LISTED:
            return
        try:
            blocks = _blocks.decode(content)
        except msgspec.DecodeError as error:
            bad_field(at, error, "a text or a list of blocks with a type each")
        for number, block in enumerate(blocks):
            self.data_bytes += _BLOCK_BYTES + len(bytes(block.signature))
            if block.type in _NEEDS:
                self.needs.add(_NEEDS[block.type])
                self.parts += 1
                self.data_bytes += len(bytes(block.source))
            elif block.type == "tool_result" and block.content:
                self._blocks(f"{at}[{number}].content", block.content)


def _given(fields: Fields, name: str) -> list[Raw]:
    return [fields[name]] if name in fields and bytes(fields[name]) != b"null" else []


def _wishes(fields: Fields) -> set[Capability]:
    needs: set[Capability] = set()
    if typed(fields, "tools", LIST, "a list of tools"):
        needs.add(Capability.TOOLS)
    typed(fields, "tool_choice", _choice, 'an object such as {"type": "auto"}')
    thinking = typed(fields, "thinking", _thinking, 'an object such as {"type": "disabled"}')
    output = typed(fields, "output_config", _output, 'an object such as {"effort": "low"}')
    form = typed(fields, "output_format", _format, "an object with a type")
    if output is not None:
        form = output.format or form
    if (thinking is not None and thinking.type not in _MODELS_OWN) or (
        output is not None and output.effort not in _USUAL_EFFORT
    ):
        needs.add(Capability.REASONING_EFFORT)
    if form is not None and form.type == "json_schema":
        needs.add(Capability.JSON_SCHEMA)
    return needs
