"""How the sandbox's tests call a market: raw, so that every byte can be looked at."""

import asyncio
import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp

from router.sandbox.ledger import Entry
from router.sandbox.process import Market

_IDS = count(1)
R1 = "deepseek-r1@parasail"
CLAUDE = "claude-sonnet-4@anthropic"
HELLO = [{"role": "user", "content": "hello there"}]


@dataclass(frozen=True)
class Reply:
    """What came back, and the id under which the ledger has it."""

    id: str
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.raw.decode().splitlines()
        data = [line[6:] for line in lines if line.startswith("data: ")]
        return [json.loads(text) for text in data if text != "[DONE]"]

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def text(self) -> str:
        return "".join(
            choice["delta"].get("content") or ""
            for event in self.events
            for choice in event.get("choices", [])
        )


def _body(endpoint: str, path: str | None) -> tuple[str, dict[str, object]]:
    """The path for this row, and what the shortest request on it holds."""
    usual = "/messages" if endpoint == CLAUDE else "/chat/completions"
    asked: dict[str, dict[str, object]] = {
        "/responses": {"input": "hello there"},
        "/completions": {"prompt": "hello there"},
        "/embeddings": {"input": "hello there"},
    }
    return path or usual, {"model": "any", **asked.get(path or usual, {"messages": HELLO})}


async def call(
    market: Market,
    endpoint: str = R1,
    *,
    path: str | None = None,
    body: object = None,
    headers: dict[str, str] | None = None,
    patience_s: float = 10.0,
    **fields: object,
) -> Reply:
    """Post a request (chat, or the row's own) and read what comes until it ends; what broke off
    is in `raw`.
    """
    name = f"test-{next(_IDS)}"
    where, shortest = _body(endpoint, path)
    sent = {**shortest, **fields} if body is None else body
    data = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    raw = b""
    every = {"authorization": "Bearer k", "x-request-id": name, **(headers or {})}
    url = f"{market.root}/{endpoint}/v1{where}"
    timeout = aiohttp.ClientTimeout(total=patience_s)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, data=data, headers=every) as answer,
    ):
        try:
            async for chunk in answer.content.iter_any():
                raw += chunk
        except (aiohttp.ClientPayloadError, TimeoutError):
            raw += b"\n<broken off>"
        heads = {key.lower(): value for key, value in answer.headers.items()}
        return Reply(name, answer.status, heads, raw)


async def entry_of(market: Market, name: str) -> Entry:
    """The one entry with this request id, as soon as it is in the books."""
    for _ in range(200):
        found = [entry for entry in await market.ledger() if entry.id == name]
        if found:
            assert len(found) == 1
            return found[0]
        await asyncio.sleep(0.01)
    raise AssertionError(f"{name} never reached the ledger")
