"""Secrets that do not stand in the file: named files, systemd's credentials, a container's secrets, the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tasksync.config import Config, load_config
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.errors import ConfigError

OFFICE = "connections:\n  desk: {type: office, url: https://crm.example}\n"
CLOUD = "connections:\n  desk: {type: cloud, url: https://crm.example, client_id: us}\n"

Load = Callable[..., Config]


@pytest.fixture
def manifests(manifests: Mapping[str, Manifest], cloud: Manifest) -> Mapping[str, Manifest]:
    return {**manifests, "cloud": cloud}


@pytest.fixture
def systemd(tmp_path: Path) -> Path:
    """Where systemd puts a service's credentials."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    return folder


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """Where a container has its secrets."""
    folder = tmp_path / "run" / "secrets"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def load(tmp_path: Path, manifests: Mapping[str, Manifest], systemd: Path, container: Path) -> Load:
    """Loads the text as a service in a container would."""

    def load_text(text: str, **environ: str) -> Config:
        file = tmp_path / "config.yaml"
        file.write_text(text, encoding="utf-8")
        return load_config(file, {"CREDENTIALS_DIRECTORY": str(systemd), **environ}, manifests, container=container)

    return load_text


def put(folder: Path, name: str, content: str | bytes, mode: int = 0o400) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(mode)
    return file


def only(config: Config) -> ConnectionSettings:
    (found,) = config.connections
    return found


def test_a_credential_of_systemd(load: Load, systemd: Path) -> None:
    """A token that the file does not give is the credential `desk.token`, without the line break at its end."""
    put(systemd, "desk.token", "from-systemd\n")
    put(systemd, "shop.token", "of another")
    assert only(load(OFFICE)).token == "from-systemd"


def test_a_secret_of_the_container(load: Load, container: Path) -> None:
    """Or the container's secret of that name, however the container sets its mode."""
    put(container, "desk.token", "from-container", 0o444)
    config = load(OFFICE)
    assert only(config).token == "from-container"
    assert config.warnings == ("The group all has only the connection desk, so there is nothing to keep in step.",)


def test_systemd_comes_before_the_container(load: Load, systemd: Path, container: Path) -> None:
    """Where both have one, as where a container is started as a service."""
    put(systemd, "desk.token", "from-systemd")
    put(container, "desk.token", "from-container")
    assert only(load(OFFICE)).token == "from-systemd"
    assert only(load(OFFICE, CREDENTIALS_DIRECTORY="")).token == "from-container"


def test_what_the_file_gives_comes_first(load: Load, systemd: Path) -> None:
    """A whole way to sign in is not mixed with what lies about."""
    for name in ("desk.token", "desk.password", "desk.client_secret"):
        put(systemd, name, "from-systemd")
    config = load("connections:\n  desk: {type: office, url: https://crm.example, username: ann, password: p}\n")
    assert (only(config).token, only(config).password) == (None, "p")


@pytest.mark.parametrize(
    ("text", "name", "secret"),
    [
        ("connections:\n  desk: {type: office, url: https://c.example, username: ann}\n", "password", "password"),
        (CLOUD, "client_secret", "client_secret"),
        ("connections:\n  desk: {type: office, url: https://c.example, token: '${T:-}'}\n", "token", "token"),
    ],
)
def test_a_secret_completes_what_is_given(load: Load, systemd: Path, text: str, name: str, secret: str) -> None:
    """The password of a user name, the secret of a client, the token of a variable that is empty."""
    put(systemd, f"desk.{name}", "s3cret")
    assert getattr(only(load(text)), secret) == "s3cret"


def test_without_any_the_file_is_incomplete(load: Load, systemd: Path) -> None:
    """A password without a user name, and folders that do not exist, help nobody."""
    put(systemd, "desk.password", "s3cret")
    (systemd / "desk.token").mkdir()
    for environ in ({}, {"CREDENTIALS_DIRECTORY": "/nowhere"}):
        with pytest.raises(ConfigError, match="has no credentials, but Office CRM needs token or username"):
            load(OFFICE, **environ)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ("\n", "is empty"), (b"\xff\xfe\xfd", "is not UTF-8 text"), ("a\nb", "a line break")],
)
def test_a_credential_that_is_none(load: Load, systemd: Path, content: str | bytes, words: str) -> None:
    """The message names the connection's key."""
    put(systemd, "desk.token", content)
    with pytest.raises(ConfigError, match=words) as caught:
        load(OFFICE)
    assert "connections.desk.token: " in str(caught.value)


def test_a_file_that_cannot_be_read(load: Load, tmp_path: Path) -> None:
    """What the system says of it, once, and not that there were no credentials."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(OFFICE.replace("}", f", token_file: {tmp_path}/folder}}"))
    place = f"{tmp_path}/config.yaml:2: connections.desk.token_file"
    assert str(caught.value) == f"{place}: the file {tmp_path}/folder cannot be read: Is a directory"


def test_a_credential_that_cannot_be_reached(load: Load, tmp_path: Path) -> None:
    """A credentials folder that is no place to look in is told as what it is."""
    endless = tmp_path / "loop"
    endless.symlink_to(endless)
    with pytest.raises(ConfigError, match=r"connections\.desk\.token: .*desk\.token cannot be read: Too many levels"):
        load(OFFICE, CREDENTIALS_DIRECTORY=str(endless))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_a_file_that_everybody_can_read_is_a_warning(load: Load, tmp_path: Path, mode: int, warned: int) -> None:
    """With its place, and without its name where that may be the secret."""
    put(tmp_path, "t0ken", "s3cret", mode)
    config = load(OFFICE.replace("}", ", token_file: t0ken}"))
    told = [warning for warning in config.warnings if "every user of this machine can read" in warning]
    assert only(config).token == "s3cret"
    assert len(told) == warned
    assert all(one.startswith(f"{tmp_path}/config.yaml:2: connections.desk.token_file: ") for one in told)
    assert all("t0ken" not in one for one in told)


# --- the key that tokens are encrypted with ---

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WITH_TOKEN = OFFICE.replace("}", ", token: t1}")


def test_no_key(load: Load) -> None:
    """Without one there is none."""
    assert load(WITH_TOKEN).token_key is None


@pytest.mark.parametrize("content", [KEY, f"{KEY}\n", f" {KEY}\r\n"])
def test_the_key_from_a_file(load: Load, tmp_path: Path, content: str) -> None:
    """Relative to the configuration, and the same with and without the line break of an editor."""
    put(tmp_path, "key", content)
    config = load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n")
    assert config.token_key == KEY.encode()
    assert KEY not in repr(config)


def test_a_key_of_bytes_is_taken_as_it_is(load: Load, tmp_path: Path) -> None:
    """Random bytes may begin and end with what would be blanks in a text."""
    content = b"\n \xff" + bytes(range(128, 160)) + b" \n"
    put(tmp_path, "key", content)
    assert load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n").token_key == content


def test_the_key_from_systemd_or_the_container(load: Load, systemd: Path, container: Path, tmp_path: Path) -> None:
    """As `tasksync-key`, unless the file names one."""
    put(container, "tasksync-key", f"{KEY}-container")
    assert load(WITH_TOKEN).token_key == f"{KEY}-container".encode()
    put(systemd, "tasksync-key", f"{KEY}-systemd")
    assert load(WITH_TOKEN).token_key == f"{KEY}-systemd".encode()
    put(tmp_path, "key", f"{KEY}-file")
    assert load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n").token_key == f"{KEY}-file".encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [("5h0rt", r"holds 5 bytes, and a key needs 32 or more; make one with: openssl rand"), ("", "holds 0 bytes")],
    ids=["short", "empty"],
)
def test_a_key_that_is_none(load: Load, tmp_path: Path, content: str, words: str) -> None:
    """What is too short to be random is refused, with how to make one, and without showing it."""
    put(tmp_path, "key", content)
    with pytest.raises(ConfigError, match=words) as caught:
        load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n")
    assert f"{tmp_path}/config.yaml:3: secrets.key_file: " in str(caught.value)
    assert "5h0rt" not in str(caught.value)


def test_a_key_file_that_is_not_there(load: Load, tmp_path: Path) -> None:
    """It is not replaced by none: tokens that were to be encrypted are not stored in the clear."""
    with pytest.raises(
        ConfigError, match=r"secrets\.key_file: the file of this name in .* cannot be read: No such file"
    ):
        load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n")


def test_a_key_that_everybody_can_read_is_a_warning(load: Load, tmp_path: Path) -> None:
    """As with other secrets."""
    put(tmp_path, "key", KEY, 0o644)
    warnings = load(f"{WITH_TOKEN}secrets: {{key_file: key}}\n").warnings
    assert any("secrets.key_file: every user of this machine can read" in one for one in warnings)
