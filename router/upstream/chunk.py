"""One completion, or one chunk of it, in OpenAI's dialect: only what routing needs.

Leaves are left untyped on purpose. Providers disagree on them (a ``content`` may be a list, an
argument an object), and a leaf nobody expected is no reason to refuse an answer.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from router.core.answer import Content, Usage
from router.core.catalogue import Tier
from router.upstream.usage import read_usage, with_timings


class Message(msgspec.Struct, gc=False):
    """A ``delta`` or a whole ``message``."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None
    audio: Any = None
    images: Any = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers asked for; ``text`` is where the older completions have it."""

    index: Any = 0
    delta: Message | None = None
    message: Message | None = None
    text: Any = None
    finish_reason: Any = None


class _Groq(msgspec.Struct, gc=False):
    usage: Raw = Raw()


class Chunk(msgspec.Struct, gc=False):
    """A chunk or a whole completion; an empty ``Raw`` is a field that is not there."""

    choices: list[Choice] | None = None
    usage: Raw = Raw()
    error: Raw = Raw()
    timings: Raw = Raw()
    x_groq: _Groq | None = None
    service_tier: Any = None

    @property
    def told_error(self) -> bytes:
        """Its error, as OpenAI would have sent it alone."""
        return b'{"error":' + bytes(self.error) + b"}"

    @property
    def counted(self) -> Usage | None:
        """The usage it reports, if it does."""
        usage = None
        if is_given(self.usage):
            usage = read_usage(self.usage)
        elif self.x_groq is not None and is_given(self.x_groq.usage):
            usage = read_usage(self.x_groq.usage)
        if self.timings:
            usage = with_timings(usage, self.timings)
        if usage is not None and usage.tier is None and self.service_tier is not None:
            return usage._replace(tier=Tier.named(self.service_tier))
        return usage


Seen = tuple[Content, int, int]
"""What a person would have seen of a message: the best content, all its visible characters, and
those of them that are reasoning. A plain tuple: one is made for every chunk."""

NOTHING: Seen = (Content.NOTHING, 0, 0)
_ANSWER = Content.ANSWER

decode_chunk = msgspec.json.Decoder(Chunk).decode


def is_given(raw: Raw) -> bool:
    """Whether a field is there and not null."""
    return bool(raw) and bytes(raw) != b"null"


def look(message: Message) -> Seen:
    """Count the visible characters of a delta or message, and say what they are.

    The name of a tool counts: the model generated it. Encrypted reasoning does not.
    """
    content = message.content
    if content.__class__ is str:
        if content and not (
            message.reasoning_content
            or message.reasoning
            or message.tool_calls
            or message.reasoning_details
            or message.function_call
            or message.refusal
            or message.audio
            or message.images
        ):
            return _ANSWER, len(content), 0
        answer, thought = len(content), 0
    else:
        answer, thought = _parts(content)
    thinking = message.reasoning_content or message.reasoning
    if thinking:
        thought += _length(thinking)
    elif message.reasoning_details:
        thought += _details(message.reasoning_details)
    if message.tool_calls or message.function_call or message.refusal:
        answer += _calls(message.tool_calls) + _call(message.function_call)
        answer += _length(message.refusal)
    found = bool(answer)
    if message.audio or message.images:
        found = True
        answer += _transcript(message.audio)
    if found:
        return _ANSWER, answer + thought, thought
    return (Content.REASONING, thought, thought) if thought else NOTHING


def look_at_text(text: object) -> Seen:
    """Count what is nothing but text."""
    return (_ANSWER, len(text), 0) if isinstance(text, str) and text else NOTHING


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _parts(content: object) -> tuple[int, int]:
    """Characters of answer and of reasoning in a content that is a list of parts."""
    answer = thought = 0
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thought += _length(inner) + sum(_parts(inner))
        else:
            answer += _length(part.get("text"))
    return answer, thought


def _details(details: object) -> int:
    return sum(
        _length(detail.get("text")) + _length(detail.get("summary"))
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict)
    )


def _calls(calls: object) -> int:
    return sum(
        _call(call.get("function") or call.get("custom"))
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    )


def _call(function: object) -> int:
    if not isinstance(function, dict):
        return 0
    arguments = function.get("arguments") or function.get("input")
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    return _length(function.get("name")) + _length(arguments)


def _transcript(audio: object) -> int:
    return _length(audio.get("transcript")) if isinstance(audio, dict) else 0
