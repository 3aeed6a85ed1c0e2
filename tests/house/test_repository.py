"""The repository as a visitor finds it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = "tests/house/vendor/"

# Written so that this file does not find itself.
OF_A_MACHINE = re.compile(
    r"""(?<![\w.:/])/(?:work|root|home/[a-z]\w*|Users/\w+)/"""  # someone's folders
    r"""|file:///[a-z]"""
    r"""|\b(?:extra-)?index[-_]url\b"""
    r"""|registry\.npmjs\.\w+|pypi\.(?:org|python)|python[h]osted\."""
)


def committed() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"])
def test_what_a_visitor_looks_for_is_there(name: str) -> None:
    assert (ROOT / name).read_text().strip()


def test_the_licence_is_the_one_that_the_project_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_no_committed_file_names_a_machine_or_a_registry() -> None:
    found = []
    for name in committed():
        if name.startswith(VENDOR) or Path(name).name in {"uv.lock", Path(__file__).name}:
            continue  # uv.lock and its index: test_packaging.py
        for number, line in enumerate((ROOT / name).read_text(errors="ignore").splitlines(), 1):
            if OF_A_MACHINE.search(line) and name != "tests/house/test_packaging.py":
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found


def test_no_npm_lock_names_where_its_packages_came_from() -> None:
    for name in committed():
        if Path(name).name == "package-lock.json":
            packages = json.loads((ROOT / name).read_text())["packages"]
            assert not [one for one in packages.values() if "resolved" in one], name
            assert all("integrity" in one for path, one in packages.items() if path), name


def test_every_target_that_make_help_prints_exists() -> None:
    printed = run_make()
    targets = re.findall(r"^  make (\S+)", printed, flags=re.MULTILINE)
    assert {"run", "test", "test-clients", "check", "lint", "bench", "demo", "clean"} <= {*targets}
    dry = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert dry.returncode == 0, dry.stderr


def test_make_alone_prints_the_help() -> None:
    assert run_make() == run_make("help")


def run_make(*targets: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", *targets],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def test_make_says_what_is_missing_when_there_is_no_right_python() -> None:
    made = subprocess.run(
        ["make", "lock", "PYTHON=/bin/false", "UV=/bin/true"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in made.stderr


def test_ci_runs_every_check_and_may_be_executed() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    assert "set -euo pipefail" in text
    for target in ("lint", "test", "test-clients", "bench-short"):
        assert re.search(rf"^make {target}$", text, flags=re.MULTILINE), target
