"""The layering holds, and its contracts notice when it does not.

import-linter reads import statements; what it cannot see (a module named in a string, a call that
reads a clock) is looked for here in the syntax trees.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "router"
LAYERS = "Imports point downwards, and the parts of the shell do not know each other"
PURE = "The core has no clock, no chance, no I/O, no log and no third party"

# Deciding needs arithmetic and containers. datetime is there for price windows; asking it for the
# present is looked for below.
CORE_MAY_IMPORT = {
    "__future__", "abc", "bisect", "collections", "dataclasses", "datetime", "enum", "functools",
    "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "router", "statistics",
    "string", "types", "typing",
}  # fmt: skip
IMPORTERS = ("import_module", "__import__")
NOT_IN_THE_CORE = {"now", "utcnow", "today", "open", "print", "input", "urandom"}

DOORS = {
    "redis": ("router/store/redis",),
    "litellm": ("router/upstream/litellm",),
    "opentelemetry": ("router/telemetry/",),
    "matplotlib": ("router/simulate/pictures/",),
}


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("core/planted.py", "import router.ports", LAYERS),
        ("core/planted.py", "import time", PURE),
        ("core/planted.py", "import aiohttp", PURE),
        ("config/planted.py", "import router.sandbox", LAYERS),
        ("misc/__init__.py", "", LAYERS),
        ("server/planted.py", "import router.simulate", LAYERS),
        ("simulate/planted.py", "import router.server", LAYERS),
        ("surfaces/planted.py", "import redis.asyncio", "Only router.store.redis imports redis"),
        ("cli/planted.py", "import litellm", "Only router.upstream.litellm imports litellm"),
        (
            "simulate/planted.py",
            "import matplotlib.figure",
            "Only router.simulate.pictures imports matplotlib",
        ),
        (
            "server/planted.py",
            "from opentelemetry import trace",
            "Only router.telemetry imports opentelemetry",
        ),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, file: str, line: str, broken: str
) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for source in PACKAGE.rglob("*.py"):
        copy(source, tmp_path)
    planted = tmp_path / "router" / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    (planted.parent / "__init__.py").touch()
    planted.write_text(f'"""Planted."""\n{line}\n')

    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert f"{broken} BROKEN" in " ".join(linted.stdout.split())


def copy(source: Path, to: Path) -> None:
    target = to / source.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def test_the_core_imports_nothing_but_arithmetic_and_containers() -> None:
    for file in (PACKAGE / "core").rglob("*.py"):
        for name in imported(file):
            assert name.split(".")[0] in CORE_MAY_IMPORT, f"{file.name}: {name}"
            assert not name.startswith("router.") or name.startswith("router.core"), file.name


def test_the_core_asks_no_clock_and_touches_no_file() -> None:
    for file in (PACKAGE / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
                assert name not in NOT_IN_THE_CORE, f"{file.name}:{node.lineno}: {name}()"


@pytest.mark.parametrize(("library", "doors"), DOORS.items(), ids=DOORS)
def test_each_foreign_library_has_one_door(library: str, doors: tuple[str, ...]) -> None:
    for file in PACKAGE.rglob("*.py"):
        path = file.relative_to(ROOT).as_posix()
        if not path.startswith(doors):
            assert library not in {name.split(".")[0] for name in imported(file)}, path


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "base", "manager", "types"])
def test_no_module_has_a_name_that_can_hold_anything(name: str) -> None:
    assert not [*PACKAGE.rglob(f"{name}.py"), *PACKAGE.rglob(f"{name}/__init__.py")]


def imported(file: Path) -> Iterator[str]:
    """Every module that `file` imports by statement, or by a constant given to import_module."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(IMPORTERS):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))
