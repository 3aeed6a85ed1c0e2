"""The container files, as far as they can be checked where no engine runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests/house/vendor/compose-spec/compose-spec.json"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = ("proxy-1", "proxy-2")
BALANCER = (ROOT / "deploy/haproxy.cfg").read_text()


def test_the_compose_file_keeps_the_schema_of_its_specification() -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    assert not [f"{e.json_path}: {e.message}" for e in Draft7Validator(schema).iter_errors(COMPOSE)]


def test_the_schema_would_notice_a_misspelt_key() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert list(Draft7Validator(schema).iter_errors({"services": {"a": {"imagee": "b"}}}))


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_refuses_to_start_without_an_api_key(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["MERITORDER_KEY"].startswith("${MERITORDER_KEY:?")
    assert json.loads(environment["MERITORDER_SERVER__API_KEYS"]) == ["MERITORDER_KEY"]


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_finds_redis_and_jaeger_by_their_service_names(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["MERITORDER_REDIS__URL"] == "redis://redis:6379/0"
    assert environment["MERITORDER_TELEMETRY__OTLP_ENDPOINT"] == "http://jaeger:4318"
    assert {"redis", "jaeger"} <= SERVICES.keys()


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_has_no_rights_it_does_not_need(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


def test_only_this_machine_reaches_the_ports_and_none_is_the_stores() -> None:
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name for name, published in ports.items() if published} == {"balancer", "jaeger"}
    assert ports["jaeger"] == ["127.0.0.1:16686:16686"]
    assert ports["balancer"] == ["${MERITORDER_BIND:-127.0.0.1}:8080:8080"]


def test_every_service_has_an_exact_image_comes_back_and_keeps_its_log_short() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
        assert service["restart"] == "unless-stopped", name
        assert service["logging"]["options"]["max-size"], name


def test_every_file_that_is_mounted_is_in_the_repository() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            assert (ROOT / volume.split(":")[0]).exists(), volume


def test_the_balancer_serves_exactly_the_replicas_and_asks_them_whether_they_are_ready() -> None:
    assert re.findall(r"^    server (\S+) (\S+)$", BALANCER, flags=re.MULTILINE) == [
        (name, f"{name}:8080") for name in REPLICAS
    ]
    assert "option httpchk GET /health/ready" in BALANCER


def test_the_balancer_neither_holds_tokens_back_nor_cuts_a_long_wait() -> None:
    assert "option http-no-delay" in BALANCER
    assert "option abortonclose" in BALANCER
    assert re.search(r"timeout server +1h", BALANCER)
    assert re.search(r"retry-on conn-failure$", BALANCER, flags=re.MULTILINE)


def test_the_image_runs_without_root_and_checks_its_own_health() -> None:
    text = (ROOT / "Dockerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER (?!root)\w+", final, flags=re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", final, flags=re.MULTILINE)
    assert re.search(r"^EXPOSE 8080$", final, flags=re.MULTILINE)
    assert "curl" not in final
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name
