from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasksync.config import Config
from tasksync.config.document import expand
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.errors import ConfigError

ENVIRON = {"A": "one", "B": "two", "EMPTY": "", "HARD": "a${B}$$ # 'x\": \n- {", "_9": "nine"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("${_9}", "nine"),
        ("x${A}y${B}z", "xoneytwoz"),
        ("${EMPTY}", ""),
        ("${A:-other}", "one"),
        ("${UNSET:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b c$d}", "a:-b c$d"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$one"),
        ("pa$word$", "pa$word$"),
        ("$A", "$A"),
        ("${HARD}", ENVIRON["HARD"]),
    ],
)
def test_expand(text: str, expected: str) -> None:
    """Variables, defaults and escapes, once and from left to right."""
    complaints: list[str] = []
    assert expand(text, ENVIRON, complaints.append) == expected
    assert complaints == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${UNSET}", "the variable UNSET is not set; set it, or write a default as in ${UNSET:-value}"),
        ("${}", "has a `${` that is no"),
        ("${A", "has a `${` that is no"),
        ("${1A}", "has a `${` that is no"),
        ("${A-x}", "has a `${` that is no"),
        ("${Ä}", "has a `${` that is no"),
    ],
)
def test_expand_complains(text: str, complaint: str) -> None:
    """What cannot be replaced is told, with what to do."""
    complaints: list[str] = []
    expand(text, ENVIRON, complaints.append)
    assert len(complaints) == 1
    assert complaints[0].startswith(complaint)


def test_values_are_not_yaml(load_connection: Callable[..., ConnectionSettings]) -> None:
    """A variable cannot bring in keys, quotes or comments: it is put in after parsing."""
    environ = {"USER_NAME": "x, allow_insecure: true # '\""}
    connection = load_connection(
        "{type: office, url: 'https://crm.example', username: '${USER_NAME}', password: p}", environ=environ
    )
    assert connection.username == environ["USER_NAME"]


@pytest.mark.parametrize(("given", "expected"), [("true", True), ("no", False), ("1", True), ("0", False)])
def test_boolean(load_connection: Callable[..., ConnectionSettings], given: str, expected: bool) -> None:  # noqa: FBT001 (a test's parameter)
    """A boolean can come from the environment, also one that only the CRM's connector knows."""
    lines = ("type: office", "url: https://crm.example", "token: t1", "archived: ${ARCHIVED}")
    assert load_connection(*lines, environ={"ARCHIVED": given}).options.archived is expected


def test_numbers(load: Callable[..., Config]) -> None:
    """Numbers, shares and durations can come from the environment."""
    config = load(
        """\
        connections:
          desk: {type: office, url: https://crm.example, token: t1, portal: "${PORTAL}", poll_every: "${POLL}"}
        sync: {max_deletes: "${MOST}"}
        retry:
          tries: ${TRIES:-7}
        """,
        {"PORTAL": "12", "POLL": "2m", "MOST": "3"},
    )
    assert config.connections[0].options.portal == 12
    assert config.connections[0].poll_every.total_seconds() == 120
    assert config.sync.max_deletes.count == 3
    assert config.retry.tries == 7


def test_empty_result_is_no_value(load_connection: Callable[..., ConnectionSettings]) -> None:
    """A value that comes out empty counts as not given, so that a variable can be optional."""
    connection = load_connection(
        "type: office",
        "url: https://crm.example",
        "token: ${TOKEN:-}",
        "username: ${LOGIN:-}",
        "password: ${WORD:-}",
        "timezone: ${ZONE:-}",
        "defaults:",
        environ={"TOKEN": "t1"},
    )
    assert (connection.token, connection.username, connection.password, connection.timezone) == ("t1", None, None, None)


def test_all_unset_variables_are_told(load: Callable[..., Config]) -> None:
    """Two unset variables in one value are two lines, and none of them is also called missing."""
    with pytest.raises(ConfigError) as caught:
        load("connections:\n  desk: {type: office, url: 'https://${HOST}:${PORT}', token: '${TOKEN}'}\n")
    told = str(caught.value)
    keys = [line.split(": ")[1] for line in told.splitlines()]
    assert keys == ["connections.desk.token", "connections.desk.url", "connections.desk.url"]
    assert all(f"the variable {name} is not set" in told for name in ("HOST", "PORT", "TOKEN"))


class TestSecretFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """The folder of the configuration file."""
        (tmp_path / "secrets").mkdir()
        return tmp_path

    @pytest.mark.parametrize("content", ["t0ken", "t0ken\n"])
    def test_token_file(self, folder: Path, load_connection: Callable[..., ConnectionSettings], content: str) -> None:
        """A token file is found beside the configuration; a line break at its end is no part of the token."""
        (folder / "secrets" / "t").write_text(content, encoding="utf-8")
        connection = load_connection("type: office", "url: https://crm.example", "token_file: secrets/t")
        assert connection.token == "t0ken"

    def test_password_file(self, folder: Path, load_connection: Callable[..., ConnectionSettings]) -> None:
        """A password file works like a token file; blanks belong to the password, and its path may have variables."""
        (folder / "p").write_text(" p w \n", encoding="utf-8")
        connection = load_connection(
            "type: office",
            "url: https://crm.example",
            "username: ann",
            "password_file: ${CREDENTIALS_DIRECTORY}/p",
            environ={"CREDENTIALS_DIRECTORY": str(folder)},
        )
        assert (connection.username, connection.password) == ("ann", " p w ")

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (None, "cannot be read: No such file or directory"),
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"\xff\xfe", "cannot be read: it is not UTF-8 text"),
            (b"a\nb\n", "contains a line break or another control character"),
        ],
    )
    def test_bad_file(
        self,
        folder: Path,
        load_connection: Callable[..., ConnectionSettings],
        content: bytes | None,
        complaint: str,
    ) -> None:
        """A secret file that is absent, empty or no text is told by its path, at the line of its key."""
        file = folder / "secrets" / "t"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            load_connection("type: office", "url: https://crm.example", f"token_file: {file}")
        assert str(caught.value).startswith(f"{folder}/config.yaml:5: connections.desk.token_file: ")
        assert str(caught.value).endswith(complaint)
        assert len(str(caught.value).splitlines()) == 1
