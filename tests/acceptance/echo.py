"""A small provider of our own, that remembers what it was sent and says what it was told to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

ROW = """
[[endpoints]]
id = "echo@here"
provider = "here"
model = "openai/echo"
serves = ["echo"]
base_url = "{url}"
context = 100000
price = {{ input = 1.0, output = 2.0 }}
api_key_env = "ECHO_KEY"

[sandbox]
enabled = "never"
"""
ENVIRON = {"ECHO_KEY": "sk-echo-0123456789"}


@dataclass
class Echo:
    """``says`` is its answer; ``headers`` and ``bodies`` are what came, oldest first."""

    url: str = ""
    says: str = "An order of merit."
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)

    def written(self, folder: Path) -> Path:
        """A configuration that sends everything here."""
        (folder / "policies").mkdir(exist_ok=True)
        file = folder / "config.toml"
        file.write_text(ROW.format(url=self.url))
        return file

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        self.bodies.append(body)
        usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        about = {"id": "c-1", "created": 1, "model": "echo"}
        if not body.get("stream"):
            message = {"role": "assistant", "content": self.says}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            told = {**about, "object": "chat.completion", "choices": [choice], "usage": usage}
            return web.json_response(told)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        delta = {"index": 0, "delta": {"content": self.says}, "finish_reason": None}
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        for more in (
            {"choices": [delta]},
            {"choices": [last]},
            {"choices": [], "usage": usage},
        ):
            event = json.dumps({**about, "object": "chat.completion.chunk", **more})
            await response.write(f"data: {event}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def echoing() -> AsyncIterator[Echo]:
    """The provider, listening."""
    echo = Echo()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", echo.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        echo.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield echo
    finally:
        await runner.cleanup()
