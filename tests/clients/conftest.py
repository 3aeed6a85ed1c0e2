from collections.abc import Iterator

import pytest
from openai import OpenAI
from serving import Proxy, serving


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving(tmp_path_factory.mktemp("proxy")) as running:
        yield running


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Another one, for faults: it remembers them of its endpoints."""
    with serving(tmp_path_factory.mktemp("troubled")) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[OpenAI]:
    with OpenAI(base_url=proxy.url, api_key="none") as made:
        yield made
