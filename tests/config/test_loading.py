from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from tasksync.config import Config, Group, Listen, Serving, SyncSettings, find_config, load_config
from tasksync.config.settings import CommonSettings, HttpSettings
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.core.guard import DeletionLimit
from tasksync.errors import ConfigError, ExitCode

SMALLEST = """\
connections:
  desk: {type: office, url: https://crm.example, token: t1}
"""
TWO = f"""\
{SMALLEST}\
  book: {{type: ledger, url: https://ledger.example, token: t2}}
"""


def test_defaults(load: Callable[..., Config], tmp_path: Path) -> None:
    """A file with nothing but a connection gets the defaults of design.md, section 7."""
    config = load(SMALLEST)
    assert config.path == tmp_path / "config.yaml"
    assert config.groups == (Group(name="all", connections=("desk",)),)
    assert (config.sync.deletions, config.sync.first_sync) == ("propagate", "match")
    assert config.sync.max_deletes == DeletionLimit()
    assert config.sync.completed_horizon == timedelta(days=30)
    assert config.sync.full_sweep == timedelta(hours=1)
    assert config.sync.keep_history == timedelta(days=365)
    assert config.sync.shutdown_grace == timedelta(seconds=20)
    assert (config.retry.tries, config.retry.total) == (5, timedelta(seconds=60))
    assert (config.log.level, config.log.format) == ("info", "console")
    assert config.http is None
    assert config.connections[0].poll_every == timedelta(seconds=60)
    assert config.connections[0].timezone is None


def test_every_setting(load: Callable[..., Config]) -> None:
    """Every setting that is given arrives in the models."""
    config = load(
        """\
        connections:
          desk:
            type: office
            url: https://crm.example/portal/
            username: ann
            password: p w
            timezone: Europe/London
            poll_every: 5m
            portal: 7
            archived: true
            defaults: {category: Call, link: {type: client, id: "1"}}
        sync: {deletions: keep, max_deletes: 3, completed_horizon: 2h, first_sync: copy, full_sweep: 10m,
               keep_history: 90d, shutdown_grace: 5s}
        retry: {tries: 2, total: 10s}
        log: {level: debug, format: json}
        http: {listen: "[::1]:9460"}
        """
    )
    desk = config.connections[0]
    assert (desk.name, desk.type, desk.url) == ("desk", "office", "https://crm.example/portal")
    assert (desk.username, desk.password, desk.token) == ("ann", "p w", None)
    assert desk.timezone == ZoneInfo("Europe/London")
    assert desk.poll_every == timedelta(minutes=5)
    assert (desk.options.portal, desk.options.archived, desk.options.defaults.link.id) == (7, True, "1")
    assert config.sync.deletions == "keep"
    assert config.sync.max_deletes == DeletionLimit(share=None, count=3)
    assert config.sync.completed_horizon == timedelta(hours=2)
    assert config.sync.first_sync == "copy"
    assert config.sync.full_sweep == timedelta(minutes=10)
    assert config.sync.keep_history == timedelta(days=90)
    assert config.sync.shutdown_grace == timedelta(seconds=5)
    assert (config.retry.tries, config.retry.total) == (2, timedelta(seconds=10))
    assert (config.log.level, config.log.format) == ("debug", "json")
    assert config.http == Serving(listen=Listen(host="::1", port=9460))


def test_order_of_connections(load: Callable[..., Config]) -> None:
    """Connections keep the order of the file, also inside a group, because it breaks ties."""
    config = load(TWO + "groups: {sales: {connections: [book, desk]}}\n")
    assert [connection.name for connection in config.connections] == ["desk", "book"]
    assert config.groups == (Group(name="sales", connections=("desk", "book")),)


def test_config_is_frozen(load: Callable[..., Config]) -> None:
    """Nothing can be changed in a loaded configuration."""
    config = load(SMALLEST)
    with pytest.raises(FrozenInstanceError):
        config.database = "other"  # type: ignore[misc]  # that it is refused is the point
    with pytest.raises(ValidationError):
        config.retry.tries = 9  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("60s", timedelta(seconds=60)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("30d", timedelta(days=30)),
        ("0d", timedelta(0)),
    ],
)
def test_durations(load: Callable[..., Config], text: str, length: timedelta) -> None:
    """A duration is a whole number and a unit."""
    assert load(f"{SMALLEST}sync: {{completed_horizon: {text}}}").sync.completed_horizon == length


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10%", DeletionLimit(share=Fraction(1, 10))),
        ("100 %", DeletionLimit(share=Fraction(1))),
        ("0", DeletionLimit(share=None, count=0)),
        ("12", DeletionLimit(share=None, count=12)),
        ('"12"', DeletionLimit(share=None, count=12)),
    ],
)
def test_max_deletes(load: Callable[..., Config], text: str, limit: DeletionLimit) -> None:
    """`max_deletes` is a share or a number."""
    assert load(f"{SMALLEST}sync: {{max_deletes: {text}}}").sync.max_deletes == limit


def test_settings_in_python() -> None:
    """The models take the values themselves, too, for those who build them without a file."""
    horizon, limit = timedelta(days=1), DeletionLimit(share=None, count=1)
    sync = SyncSettings(completed_horizon=horizon, max_deletes=limit)
    assert (sync.completed_horizon, sync.max_deletes) == (horizon, limit)
    desk = CommonSettings(type="office", url="https://crm.example", timezone=ZoneInfo("UTC"))
    assert desk.timezone == ZoneInfo("UTC")
    address = Listen(host="localhost", port=1)
    assert HttpSettings(listen=address).listen == address


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("database: data/m.db", "{folder}/data/m.db"),
        ("database: /var/lib/tasksync/m.db", "/var/lib/tasksync/m.db"),
        ("database: sqlite:////var/lib/m.db", "sqlite:////var/lib/m.db"),
        ("# none", "{folder}/tasksync.db"),
    ],
)
def test_database(
    load: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, expected: str
) -> None:
    """A database file is relative to the configuration's folder wherever tasksync is started; a URL stays as it is."""
    monkeypatch.chdir("/")
    assert load(f"{SMALLEST}{line}\n").database == expected.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("groups", "warning"),
    [
        ("{one: {connections: [desk]}, two: {connections: [book]}}", "only the connection desk"),
        ("{one: {connections: [desk, book]}, two: {connections: []}}", "The group two has no connection"),
    ],
)
def test_lonely_group(load: Callable[..., Config], groups: str, warning: str) -> None:
    """A group of fewer than two is allowed, with a warning."""
    assert warning in "\n".join(load(f"{TWO}groups: {groups}\n").warnings)


def test_no_warning(load: Callable[..., Config]) -> None:
    """A group of two is nothing to warn about."""
    assert load(TWO).warnings == ()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8800/x", "http://[::1]:8800", "http://localhost", "http://127.8.0.1"]
)
def test_http_on_loopback(load_connection: Callable[..., ConnectionSettings], url: str) -> None:
    """Plain http is allowed to this machine itself."""
    assert load_connection("type: office", f"url: '{url}'", "token: t1").url == url


def test_allow_insecure(load_connection: Callable[..., ConnectionSettings]) -> None:
    """Plain http to another machine is allowed when the connection says so."""
    connection = load_connection("type: office", "url: http://crm.example", "token: t1", "allow_insecure: true")
    assert connection.url == "http://crm.example"


def test_one_sign_in_for_two_accounts(load: Callable[..., Config]) -> None:
    """The same url and token are two accounts when an option of the CRM tells them apart."""
    config = load(
        """\
        connections:
          desk: {type: office, url: https://crm.example, token: t1, account_uuid: a}
          shop: {type: office, url: https://crm.example, token: t1, account_uuid: b}
        """
    )
    assert len(config.connections) == 2


def test_alias(load: Callable[..., Config]) -> None:
    """A YAML alias stands for the value of its anchor."""
    config = load(
        """\
        connections:
          desk: {type: office, url: https://crm.example, token: &shared t1}
          book: {type: ledger, url: https://ledger.example, token: *shared}
        """
    )
    assert config.connections[1].token == "t1"


class TestFindConfig:
    def test_order(self, tmp_path: Path) -> None:
        """The option comes before the variable, and that before the usual places, of which the first counts."""
        option, variable, here, system = (tmp_path / name for name in ("o", "v", "h", "s"))
        for file in (option, variable, here, system):
            file.touch()
        environ = {"TASKSYNC_CONFIG": str(variable)}
        places = (here, system)
        assert find_config(option, environ, places) == option
        assert find_config(None, environ, places) == variable
        assert find_config(None, {}, places) == here
        here.unlink()
        assert find_config(None, {"TASKSYNC_CONFIG": ""}, places) == system

    def test_named_file_is_missing(self, tmp_path: Path) -> None:
        """A file that was asked for is not replaced by another, and the message says who asked."""
        here = tmp_path / "config.yaml"
        here.touch()
        with pytest.raises(ConfigError, match=r"no such file \(--config names it"):
            find_config(tmp_path / "absent", {}, (here,))
        with pytest.raises(ConfigError, match=r"no such file \(\$TASKSYNC_CONFIG names it"):
            find_config(None, {"TASKSYNC_CONFIG": str(tmp_path / "absent")}, (here,))

    def test_nothing_found(self, tmp_path: Path) -> None:
        """Without any file the message says where it was looked for and how to begin, and the exit code is 2."""
        with pytest.raises(ConfigError, match=r"looked for .*absent.*config\.example\.yaml") as caught:
            find_config(None, {}, (tmp_path / "absent",))
        assert caught.value.exit_code is ExitCode.USAGE

    def test_used_by_load(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifests: Mapping[str, Manifest]
    ) -> None:
        """Without a path, `config.yaml` in the working directory is loaded."""
        (tmp_path / "config.yaml").write_text(SMALLEST, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        config = load_config(None, {}, manifests)
        assert config.database == str(tmp_path / "tasksync.db")
