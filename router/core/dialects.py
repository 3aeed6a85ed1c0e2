"""What of one dialect can be said in another: fields, values, and what only its own endpoints take.

Chat is the common tongue: what an endpoint does not speak itself is said to it in chat, or, where
it speaks Anthropic's messages alone, in those.

A field is *expressible* if the other dialect has it, or if leaving it out loses nothing: hints to a
cache, labels of stored answers, a client's notes of itself (Codex's ``client_metadata``), and
anything at a value that changes nothing (``n`` of 1). The rest rejects the endpoint, by name;
nothing is dropped in silence.

Signed thinking binds only while a tool loop is open: Anthropic ignores what was thought in earlier
turns, so there it may be left out. OpenAI's encrypted reasoning is treated alike.
https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from router.core.surface import Surface

_Fields = Mapping[str, Any]

_OURS: Final = frozenset({"sla", "provider", "models", "session_id"})
"""What a body says to us."""

_CHAT_TO_MESSAGES: Final = _OURS | {
    "audio", "cache_control", "frequency_penalty", "function_call", "functions", "logit_bias",
    "logprobs", "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities",
    "model", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
    "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
    "stream_options", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_logprobs",
    "top_p", "user", "verbosity", "web_search_options",
}  # fmt: skip

_MESSAGES_TO_CHAT: Final = _OURS | {
    "cache_control", "container", "context_management", "inference_geo", "max_tokens",
    "mcp_servers", "messages", "metadata", "model", "output_config", "output_format",
    "prompt_cache_key", "service_tier", "speed", "stop_sequences", "stream", "system",
    "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p",
}  # fmt: skip

_RESPONSES_TO_CHAT: Final = _OURS | {
    "background", "client_metadata", "context_management", "conversation", "include", "input",
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation",
    "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier",
    "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice",
    "tools", "top_logprobs", "top_p", "truncation", "user",
}  # fmt: skip

EXPRESSIBLE: Final[Mapping[tuple[Surface, Surface], frozenset[str]]] = MappingProxyType(
    {
        (Surface.CHAT, Surface.MESSAGES): _CHAT_TO_MESSAGES,
        (Surface.MESSAGES, Surface.CHAT): _MESSAGES_TO_CHAT,
        (Surface.RESPONSES, Surface.CHAT): _RESPONSES_TO_CHAT,
        (Surface.RESPONSES, Surface.MESSAGES): _RESPONSES_TO_CHAT,
    }
)
"""(in front, behind): top-level fields that a translation takes, some at certain values only."""

_BEHIND: Final = (Surface.CHAT, Surface.MESSAGES)

_NEUTRAL: Final[Mapping[Surface, Mapping[str, Sequence[Any]]]] = {
    Surface.CHAT: {
        "audio": (),
        "frequency_penalty": (0,),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "logit_bias": ({},),
        "logprobs": (False,),
        "modalities": (["text"], []),
        "moderation": (),
        "n": (1,),
        "presence_penalty": (0,),
        "seed": (),
        "service_tier": ("auto", "default"),
        "store": (False,),
        "top_logprobs": (0,),
        "verbosity": ("medium",),
        "web_search_options": (),
    },
    Surface.MESSAGES: {
        "container": (),
        "inference_geo": (),
        "mcp_servers": ([],),
        "speed": ("standard",),
    },
    Surface.RESPONSES: {
        "background": (False,),
        "context_management": ([],),
        "conversation": (),
        "moderation": (),
        "previous_response_id": (),
        "prompt": (),
        "top_logprobs": (0,),
        "truncation": ("disabled",),
    },
}
"""Values at which a field that no other dialect has changes nothing; null always does."""

_BLOCKS: Final = frozenset(
    {"text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"}
)
"""Anthropic's content blocks that another dialect can hold."""

_PARTS: Final = frozenset({"text", "refusal", "image_url", "file"})
"""Parts of a chat's messages that Anthropic can hold."""

_TOOL_WISHES: Final = ("allowed_callers", "defer_loading", "input_examples")
"""What Anthropic alone can be told of a tool."""

_ITEMS: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})
"""Items of a Responses input that another dialect can hold."""

SEALED: Final = frozenset({"signature", "encrypted_content"})
"""What only the API that sealed it takes back."""

_OF_THINKING: Final = "clear_thinking_"
"""An edit of the context that concerns thinking alone; of thinking that is left out, nothing."""


def way(surface: Surface, speaks: Collection[Surface]) -> Surface | None:
    """Return the surface in which an endpoint is told, or ``None`` where there is no way."""
    if surface in speaks:
        return surface
    return next((b for b in _BEHIND if b in speaks and (surface, b) in EXPRESSIBLE), None)


def natively_only(surface: Surface, fields: _Fields) -> str:
    """Name what in a body only an endpoint that speaks ``surface`` itself can take.

    ``fields`` is the decoded body. Empty where a translation can say it all. What is malformed is
    not judged here.
    """
    for name, neutral in _NEUTRAL.get(surface, {}).items():
        value = fields.get(name)
        if value is not None and value not in neutral:
            return name
    match surface:
        case Surface.CHAT:
            return _chat(fields)
        case Surface.MESSAGES:
            return _messages(fields)
        case Surface.RESPONSES:
            return _responses(fields)
        case Surface.COMPLETIONS | Surface.EMBEDDINGS | Surface.COUNT_TOKENS:
            return surface.value


def open_loop(messages: Sequence[Any]) -> int:
    """Return where the turn under way begins if it is a tool loop of Anthropic's, else the end.

    It is one while the last message brings results of tools: everything since the last message
    that is the user's own belongs to it.
    """
    if not messages or not _has_results(messages[-1]):
        return len(messages)
    for index in range(len(messages) - 1, -1, -1):
        if _role(messages[index]) == "user" and not _has_results(messages[index]):
            return index + 1
    return 0


def is_signed(block: _Fields) -> bool:
    """Whether a block is thinking that only its maker can read again."""
    kind = block.get("type")
    return kind == "redacted_thinking" or (kind == "thinking" and bool(block.get("signature")))


def _chat(fields: _Fields) -> str:
    temperature = fields.get("temperature")
    if isinstance(temperature, int | float) and temperature > 1:
        return "temperature"
    if _type(fields.get("response_format")) == "json_object":
        return "response_format"
    for tool in _listed(fields.get("tools")):
        if _type(tool) != "function":
            return f"tools.{_type(tool)}"
    for message in _dicts(fields.get("messages")):
        if alien := _alien_message(message):
            return alien
    return ""


def _alien_message(message: _Fields) -> str:
    """Name what in a chat's message Anthropic cannot hold, if anything."""
    role = message.get("role")
    if role == "function":
        return "messages.function"
    if message.get("name") and role != "tool":
        return "messages.name"
    for part in _dicts(message.get("content")):
        kind = _type(part)
        if kind not in _PARTS:
            return kind
        file = part.get("file")
        if isinstance(file, dict) and file.get("file_id"):
            return "file_id"
    return ""


def _messages(fields: _Fields) -> str:
    for tool in _dicts(fields.get("tools")):
        if _type(tool) not in {"", "custom"}:
            return f"tools.{_type(tool)}"
        for wish in _TOOL_WISHES:
            if tool.get(wish) not in (None, False, [], ["direct"]):
                return f"tools.{wish}"
    edits = fields.get("context_management")
    if isinstance(edits, dict) and not _concerns_thinking_only(edits):
        return "context_management"
    messages = _listed(fields.get("messages"))
    for block in _blocks(messages):
        if alien := _alien(block):
            return alien
    for block in _blocks(messages[open_loop(messages) :]):
        if is_signed(block):
            return "signature"
    return ""


def _concerns_thinking_only(edits: _Fields) -> bool:
    return set(edits) <= {"edits"} and all(
        _type(edit).startswith(_OF_THINKING) for edit in _listed(edits.get("edits"))
    )


def _alien(block: _Fields) -> str:
    """Name the feature of Anthropic's that a block is, if it is one."""
    kind = _type(block)
    if kind not in _BLOCKS:
        return kind
    source = _type(block.get("source"))
    if source == "file" or (kind, source) == ("document", "url"):
        return f"{kind}.source.{source}"
    citations = block.get("citations")
    return "citations" if isinstance(citations, dict) and citations.get("enabled") else ""


def _responses(fields: _Fields) -> str:
    for tool in _listed(fields.get("tools")):
        if _type(tool) != "function":
            return f"tools.{_type(tool)}"
    if "message.output_text.logprobs" in _listed(fields.get("include")):
        return "message.output_text.logprobs"
    items = list(_dicts(fields.get("input")))
    begun = max((i + 1 for i, item in enumerate(items) if _role(item) == "user"), default=0)
    for index, item in enumerate(items):
        kind = _type(item) or ("message" if "role" in item else "item_reference")
        if kind not in _ITEMS:
            return kind
        if kind == "reasoning" and item.get("encrypted_content") and index >= begun:
            return "encrypted_content"
        for part in (*_dicts(item.get("content")), *_dicts(item.get("output"))):
            if alien := next((name for name in ("file_id", "file_url") if part.get(name)), ""):
                return alien
    return ""


def _has_results(message: Any) -> bool:
    return _role(message) == "user" and any(
        _type(block) == "tool_result" for block in _dicts(message.get("content"))
    )


def _blocks(messages: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Walk the content blocks of messages, and those inside results of tools."""
    for message in _dicts(messages):
        for block in _dicts(message.get("content")):
            yield block
            if block.get("type") == "tool_result":
                yield from _dicts(block.get("content"))


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _type(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in _listed(value) if isinstance(each, dict))
