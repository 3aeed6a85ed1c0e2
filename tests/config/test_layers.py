"""A flag beats the environment, the environment beats the file, the file beats the default."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError, load
from router.config.layers import variable
from router.config.sections import SECTIONS
from tests.config.writing import complaints, row, written


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    file = written(tmp_path, row() + "[server]\nport = 1\nbody_limit_mb = 1\ndrain_s = 1")
    environ = {"MERITORDER_SERVER__PORT": "2", "MERITORDER_SERVER__BODY_LIMIT_MB": "2"}
    server = load(file, environ=environ, overrides={"server": {"port": 3, "host": None}}).server
    assert (server.port, server.body_limit_mb, server.drain_s, server.host) == (
        3,
        2.0,
        1.0,
        "127.0.0.1",
    )


@pytest.mark.parametrize("said", ['["A", "B"]', "A,B", " A , B "])
def test_a_list_of_variables_comes_as_json_or_with_commas(tmp_path: Path, said: str) -> None:
    environ = {"MERITORDER_SERVER__API_KEYS": said, "A": "1", "B": "2"}
    assert load(written(tmp_path, row()), environ=environ).server.api_keys == ("A", "B")


def test_text_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    environ = {"MERITORDER_REDIS__PREFIX": "1", "MERITORDER_TELEMETRY__SERVICE_NAME": "true"}
    settings = load(written(tmp_path, row()), environ=environ)
    assert (settings.redis.prefix, settings.telemetry.service_name) == ("1", "true")


def test_a_password_in_a_url_may_come_through_the_environment(tmp_path: Path) -> None:
    environ = {"MERITORDER_REDIS__URL": "redis://:hunter2@redis:6379/0"}
    assert (
        load(written(tmp_path, row()), environ=environ).redis.url
        == environ["MERITORDER_REDIS__URL"]
    )


def test_an_empty_variable_sets_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, row() + "[server]\nport = 1")
    assert load(file, environ={"MERITORDER_SERVER__PORT": ""}).server.port == 1


def test_a_limit_that_may_be_absent_can_be_set_by_a_variable(tmp_path: Path) -> None:
    environ = {"MERITORDER_ROUTING__FIRST_TOKEN_LIMIT_S": "7.5"}
    settings = load(written(tmp_path, row()), environ=environ)
    assert settings.routing.first_token_limit_s == 7.5


def test_other_variables_of_the_operator_are_left_alone(tmp_path: Path) -> None:
    environ = {"MERITORDER_KEY": "x", "MERITORDER_BIND": "0.0.0.0"}
    assert complaints(written(tmp_path, row()), environ) == []


@pytest.mark.parametrize(
    ("name", "said", "line"),
    [
        (
            "MERITORDER_SERVER__PROT",
            "1",
            "MERITORDER_SERVER__PROT: no such setting; did you mean 'MERITORDER_SERVER__PORT'?",
        ),
        (
            "MERITORDER_SEVRER__PORT",
            "1",
            "MERITORDER_SEVRER__PORT: no such setting; did you mean 'MERITORDER_SERVER__PORT'?",
        ),
        ("MERITORDER_X__Y", "1", "MERITORDER_X__Y: no such setting"),
        (
            "MERITORDER_SERVER__PORT",
            "0.5",
            "MERITORDER_SERVER__PORT: must be a whole number, not 0.5",
        ),
        (
            "MERITORDER_SERVER__API_KEYS",
            "GONE",
            (
                "MERITORDER_SERVER__API_KEYS: the environment variable GONE is not set, so no key "
                "could match"
            ),
        ),
        (
            "MERITORDER_ROUTING__DEFAULT_POLICY",
            "x",
            "MERITORDER_ROUTING__DEFAULT_POLICY: no policy 'x' in policies; known: default",
        ),
    ],
)
def test_a_wrong_variable_is_blamed_by_its_name(
    tmp_path: Path, name: str, said: str, line: str
) -> None:
    assert complaints(written(tmp_path, row()), {name: said}) == [line]


def test_a_wrong_flag_is_blamed_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as e:
        load(written(tmp_path, row()), environ={}, overrides={"server": {"body_limit_mb": -1}})
    assert str(e.value) == "--body-limit-mb: must be more than 0, not -1"


def test_every_key_of_a_section_can_be_set_from_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, row())
    defaults = load(file, environ={})
    for section, model in SECTIONS.items():
        for key in model.model_fields:
            value = getattr(getattr(defaults, section), key)
            said = "1" if value is None else ",".join(value) if value == () else str(value)
            said = said.lower() if isinstance(value, bool) else said
            settings = load(file, environ={variable(section, key): said})
            assert getattr(getattr(settings, section), key) in (value, 1.0)
