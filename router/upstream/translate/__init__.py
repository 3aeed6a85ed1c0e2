"""Between the dialects of clients and endpoints: requests there, answers back. Pure.

Chat is what the others are translated by way of.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.core.surface import Surface
from router.upstream.translate import (
    chat_to_messages,
    chat_voice,
    messages_to_chat,
    messages_voice,
)
from router.upstream.translate.translation import Speaker, Translation

__all__ = ("TRANSLATIONS", "Speaker", "Translation")

TRANSLATIONS: Final[Mapping[tuple[Surface, Surface], Translation]] = MappingProxyType(
    {
        (Surface.CHAT, Surface.MESSAGES): Translation(
            chat_to_messages.request, chat_voice.ChatVoice, chat_voice.whole
        ),
        (Surface.MESSAGES, Surface.CHAT): Translation(
            messages_to_chat.request, messages_voice.MessagesVoice, messages_voice.whole
        ),
    }
)
"""(in front, behind)."""
