"""Which proxy, if any, stands between us and an endpoint: asked once, when the endpoint is set up.

aiohttp's ``trust_env`` reads the environment again on every request, in a thread. An endpoint's
address never changes, so neither does the answer. Loopback is never sent through a proxy, whatever
the environment says: what runs on this machine is not reachable from elsewhere.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from typing import NamedTuple

from yarl import URL


class Proxy(NamedTuple):
    """A forward proxy without its credentials, and the headers that carry them."""

    url: URL
    headers: Mapping[str, str]


def proxy_for(url: URL, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for ``url`` by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    Lower-case names win, as everywhere. Raises ``ValueError`` for a proxy we cannot speak to: going
    around it would be worse.
    """
    host = url.host or ""
    if _is_loopback(host):
        return None
    names = (f"{url.scheme}_proxy", "all_proxy")
    found = next((v for n in names for v in (_either(environ, n),) if v), "")
    if not found or _is_excepted(url, _either(environ, "no_proxy")):
        return None
    proxy = URL(found if "://" in found else f"http://{found}")
    if proxy.scheme not in ("http", "https"):
        raise ValueError(f"{names[0].upper()}: {proxy.scheme} proxies are not supported")
    headers = {}
    if proxy.user is not None:
        credentials = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        headers["Proxy-Authorization"] = f"Basic {credentials}"
    return Proxy(proxy.with_user(None), headers)


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _is_excepted(url: URL, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host: itself, a domain above it, its network, or ``*``."""
    host = (url.host or "").lower()
    for entry in filter(None, (e.strip().lower() for e in no_proxy.split(","))):
        name, _, port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
        if port and port != str(url.port):
            continue
        name = name.removeprefix("*").removeprefix(".")
        if not name or host == name or host.endswith(f".{name}") or _is_within(host, name):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
