"""Pictures name whom they show, are the same every time, and are missed by nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from router.cli import main
from router.core.measure import Verdict
from router.simulate.account import accounts
from router.simulate.loop import Served
from router.simulate.pictures import write
from router.simulate.pictures.labels import HEIGHT_PT, Spot, placed
from router.simulate.pictures.paper import TIMES
from router.simulate.pictures.windows import windows
from router.simulate.play import Played, Task, play
from router.simulate.scenario import Event, Load, Scenario
from router.simulate.shelf import find
from router.simulate.strategies import OURS, always

RIVALS = ("litellm-latency", "openrouter", "always-cheapest", "round-robin")
NO_MATPLOTLIB = "import sys; sys.modules['matplotlib'] = None\nfrom router.cli import main\nmain()"


@pytest.fixture(scope="module")
def market() -> Scenario:
    """The shipped one, shorter, with its slow-down in the middle and an outage nobody meets."""
    found = find("slow-down")["slow-down"]
    (slow,) = found.events
    later = Event(endpoint="chat@sluggish", kind="outage", from_minute=60, to_minute=70)
    events = (slow.model_copy(update={"from_minute": 8.0, "to_minute": 12.0}), later)
    changes = {"hours": 0.3, "warm_up_hours": 0.05, "events": events}
    return found.model_copy(update={**changes, "load": Load(requests_per_s=0.5)})


@pytest.fixture(scope="module")
def plays(market: Scenario) -> list[Played]:
    return [play(Task(market, 11, name)) for name in (OURS, *RIVALS, *always())]


@pytest.fixture(scope="module")
def drawn(
    market: Scenario, plays: list[Played], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn") / "pictures"
    return write("slow-down", market, plays, accounts(market, plays), folder)


def words(file: Path) -> set[str]:
    """Every text of an SVG."""
    root = ET.parse(file).getroot()  # noqa: S314 - we wrote it
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return {"".join(t.itertext()).strip() for t in root.iter("{http://www.w3.org/2000/svg}text")}


def test_the_picture_of_cost_names_every_strategy_and_class(drawn: list[Path]) -> None:
    assert drawn[0].name == "slow-down-cost.svg"
    said = words(drawn[0])
    listed = {text.partition("\N{FIGURE SPACE}")[0] for text in said}
    assert {OURS, "clairvoyant", "true-distributions", *RIVALS} <= listed
    assert "chat: 95 % promised" in said
    assert any(text.startswith(f"{OURS} honours ") for text in said)


def test_the_picture_of_traffic_names_who_carried_it_and_what_happened(
    drawn: list[Path], plays: list[Played]
) -> None:
    assert drawn[1].name == "slow-down-traffic.svg"
    said = words(drawn[1])
    assert {one.endpoint for one in plays[0].served if one.endpoint} <= said
    assert f"waits {TIMES} 5" in said
    assert "outage" not in said, "it would come after the end"
    assert "95 %" in said


def test_the_same_plays_draw_the_same_bytes(
    market: Scenario, plays: list[Played], drawn: list[Path], tmp_path: Path
) -> None:
    again = write("slow-down", market, plays, accounts(market, plays), tmp_path)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in drawn]


def test_the_command_draws_and_says_where(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    asked = ["simulate", "sparse", "--hours", "1", "--seeds", "1", "--strategy", "round-robin"]
    done = CliRunner().invoke(main, [*asked, "--jobs", "1", "--pictures", str(folder)])
    assert done.exit_code == 0, done.output
    files = [folder / "sparse-cost.svg", folder / "sparse-traffic.svg"]
    assert done.stdout.splitlines()[-2:] == [str(file) for file in files]
    assert any("round-robin" in text for text in words(files[1]))


def without_matplotlib(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", NO_MATPLOTLIB, "simulate", "sparse", "--hours", "0.1", *args],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_without_matplotlib_pictures_are_refused_before_anything_is_played(tmp_path: Path) -> None:
    done = without_matplotlib("--pictures", str(tmp_path))
    assert done.returncode == 2
    assert (
        done.stderr
        == "meritorder: --pictures needs matplotlib: pip install 'meritorder[pictures]'\n"
    )
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_everything_else_works() -> None:
    done = without_matplotlib("--strategy", "round-robin", "--seeds", "1", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "round-robin" in done.stdout


def served(arrived: float, endpoint: str, verdict: Verdict) -> Served:
    return Served(0, "chat", arrived, arrived + 1, endpoint, verdict, 1000, 1, None)


def test_a_window_shares_out_its_own_requests() -> None:
    early = [served(10, "a", Verdict.KEPT), served(20, "a", Verdict.MISSED)]
    late = [served(3000, "b", Verdict.KEPT), served(3010, "", Verdict.KEPT)]
    seen = windows([*early, *late, served(3599, "b", Verdict.KEPT)], hours=1)
    assert seen.seconds == 120
    assert list(seen.shares) == ["a", "b"]
    assert [s for s in seen.shares["a"] if s] == [1.0]
    assert [s for s in seen.shares["b"] if s] == [0.5, 1.0]
    assert [a for a in seen.attainment if a == a] == [0.5, 1.0, 1.0]  # noqa: PLR0124 - nan


def test_labels_of_scattered_points_do_not_cover_each_other() -> None:
    rng = Random(5)
    spots = [Spot(rng.uniform(20, 230), rng.uniform(20, 130), str(i)) for i in range(20)]
    found = placed(spots, 250, 150)
    assert {p.text for p in found} == {s.text for s in spots}
    assert not overlapping([(p.x, p.y) for p in found])


def test_points_that_lie_on_one_another_share_a_label() -> None:
    found = placed(
        [Spot(50, 50, "3"), Spot(51, 50, "7"), Spot(120, 50, "9"), Spot(9, 9, "")], 200, 100
    )
    assert {p.text for p in found} == {"3,7", "9"}


def overlapping(middles: Sequence[tuple[float, float]]) -> bool:
    return any(
        abs(x - other_x) < 9 and abs(y - other_y) < HEIGHT_PT * 0.9
        for i, (x, y) in enumerate(middles)
        for other_x, other_y in middles[:i]
    )
