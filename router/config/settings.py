"""What the operator said, complete and checked: the file, the environment and the flags as one.

Every mistake that can be seen without asking anyone is collected first and told at once, so that
nobody mends a file one line per start.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.config.banned import banned_litellm
from router.config.endpoint import EndpointRow
from router.config.layers import Layers, Overrides, put_environment, put_overrides
from router.config.mistake import ConfigError, Mistake, nearest
from router.config.place import find_config
from router.config.policies import read_policies
from router.config.reading import Place, named, read_toml, validated
from router.config.sections import (
    SECTIONS,
    Redis,
    Routing,
    Sandbox,
    Server,
    Strict,
    Telemetry,
    Upstream,
)
from router.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured; ``path`` is the file it was read from."""

    path: Path
    server: Server = field(default_factory=Server)
    redis: Redis = field(default_factory=Redis)
    telemetry: Telemetry = field(default_factory=Telemetry)
    routing: Routing = field(default_factory=Routing)
    upstream: Upstream = field(default_factory=Upstream)
    sandbox: Sandbox = field(default_factory=Sandbox)
    endpoints: tuple[EndpointRow, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)


def load(
    path: Path | None = None,
    *,
    overrides: Overrides | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the configuration, or raise ``ConfigError`` with every mistake in it.

    ``overrides`` are flags by section and key (``{"server": {"port": 80}}``; ``None`` means not
    given); ``environ`` defaults to the process environment.
    """
    env = os.environ if environ is None else environ
    mistakes: list[Mistake] = list(banned_litellm())
    file = find_config(path, env)
    document = read_toml(file, mistakes)
    if not document and mistakes:
        raise ConfigError(mistakes)
    settings = _Reader(file, document, env, mistakes).settings(overrides or {})
    if mistakes:
        raise ConfigError(mistakes)
    return settings


@dataclass(frozen=True, slots=True)
class _Reader:
    """One reading of one file; what is wrong gathers in ``mistakes``."""

    file: Path
    document: dict[str, Any]
    environ: Mapping[str, str]
    mistakes: list[Mistake]

    def settings(self, overrides: Overrides) -> Settings:
        layers = self._layers(overrides)
        sections = {name: self._section(name, model, layers) for name, model in SECTIONS.items()}
        routing = sections["routing"]
        assert isinstance(routing, Routing)  # noqa: S101 - tells mypy
        policies = read_policies(self.file.parent / "policies", routing, self.mistakes)
        settings = Settings(
            path=self.file, endpoints=self._endpoints(), policies=policies, **sections
        )
        self._check(settings, layers)
        return settings

    def _layers(self, overrides: Overrides) -> Layers:
        layers = Layers()
        for name, value in self.document.items():
            if name == "endpoints":
                continue
            if name not in SECTIONS:
                self._say((name,), f"unknown; {nearest(name, (*SECTIONS, 'endpoints'))}")
            elif not isinstance(value, dict):
                self._say((name,), f"must be a section: [{name}]")
            else:
                layers.values[name] = dict(value)
        put_environment(layers, self.environ, self.mistakes)
        put_overrides(layers, overrides)
        return layers

    def _section(self, name: str, model: type[Strict], layers: Layers) -> Any:
        def complain(place: Place, message: str) -> None:
            self._say_key(layers, name, place, message)

        return validated(model, layers.values.get(name, {}), complain) or model()

    def _endpoints(self) -> tuple[EndpointRow, ...]:
        rows = self.document.get("endpoints", [])
        if not isinstance(rows, list):
            self._say(("endpoints",), "must be rows: [[endpoints]], with two brackets")
            return ()
        if not rows:
            self._say((), "[[endpoints]]: there is none; nothing could be served")
        found = []
        for index, row in enumerate(rows):

            def complain(place: Place, message: str, index: int = index) -> None:
                self._say(("endpoints", index, *place), message)

            if entry := validated(EndpointRow, row, complain):
                found.append(entry)
                for key, message in entry.gaps():
                    complain((key,), message)
        self._unique(rows)
        return tuple(found)

    def _unique(self, rows: list[Any]) -> None:
        ids = [row.get("id") if isinstance(row, dict) else None for row in rows]
        counts = Counter(i for i in ids if isinstance(i, str))
        for index, name in enumerate(ids):
            first = ids.index(name)
            if isinstance(name, str) and counts[name] > 1 and index != first:
                self._say(("endpoints", index, "id"), f"is taken by #{first + 1}; ids are unique")

    def _check(self, settings: Settings, layers: Layers) -> None:
        policy = settings.routing.default_policy
        if policy not in settings.policies:
            hint = nearest(policy, settings.policies)
            message = f"no policy '{policy}' in {self.file.parent / 'policies'}; {hint}"
            self._say_key(layers, "routing", ("default_policy",), message)
        for kind, name in settings.routing.classes.items():
            if name not in settings.policies:
                hint = nearest(name, settings.policies)
                message = f"no policy '{name}' in {self.file.parent / 'policies'}; {hint}"
                self._say_key(layers, "routing", ("classes", kind), message)
        for index, name in enumerate(settings.server.api_keys):
            if not self.environ.get(name):
                message = f"the environment variable {name} is not set, so no key could match"
                self._say_key(layers, "server", ("api_keys", index), message)
        ca_file = settings.upstream.ca_file
        if ca_file and not Path(ca_file).is_file():
            self._say_key(layers, "upstream", ("ca_file",), f"there is no file {ca_file}")

    def _say(self, place: Place, message: str) -> None:
        self.mistakes.append(Mistake(str(self.file), named(place, self.document), message))

    def _say_key(self, layers: Layers, section: str, place: Place, message: str) -> None:
        """Blame the layer the value came from."""
        origin = layers.origins.get((section, str(place[0])))
        if origin is None:
            self._say((section, *place), message)
        else:
            self.mistakes.append(Mistake(origin, "", message))
