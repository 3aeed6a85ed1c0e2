"""Keys have no place in a file: what looks like one is found, named by its place, never printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

_KEY_NAMES = frozenset(
    {
        "access_token",
        "api_key",
        "api_token",
        "apikey",
        "auth_token",
        "authorization",
        "key",
        "password",
        "secret",
        "secret_key",
        "token",
    }
)
# Prefixes that providers give their keys: OpenAI, Anthropic, OpenRouter, Groq, xAI, Google,
# Hugging Face, NVIDIA, Fireworks, Perplexity, Cerebras, Friendli, Lambda, Parasail, AWS, JWT.
_KEY_SHAPE = re.compile(
    r"(sk|gsk|xai|hf|nvapi|fw|pplx|csk|flp|secret|psk)[-_][A-Za-z0-9_\-]{12,}"
    r"|AIza[A-Za-z0-9_\-]{20,}|AKIA[A-Z0-9]{12,}|eyJ[A-Za-z0-9_\-]{20,}|Bearer\s+\S+"
    r"|[0-9a-fA-F]{32,}"
)

ADVICE = (
    "a key never stands in a file; put it into an environment variable and write its NAME: "
    'api_key_env = "..."'
)


def looks_secret(text: str) -> bool:
    """Whether ``text`` has the shape of a provider's key, or is a URL with a secret in it."""
    return _KEY_SHAPE.fullmatch(text.strip()) is not None or has_password(text) or _has_key(text)


def has_password(text: str) -> bool:
    """Whether ``text`` is a URL that carries a password."""
    try:
        return "://" in text and urlsplit(text).password is not None
    except ValueError:
        return False


def _has_key(text: str) -> bool:
    """Whether ``text`` is a URL whose query holds a key."""
    if "://" not in text or "?" not in text:
        return False
    said = parse_qsl(text.partition("?")[2])
    return any(name.lower() in _KEY_NAMES or _KEY_SHAPE.fullmatch(value) for name, value in said)


def shown(value: object) -> str:
    """``value`` for an error message: short, and blank where it may be a secret."""
    if isinstance(value, str) and looks_secret(value):
        return "a value that looks like a key"
    text = repr(value)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}..."


def secrets_in(
    document: object, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield place and advice for everything in a parsed file that looks like a secret."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key.lower() in _KEY_NAMES and not isinstance(value, dict | list):
                yield (*place, key), ADVICE
            else:
                yield from secrets_in(value, (*place, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from secrets_in(value, (*place, index))
    elif isinstance(document, str) and looks_secret(document):
        advice = ADVICE
        if has_password(document):
            advice = "a URL with a password is a secret; give it through the environment instead"
            if len(place) == 2 and isinstance(place[1], str):  # noqa: PLR2004 - section, key
                advice += f": MERITORDER_{place[0]}__{place[1]}".upper()
        yield place, advice
