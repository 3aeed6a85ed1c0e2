"""The demo's result: a table for people, a document for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.cli import words
from router.cli.demo.asking import Answer
from router.cli.demo.questions import TEXT
from router.cli.demo.reckoning import OFFICIAL, cheaper, dearest, elsewhere_usd, nearest, why
from router.core.catalogue import Endpoint

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One question as it went. Times in ms of the market's time, costs in USD."""

    answer: Answer
    expected: dict[str, Any]
    measured: dict[str, Any]
    cost_usd: float
    dearest: tuple[str, float]
    official_usd: float


def lines_of(
    answers: Sequence[Answer], endpoints: Sequence[Endpoint], wall_s: float
) -> list[Line | Answer]:
    """Reckon each answer; a refusal stays what it is."""
    return [_line(answer, endpoints, wall_s) for answer in answers]


def _line(answer: Answer, endpoints: Sequence[Endpoint], wall_s: float) -> Line | Answer:
    if answer.refusal is not None:
        return answer
    by_id = {str(endpoint.id): endpoint for endpoint in endpoints}
    served = by_id[answer.endpoint]
    return Line(
        answer=answer,
        expected=answer.told["decision"]["chosen"]["forecast"],
        measured=answer.told["measured"],
        cost_usd=answer.told["cost_usd"],
        dearest=dearest(endpoints, served, answer, wall_s),
        official_usd=elsewhere_usd(by_id[OFFICIAL], served, answer, wall_s),
    )


def document(lines: Sequence[Line | Answer], speed: float) -> dict[str, Any]:
    """Tell everything to machines."""
    return {"speed": speed, "prompt": TEXT, "questions": [_told(line) for line in lines]}


def _told(line: Line | Answer) -> dict[str, Any]:
    answer = line.answer if isinstance(line, Line) else line
    question = answer.question
    told: dict[str, Any] = {
        "question": question.title,
        "model": question.model,
        "headers": dict(question.headers),
        "stream": question.stream,
        "context_tokens": question.context_tokens,
    }
    if not isinstance(line, Line):
        return {**told, "endpoint": None, "refusal": line.refusal}
    return {
        **told,
        "endpoint": answer.endpoint,
        "verdict": answer.told["verdict"],
        "expected": line.expected,
        "measured": line.measured,
        "cost_usd": line.cost_usd,
        "dearest": {"endpoint": line.dearest[0], "cost_usd": round(line.dearest[1], 9)},
        "official": {"endpoint": OFFICIAL, "cost_usd": round(line.official_usd, 9)},
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "cheaper": cheaper(answer.told["decision"]),
    }


def draw(lines: Sequence[Line | Answer], speed: float) -> None:
    """Draw on the terminal."""
    from rich.markup import escape
    from rich.padding import Padding

    from router.cli.screen import console

    screen = console()
    screen.print(
        f"\n[bold]{TEXT}[/] Asked after a page of text, under {len(lines)} budgets at once:\n"
    )
    screen.print(_table(lines))
    screen.print("\n[bold]Why nobody cheaper[/] (what was needed: what each was expected to do)")
    for line in lines:
        answer = line.answer if isinstance(line, Line) else line
        screen.print(f"[bold]{escape(answer.question.title)}[/]")
        for text in _whys(line):
            screen.print(Padding(escape(text), (0, 0, 0, 2), expand=False))
    screen.print(f"\n[bold]{escape(_sums(lines))}[/]\n")
    for text in _reading(speed):
        screen.print(escape(text), style="dim")


def _table(lines: Sequence[Line | Answer]) -> Table:
    from rich.markup import escape

    from router.cli.screen import table

    drawn = table()
    drawn.add_column("asked for")
    drawn.add_column("went to", no_wrap=True)
    for head in ("TTFT", "e2e", "USD", "official", "dearest"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column("bounds", no_wrap=True, justify="right")
    for line in lines:
        if isinstance(line, Line):
            drawn.add_row(*_cells(line))
        else:
            status = (line.refusal or {}).get("status")
            title = escape(line.question.title)
            drawn.add_row(title, f"[yellow]refused ({status})[/]", *"-----", "-")
    return drawn


def _cells(line: Line) -> list[str]:
    from rich.markup import escape

    answer = line.answer
    verdict = answer.told["verdict"] if answer.told["bounds"] else "-"
    style = {"kept": "green", "missed": "red"}.get(verdict, "dim")
    return [
        escape(answer.question.title),
        f"[bold]{escape(answer.endpoint)}[/]",
        _beside(line, "ttft_ms"),
        _beside(line, "e2e_ms"),
        f"[bold]{words.usd(line.cost_usd)}[/]",
        words.usd(line.official_usd),
        words.usd(line.dearest[1]),
        f"[{style}]{escape(verdict)}[/]",
    ]


def _beside(line: Line, name: str) -> str:
    """Print the forecast, and under it the fact."""
    return f"≤ {words.seconds(line.expected[name])}\n{words.seconds(line.measured.get(name))}"


def _whys(line: Line | Answer) -> list[str]:
    if not isinstance(line, Line):
        return [nearest(line)]
    return why(cheaper(line.answer.told["decision"])) or ["nobody is cheaper"]


def _sums(lines: Sequence[Line | Answer]) -> str:
    answered = [line for line in lines if isinstance(line, Line)]
    paid = sum(line.cost_usd for line in answered)
    dear = sum(line.dearest[1] for line in answered)
    official = sum(line.official_usd for line in answered)
    broken = sum(_official_breaks(line) for line in answered)
    return (
        f"{len(answered)} answers: {paid:.4f} USD. The dearest endpoint each time:"
        f" {dear:.4f} USD. The official one: {official:.4f} USD,"
        f" and it would have failed {broken} of the {len(answered)}."
    )


def _official_breaks(line: Line) -> bool:
    entries = line.answer.told["decision"]["endpoints"]
    return any(e["endpoint"] == OFFICIAL and e["failed"] for e in entries)


def _reading(speed: float) -> tuple[str, ...]:
    pace = f"it ran {speed:g} times faster than the clock on your wall"
    return (
        f"Seconds are the market's: {pace}.",
        "TTFT, e2e: forecast at p95, above what was measured (whole answers show no first token).",
        f"official, dearest: USD for the same tokens at {OFFICIAL} and at the dearest endpoint",
        "serving the model; for another model, as many tokens as it is expected to need.",
    )
