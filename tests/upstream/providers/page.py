"""The rows of docs/providers.md, as an operator would use them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from router.config import load, resolve
from router.core.catalogue import Endpoint
from router.upstream.prices import lookup

PAGE = (Path(__file__).parents[3] / "docs/providers.md").read_text()
ROWS: dict[str, str] = {
    tomllib.loads(text)["endpoints"][0]["id"]: text
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
}


class Key(dict[str, str]):
    """An environment in which every variable that holds a key holds this one."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return self._value if name.endswith(("_KEY", "_TOKEN", "_BEDROCK")) else default


def endpoint(folder: Path, name: str, key: str) -> Endpoint:
    """Resolve one row alone, its placeholders filled in, against the installed price table."""
    file = folder / "config.toml"
    file.write_text(ROWS[name].replace("YOUR-", "our-"))
    (folder / "policies").mkdir(exist_ok=True)
    fleet = resolve(load(file, environ=Key(key)), Key(key), table=lookup)
    (found,) = fleet.endpoints
    assert all("deprecated" in warning for warning in fleet.warnings), fleet.warnings
    return found


def on_loopback(base_url: str, port: int) -> str:
    """Return the same address on this machine: path and query stay."""
    parts = urlsplit(base_url)
    return parts._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()
