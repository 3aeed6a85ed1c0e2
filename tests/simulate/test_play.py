"""One market for everybody, the same every time, and books that add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError
from router.core.measure import Verdict
from router.simulate.account import accounts
from router.simulate.arrivals import Arrivals
from router.simulate.play import Task, play
from router.simulate.scenario import Scenario, read
from router.simulate.shelf import SHIPPED, find
from router.simulate.strategies import CLAIRVOYANT, INFORMED, OURS
from router.simulate.world import World

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def market() -> Scenario:
    found = find("market-2025")["market-2025"]
    return found.model_copy(update={"hours": 0.5, "warm_up_hours": 0.1})


def test_the_same_seed_gives_the_same_run(market: Scenario) -> None:
    assert play(Task(market, 11, OURS)).served == play(Task(market, 11, OURS)).served


def test_a_fate_does_not_depend_on_what_was_asked_before(market: Scenario) -> None:
    arrivals = Arrivals(market, 11)
    errands = [arrivals.errand(talk, 0, talk.begins) for talk in arrivals.talks[:20]]
    one, other = World(market, 11), World(market, 11)

    def fates(world: World, backwards: bool) -> list[object]:
        asked = errands[::-1] if backwards else errands
        found = [
            world.fate(site, errand, 1, errand.arrived, 0)
            for errand in asked
            for site in world.sites.values()
        ]
        return sorted(found, key=repr)

    assert fates(one, backwards=False) == fates(other, backwards=True)


def test_every_request_that_stands_alone_reaches_every_strategy(market: Scenario) -> None:
    alone = {name for name, table in market.classes.items() if table.conversation is None}
    met = [
        {s.number for s in play(Task(market, 11, name)).served if s.kind in alone}
        for name in (OURS, CLAIRVOYANT, INFORMED)
    ]
    assert met[0] == met[1] == met[2]


def test_the_clairvoyant_keeps_at_least_what_anybody_keeps(market: Scenario) -> None:
    plays = [play(Task(market, 11, name)) for name in (OURS, INFORMED, CLAIRVOYANT)]
    kept = [sum(s.verdict is Verdict.KEPT for s in p.served) / len(p.served) for p in plays]
    assert kept[2] == max(kept)


def test_the_money_of_the_classes_adds_up(market: Scenario) -> None:
    played = play(Task(market, 11, OURS))
    (account,) = accounts(market, [played])
    warm = market.warm_up_hours * 3600
    paid = sum(s.cost_nano_usd for s in played.served if s.arrived >= warm) / 1e9
    assert account.cost_usd == pytest.approx(paid)


def test_all_mistakes_of_a_scenario_are_told_with_their_keys(tmp_path: Path) -> None:
    text = (SHIPPED / "market-2025.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("hours = 6", "hour = 6").replace("tps = 30", "tps = -1"))
    with pytest.raises(ConfigError) as told:
        read(file)
    lines = str(told.value)
    assert "mine.toml" in lines
    assert "hour: unknown key" in lines
    assert "tps" in lines


def test_every_scenario_of_the_repository_is_shipped_and_can_be_read() -> None:
    names = {path.name for path in (ROOT / "scenarios").glob("*.toml")}
    assert names == {path.name for path in SHIPPED.glob("*.toml")}
    for name in names:
        assert (ROOT / "scenarios" / name).read_bytes() == (SHIPPED / name).read_bytes()
        read(SHIPPED / name)


def test_the_study_is_drawn_the_same_every_time_and_found_by_name() -> None:
    whole = find("study")
    assert len(whole) >= 5
    assert find("study-3") == {"study-3": whole["study-3"]}
    assert len({market.model_dump_json() for market in whole.values()}) == len(whole)
    assert not [gap for market in whole.values() for gap in market.gaps()]
