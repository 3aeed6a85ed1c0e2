"""The sections of ``config.toml``: one small model each, with ranges, defaults and units."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A table of a file: unknown keys are errors, nothing is coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def _variable_name(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(
            "must be the NAME of an environment variable (upper-case letters, digits, _); "
            "a key never stands in a file"
        )
    return name


def _variable_or_none(name: str) -> str:
    return _variable_name(name) if name else ""


def _base_url(url: str) -> str:
    address, mark, query = url.partition("?")
    if "#" in query or any(character.isspace() for character in query):
        raise ValueError("must be a URL without spaces and without a #")
    return _http_url(address) + mark + query


def _http_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError("must be a URL that begins with http:// or https://, without a query")
    return url.rstrip("/")


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://, or be empty")
    return url


def _or_empty(check: object) -> AfterValidator:
    assert callable(check)  # noqa: S101 - tells mypy what the annotation cannot
    return AfterValidator(lambda text: check(text) if text else "")


VariableName = Annotated[str, AfterValidator(_variable_name)]
VariableOrNone = Annotated[str, AfterValidator(_variable_or_none)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


ClassName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]


class Server(Strict):
    """Where the proxy listens and what it takes in."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8080, ge=0, le=65535)
    api_keys: tuple[VariableName, ...] = Field((), strict=False)
    body_limit_mb: float = Field(32.0, gt=0, le=1024)
    drain_s: float = Field(60.0, ge=0, le=3600)


class Redis(Strict):
    """Where statistics are shared; an empty URL starts a private server."""

    url: Annotated[str, _or_empty(_redis_url)] = ""
    prefix: str = Field("meritorder", min_length=1, pattern=r"^[A-Za-z0-9._:-]+$")
    sync_interval_ms: float = Field(250.0, ge=20, le=10_000)
    decisions_s: int = Field(3600, ge=0, le=86_400)


class Telemetry(Strict):
    """Where traces go and how much is logged."""

    otlp_endpoint: Annotated[str, _or_empty(_http_url)] = ""
    sample: float = Field(0.01, ge=0, le=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    service_name: str = Field("meritorder", min_length=1)


class Routing(Strict):
    """What holds for every request and endpoint that says nothing else."""

    default_policy: str = Field("default", min_length=1)
    classes: dict[ClassName, str] = {}
    attempts: int = Field(3, ge=1, le=10)
    max_wait_s: float = Field(30.0, ge=0, le=3600)
    hedge: bool = True
    connect_limit_s: float = Field(5.0, gt=0, le=60)
    first_token_limit_s: float | None = Field(None, gt=0, le=3600)
    gap_limit_s: float = Field(60.0, gt=0, le=3600)
    total_limit_s: float = Field(1800.0, gt=0, le=86_400)


class Upstream(Strict):
    """How providers are reached."""

    ca_file: str = ""


class Sandbox(Strict):
    """When the virtual market serves in place of the providers."""

    enabled: Literal["auto", "always", "never"] = "auto"
    speed: float = Field(1.0, gt=0, le=1000)
    seed: int = Field(1, ge=0)


SECTIONS: dict[str, type[Strict]] = {
    "server": Server,
    "redis": Redis,
    "telemetry": Telemetry,
    "routing": Routing,
    "upstream": Upstream,
    "sandbox": Sandbox,
}
