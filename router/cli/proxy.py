"""A running proxy, asked over HTTP; whatever goes wrong is told in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

_LIMIT_S: Final = 30
_OK, _NO_KEY = 200, 401
_KEY_HINT: Final = " (--key-env NAME takes the variable that holds the key)"


class ProxyError(Exception):
    """Nobody answered, or with a refusal; the message says which."""


async def decision_of(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    """Return what the proxy at ``url`` would decide for a chat request. Raises ``ProxyError``."""
    return await _asked("POST", url, "/v1/route/explain", headers, body)


async def survey_of(url: str, headers: Mapping[str, str]) -> Any:
    """Return what the proxy at ``url`` believes of every endpoint now. Raises ``ProxyError``."""
    return await _asked("GET", url, "/v1/route/endpoints", headers)


async def _asked(
    method: str,
    url: str,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
) -> Any:
    limit = aiohttp.ClientTimeout(total=_LIMIT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.request(method, f"{url}{path}", json=body, headers=headers) as response,
        ):
            status, raw = response.status, await response.read()
    except TimeoutError:
        raise ProxyError(f"{url} did not answer within {_LIMIT_S} s") from None
    except aiohttp.InvalidURL:
        raise ProxyError(f"{url!r} is no address such as http://127.0.0.1:8080") from None
    except aiohttp.ClientConnectorError:
        hint = "start one: meritorder serve (or name another: --url)"
        raise ProxyError(f"nothing listens at {url}; {hint}") from None
    except (aiohttp.ClientError, ValueError) as error:
        name = type(error).__name__
        raise ProxyError(f"{url} does not answer as a proxy does ({name}: {error})") from None
    return _read(url, status, raw)


def _read(url: str, status: int, raw: bytes) -> Any:
    try:
        said = json.loads(raw)
        if status == _OK and "endpoints" in said:
            return said
        message = str(said["error"]["message"])
    except (ValueError, TypeError, KeyError):
        raise ProxyError(
            f"{url} is no meritorder proxy (status {status}, and no answer of ours)"
        ) from None
    raise ProxyError(
        f"the proxy says ({status}): {message}{_KEY_HINT if status == _NO_KEY else ''}"
    )
