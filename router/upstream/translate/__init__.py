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
    responses_to_chat,
    responses_voice,
)
from router.upstream.translate.chain import chain
from router.upstream.translate.translation import Speaker, Translation

__all__ = ("TRANSLATIONS", "Speaker", "Translation")

_CHAT_TO_MESSAGES = Translation(chat_to_messages.request, chat_voice.ChatVoice, chat_voice.whole)
_MESSAGES_TO_CHAT = Translation(
    messages_to_chat.request, messages_voice.MessagesVoice, messages_voice.whole
)
_RESPONSES_TO_CHAT = Translation(
    responses_to_chat.request, responses_voice.ResponsesVoice, responses_voice.whole
)

TRANSLATIONS: Final[Mapping[tuple[Surface, Surface], Translation]] = MappingProxyType(
    {
        (Surface.CHAT, Surface.MESSAGES): _CHAT_TO_MESSAGES,
        (Surface.MESSAGES, Surface.CHAT): _MESSAGES_TO_CHAT,
        (Surface.RESPONSES, Surface.CHAT): _RESPONSES_TO_CHAT,
        (Surface.RESPONSES, Surface.MESSAGES): chain(_RESPONSES_TO_CHAT, _CHAT_TO_MESSAGES),
    }
)
"""(in front, behind)."""
