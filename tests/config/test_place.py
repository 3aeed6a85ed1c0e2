"""Which file is read, and what `init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import SHIPPED, find_config, load, write_starting_files

ROOT = Path(__file__).parents[2]
NAMES = ["config.toml", *(f"policies/{p.name}" for p in (SHIPPED / "policies").glob("*.toml"))]


def test_the_flag_wins_then_the_variable_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").touch()
    environ = {"MERITORDER_CONFIG": "/said/config.toml"}
    assert find_config(Path("flag.toml"), environ) == Path("flag.toml")
    assert find_config(None, environ) == Path("/said/config.toml")
    assert find_config(None, {}) == Path("config.toml")


def test_where_nobody_wrote_anything_the_shipped_file_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("router.config.place._SYSTEM", tmp_path / "none.toml")
    assert load(environ={}).path == SHIPPED / "config.toml"


@pytest.mark.parametrize("name", NAMES)
def test_the_repository_and_the_package_ship_the_same_bytes(name: str) -> None:
    assert (ROOT / name).read_bytes() == (SHIPPED / name).read_bytes()


def test_every_policy_of_the_repository_is_shipped() -> None:
    assert {p.name for p in (ROOT / "policies").iterdir()} == {
        p.name for p in (SHIPPED / "policies").iterdir()
    }


def test_init_writes_a_configuration_that_loads(tmp_path: Path) -> None:
    paths = write_starting_files(tmp_path / "new")
    assert sorted(str(p.relative_to(tmp_path / "new")) for p in paths) == sorted(NAMES)
    assert len(load(tmp_path / "new/config.toml", environ={}).endpoints) == 11


def test_init_overwrites_nothing_unless_forced(tmp_path: Path) -> None:
    mine = tmp_path / "config.toml"
    mine.write_text("# mine")
    with pytest.raises(FileExistsError, match=r"config\.toml"):
        write_starting_files(tmp_path)
    assert mine.read_text() == "# mine"
    assert not (tmp_path / "policies").exists()
    write_starting_files(tmp_path, force=True)
    assert mine.read_bytes() == (SHIPPED / "config.toml").read_bytes()
