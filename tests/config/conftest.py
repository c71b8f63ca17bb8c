from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import pytest

from tasksync.config import Config, load_config
from tasksync.connectors.manifest import ConnectionSettings, Manifest, Options
from tasksync.ports import Connector, Dial, OAuthServer


class Link(Options):
    type: str
    id: str


class Defaults(Options):
    category: str | None = None
    link: Link | None = None


class OfficeOptions(Options):
    portal: int = 1
    archived: bool = False
    account_uuid: str | None = None
    links: tuple[Link, ...] = ()
    owner: Link | int | None = None
    defaults: Defaults = Defaults()


class CloudOptions(Options):
    old: bool = False


def cloud_oauth(options: CloudOptions) -> OAuthServer:
    if options.old:
        raise ValueError("the old interface has no OAuth2; it needs a token")
    return OAuthServer(authorize="/authorize", exchange="/exchange", scope="all")


def no_connector(_settings: ConnectionSettings, _dial: Dial) -> Connector:
    raise AssertionError("the configuration builds no connector")


TOKEN = frozenset({"token"})
LOGIN = frozenset({"username", "password"})
CLIENT = frozenset({"client_id", "client_secret"})

Load: TypeAlias = Callable[..., Config]


@pytest.fixture
def manifests() -> Mapping[str, Manifest]:
    """Two CRMs that only the configuration knows."""
    return {
        "office": Manifest(
            type="office", label="Office CRM", options=OfficeOptions, credentials=(TOKEN, LOGIN), build=no_connector
        ),
        "ledger": Manifest(type="ledger", label="Ledger", options=Options, credentials=(TOKEN,), build=no_connector),
    }


@pytest.fixture
def cloud() -> Manifest:
    """One more, which has OAuth2, but for its old interface."""
    return Manifest(
        type="cloud",
        label="Cloud CRM",
        options=CloudOptions,
        credentials=(TOKEN, CLIENT),
        build=no_connector,
        oauth=cloud_oauth,
    )


@pytest.fixture
def load(tmp_path: Path, manifests: Mapping[str, Manifest]) -> Load:
    """Writes the text to a file, loads it, and gives what comes out or is raised."""

    def load_text(text: str, environ: Mapping[str, str] | None = None) -> Config:
        file = tmp_path / "config.yaml"
        file.write_text(dedent(text), encoding="utf-8")
        return load_config(file, environ or {}, manifests)

    return load_text


@pytest.fixture
def load_connection(load: Load) -> Callable[..., ConnectionSettings]:
    """Loads a file whose only connection, `desk`, has these lines, the first of them on line 3."""

    def load_lines(*lines: str, environ: Mapping[str, str] | None = None) -> ConnectionSettings:
        text = "".join(f"    {line}\n" for line in lines)
        connection: Any = load(f"connections:\n  desk:\n{text}", environ).connections[0]
        assert isinstance(connection, ConnectionSettings)
        return connection

    return load_lines
