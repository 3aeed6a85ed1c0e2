"""What an installer gets: the requirements, the lock and the bootstrap of uv."""

import os
import re
import subprocess
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import router

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [ROOT / "uv.lock", ROOT / "tests/clients/uv.lock"]
BANNED_LITELLM = ("1.82.7", "1.82.8")  # stole credentials (24 March 2026)
FLOOR_LITELLM = Version("1.84")  # holes of the proxy server were closed up to here


def packages(lock: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(lock.read_text())["package"]
    return found


def requirement(name: str) -> Requirement:
    found = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    return next(one for one in found if canonicalize_name(one.name) == name)


def locked(name: str) -> Version:
    return next(Version(one["version"]) for one in packages(LOCKS[0]) if one["name"] == name)


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_locked_file_has_a_hash(lock: Path) -> None:
    for package in packages(lock):
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        ours = package["source"].keys() & {"editable", "virtual"}
        assert files or ours, package["name"]
        for file in files:
            assert file["hash"].startswith("sha256:"), file["url"]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_the_lock_names_the_public_index_and_no_other_source(lock: Path) -> None:
    sources = {str(package["source"]) for package in packages(lock)}
    public = {"registry": "https://pypi.org/simple"}
    assert sources <= {str(public), str({"editable": "."}), str({"virtual": "."})}
    hosts = set(re.findall(r"https?://([^/\"]+)", lock.read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_the_lock_covers_every_python_that_the_project_names(lock: Path) -> None:
    text = tomllib.loads(lock.read_text())
    assert SpecifierSet(text["requires-python"]) == SpecifierSet(">=3.11, <3.14")
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"


def test_the_lock_was_made_from_these_requirements() -> None:
    ours = next(one for one in packages(LOCKS[0]) if one["name"] == "meritorder")["metadata"]
    assert {key(one["name"], one.get("specifier", "")) for one in ours["requires-dist"]} == {
        key(one.name, str(one.specifier))
        for one in map(
            Requirement,
            [
                *PROJECT["project"]["dependencies"],
                *chain(*PROJECT["project"]["optional-dependencies"].values()),
            ],
        )
    }
    assert {key(one["name"], one.get("specifier", "")) for one in ours["requires-dev"]["dev"]} == {
        key(one.name, str(one.specifier))
        for one in map(Requirement, PROJECT["dependency-groups"]["dev"])
    }


def key(name: str, specifier: str) -> tuple[str, SpecifierSet]:
    return canonicalize_name(name), SpecifierSet(specifier)


def test_litellm_is_pinned_to_one_release_that_is_not_a_banned_one() -> None:
    pin = requirement("litellm")
    assert [one.operator for one in pin.specifier] == ["=="]
    assert pin.specifier.contains(locked("litellm"))
    assert locked("litellm") >= FLOOR_LITELLM
    assert not any(pin.specifier.contains(version) for version in BANNED_LITELLM)


def test_the_openai_client_is_one_that_the_pinned_litellm_takes() -> None:
    assert not requirement("openai").specifier.contains("3.0.0")
    assert locked("openai") < Version("3")


def test_aiohttp_stands_above_its_security_floor() -> None:
    assert not requirement("aiohttp").specifier.contains("3.14.1")
    assert locked("aiohttp") >= Version("3.14.2")


def test_the_makefile_gets_one_uv_by_hash_and_it_is_one_the_project_takes() -> None:
    text = (ROOT / "deploy/uv.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pin = Requirement(lines[0].rstrip(" \\"))
    assert str(pin.specifier).startswith("==")
    assert len(lines) > 1
    assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[1:])
    version = str(pin.specifier).removeprefix("==")
    assert SpecifierSet(PROJECT["tool"]["uv"]["required-version"]).contains(version)
    assert Requirement(PROJECT["build-system"]["requires"][0]).specifier.contains(version)
    assert "--require-hashes -r deploy/uv.txt" in (ROOT / "Makefile").read_text()
    assert "--require-hashes -r deploy/uv.txt" in (ROOT / "Dockerfile").read_text()


def test_the_package_says_its_version_as_the_distribution_does() -> None:
    assert router.__version__ == PROJECT["project"]["version"]


def test_the_wheel_carries_every_file_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    uv = ROOT / os.environ.get("UV", ".uv/bin/uv")
    if not uv.exists():
        pytest.skip("uv comes with `make test`")
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--offline", "--out-dir", tmp_path, ROOT], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    carried = {one for one in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in one}
    ours = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "router").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {one for one in carried if not one.endswith("/")} == ours


def test_every_ignored_lint_rule_says_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    entries = re.findall(r'^    "[A-Z]+\d*",(.*)$', text, flags=re.MULTILINE)
    assert len(entries) > 10
    assert all(re.match(r"\s+# \S", rest) for rest in entries)
