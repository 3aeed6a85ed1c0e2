"""What the operator reads when the proxy is ready: what it serves, from where, and what to try."""

from __future__ import annotations

from router.server.house import House

_TRY_MODEL = "deepseek-r1"
_NAMES_SHOWN = 8
_INDENT = 13 * " "


def banner(house: House, port: int) -> str:
    """Return a few lines of text."""
    settings, fleet = house.settings, house.fleet
    host = settings.server.host
    shown = f"[{host}]" if ":" in host else host
    base = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else shown}:{port}"  # noqa: S104
    names = list(dict.fromkeys(name for e in fleet.endpoints for name in e.serves))
    models = ", ".join(names[:_NAMES_SHOWN]) + (" ..." if len(names) > _NAMES_SHOWN else "")
    lines = [
        f"meritorder {base}",
        f"  models     {models}  ({len(fleet.endpoints)} endpoints)",
        f"  endpoints  {_who(house)}",
        f"  redis      {house.redis}",
        f"  door       {_door(house)}",
        f"  config     {settings.path}",
    ]
    lines += [f"  warning    {text}" for text in fleet.warnings]
    model = _TRY_MODEL if _TRY_MODEL in names else names[0]
    lines += ["", "Try:", _curl(base, model, keyed=bool(settings.server.api_keys))]
    return "\n".join(lines)


def _who(house: House) -> str:
    if house.fleet.sandboxed:
        return (
            "the SANDBOX MARKET: virtual providers, invented answers, no money"
            f"\n{_INDENT}(set a provider's key, e.g. DEEPSEEK_API_KEY, to use the real one)"
        )
    return ", ".join(dict.fromkeys(e.provider for e in house.fleet.endpoints))


def _door(house: House) -> str:
    keys = house.settings.server.api_keys
    if keys:
        return f"a key is required ({', '.join(keys)})"
    return "open, on loopback only (no [server] api_keys)"


def _curl(base: str, model: str, *, keyed: bool) -> str:
    auth = "  -H 'Authorization: Bearer YOUR_KEY' \\\n" if keyed else ""
    return (
        f"  curl -iN {base}/v1/chat/completions \\\n"
        "  -H 'Content-Type: application/json' -H 'X-SLA-TTFT-Ms: 1000' \\\n"
        f"{auth}"
        f'  -d \'{{"model": "{model}", "stream": true,\n'
        '       "messages": [{"role": "user", "content": "What is a merit order?"}]}\''
    )
