"""The operations of an LLM API: what a client asks for, and what an endpoint may speak itself."""

from __future__ import annotations

from enum import StrEnum


class Surface(StrEnum):
    """One operation in one dialect. The value is its name in configuration, logs and headers."""

    CHAT = "chat"
    RESPONSES = "responses"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"

    __hash__ = str.__hash__  # the enum's own is ten times as slow, and is asked 20 times a request

    @property
    def path(self) -> str:
        """Where it is spoken, below a base URL that ends in ``/v1``."""
        return _PATHS[self]

    @property
    def is_anthropic(self) -> bool:
        """Whether it belongs to Anthropic's API; the others are OpenAI's."""
        return self in _ANTHROPIC

    @property
    def generates(self) -> bool:
        """Whether its answer is generated token by token."""
        return self not in (Surface.EMBEDDINGS, Surface.COUNT_TOKENS)


_ANTHROPIC = frozenset((Surface.MESSAGES, Surface.COUNT_TOKENS))
_PATHS = {
    Surface.CHAT: "/chat/completions",
    Surface.RESPONSES: "/responses",
    Surface.COMPLETIONS: "/completions",
    Surface.EMBEDDINGS: "/embeddings",
    Surface.MESSAGES: "/messages",
    Surface.COUNT_TOKENS: "/messages/count_tokens",
}
