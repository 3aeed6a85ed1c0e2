import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from mocking import FIXTURES, configured, mocking
from openai import OpenAI
from serving import Proxy, serving

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would ask the internet for prices


class Place(NamedTuple):
    """A proxy, and a model behind it."""

    proxy: Proxy
    model: str
    behind: str
    """The dialect that the model's endpoints speak."""

    scripted: bool
    """Whether an aimock answers."""


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving(tmp_path_factory.mktemp("proxy")) as running:
        yield running


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Another one, for faults: it remembers them of its endpoints."""
    with serving(tmp_path_factory.mktemp("troubled")) as running:
        yield running


@pytest.fixture(scope="session")
def aimock() -> Iterator[str]:
    with mocking(FIXTURES) as root:
        yield root


@pytest.fixture(scope="session")
def mocked(aimock: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy all of whose endpoints are an aimock."""
    folder = tmp_path_factory.mktemp("mocked")
    with serving(folder, configured(aimock), market=False) as running:
        yield running


MODELS = {
    ("market", "openai"): "deepseek-r1",
    ("market", "anthropic"): "claude-sonnet-4",
    ("aimock", "openai"): "gpt-scripted",
    ("aimock", "anthropic"): "claude-scripted",
}


@pytest.fixture(params=list(MODELS), ids="-".join)
def place(request: pytest.FixtureRequest) -> Place:
    """Each kind of endpoint in turn, in the sandbox market and at an aimock."""
    where, behind = request.param
    running = request.getfixturevalue("proxy" if where == "market" else "mocked")
    return Place(running, MODELS[request.param], behind, where == "aimock")


@pytest.fixture
def client(proxy: Proxy) -> Iterator[OpenAI]:
    with OpenAI(base_url=proxy.url, api_key="none") as made:
        yield made
