"""What docs/providers.md says of each provider is what the code knows."""

from __future__ import annotations

import pytest

from router.config.providers import PROVIDERS
from tests.upstream.providers.page import PAGE


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_its_line(name: str) -> None:
    known = PROVIDERS[name]
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    _, _, url, key, header, prefixes, after, _ = (cell.strip() for cell in line.split("|"))
    assert url == f"`{known.base_url}`"
    assert key == (f"`{known.api_key_env}`" if known.api_key_env else "none")
    assert header == f"`{known.auth_header}`"
    assert prefixes == ", ".join(f"`{prefix}/`" for prefix in known.prefixes)
    assert (after == "bills") == known.bills_after_cancel


@pytest.mark.parametrize("name", [n for n, each in PROVIDERS.items() if each.lacks])
def test_what_a_provider_refuses_stands_in_its_section(name: str) -> None:
    section = PAGE.partition(f'provider = "{name}"')[2].partition("\n## ")[0]
    for word in PROVIDERS[name].lacks:
        assert f"`{word}`" in section
