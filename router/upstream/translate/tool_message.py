"""What a tool returned, as a chat takes it: a message of text, and the rest shown after it."""

from __future__ import annotations

from router.upstream.translate.field import Fields

PARAGRAPH = "\n\n"


def tool_message(call_id: str, parts: list[Fields]) -> tuple[Fields, list[Fields]]:
    """Return the message of a tool, and what it returned beside text, for the user to show."""
    texts = [part["text"] for part in parts if part["type"] == "text"]
    shown = [part for part in parts if part["type"] != "text"]
    content = PARAGRAPH.join(texts)
    if shown:
        shown.insert(0, {"type": "text", "text": f"Returned by the tool call {call_id}:"})
        content = content or "What it returned follows."
    return {"role": "tool", "tool_call_id": call_id, "content": content}, shown


def plain(parts: list[Fields]) -> str | list[Fields]:
    """Return text alone as a string, which every endpoint takes, and other parts as they are."""
    if all(part["type"] == "text" for part in parts):
        return PARAGRAPH.join(part["text"] for part in parts)
    return parts
