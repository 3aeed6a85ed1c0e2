"""``meritorder explain``: asks a running proxy where a request would go, and draws the answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from router.cli import fail, options
from router.cli.running import run
from router.cli.words import CHARS_PER_TOKEN, filler

_QUESTION: Final = "What is a merit order, and why does it matter?"

_HEADERS: Final = {
    "ttft_ms": "X-SLA-TTFT-Ms",
    "ttfat_ms": "X-SLA-TTFAT-Ms",
    "e2e_ms": "X-SLA-E2E-Ms",
    "min_tps": "X-SLA-Min-TPS",
    "min_context": "X-SLA-Min-Context",
    "max_answer_tokens": "X-SLA-Max-Answer-Tokens",
    "max_cost_usd": "X-SLA-Max-Cost-USD",
    "percentile": "X-SLA-Percentile",
    "mode": "X-SLA-Mode",
    "policy": "X-SLA-Policy",
}


@click.command(name="explain")
@click.argument("model")
@options.url
@options.key_env
@click.option("--ttft-ms", metavar="MS", help="First token within.")
@click.option("--ttfat-ms", metavar="MS", help="First answer token (not reasoning) within.")
@click.option("--e2e-ms", metavar="MS", help="Whole answer within.")
@click.option("--min-tps", metavar="N", help="At least so many output tokens per second.")
@click.option("--min-context", metavar="N", help="A window of at least so many tokens.")
@click.option("--max-answer-tokens", metavar="N", help="At most so many tokens per answer.")
@click.option("--max-cost-usd", metavar="USD", help="This answer at most.")
@click.option("--percentile", metavar="P", help="Share of requests that must keep it, e.g. p95.")
@click.option("--mode", metavar="M", help="strict, best-effort or wait.")
@click.option("--policy", metavar="NAME", help="A file in policies/.")
@click.option("--prompt", metavar="TEXT", help="What would be asked.")
@click.option(
    "--prompt-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same, from a file.",
)
@click.option("--prompt-tokens", type=click.IntRange(1, 5_000_000), help="The same, by length.")
@click.option("--max-tokens", type=click.IntRange(1), help="The request's own max_tokens.")
@options.as_json
def command(
    model: str,
    *,
    url: str,
    key_env: str | None,
    prompt: str | None,
    prompt_file: Path | None,
    prompt_tokens: int | None,
    max_tokens: int | None,
    as_json: bool,
    **sla: str | None,
) -> None:
    """Show which endpoint a request for MODEL would go to, and why not the others.

    Nothing is sent to any provider. The exit status is 1 if nobody would serve the request.
    """
    headers = {_HEADERS[name]: value for name, value in sla.items() if value is not None}
    headers |= options.key_headers(key_env)
    text = _prompt(prompt, prompt_file, prompt_tokens)
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    from router.cli.proxy import ProxyError, decision_of

    try:
        decision = run(decision_of(url.rstrip("/"), headers, body))
    except ProxyError as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(decision, indent=2))
    else:
        from router.cli.merit_order import draw

        draw(decision)
    sys.exit(0 if decision["chosen"] else 1)


def _prompt(text: str | None, file: Path | None, tokens: int | None) -> str:
    if sum(given is not None for given in (text, file, tokens)) > 1:
        raise click.UsageError("give one of --prompt, --prompt-file and --prompt-tokens")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--prompt-file {file} cannot be read as text: {error}")
    if tokens is not None:
        return filler(tokens * CHARS_PER_TOKEN)
    return _QUESTION if text is None else text
