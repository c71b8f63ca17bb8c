from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tasksync.config import Config
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.errors import ConfigError, ExitCode

FINE = "desk: {type: office, url: https://crm.example, token: t1}"
TWIN = "shop: {type: office, url: https://CRM.example/, token: t1, defaults: {category: Call}}"
ONLY_DESK = "groups:\n  a: {connections: [desk]}\n"
SECRET = "hunter2-s3cret"

# text of the file | line | key | words of the message, in their order
WRONG_FILES: list[tuple[str, int, str, tuple[str, ...]]] = [
    ("", 0, "connections", ("needs at least one connection",)),
    ("connections:\n", 1, "connections", ("needs at least one connection",)),
    ("connections: [desk]\n", 1, "connections", ("needs names, each with its settings",)),
    ("connections: {desk: office}\n", 1, "connections.desk", ("needs keys with values below it",)),
    (
        f"connections:\n  {FINE}\ncolour: red\n",
        3,
        "colour",
        ("unknown key", "known are: categories, connections, database"),
    ),
    (f"connections:\n  {FINE}\ndatabse: x.db\n", 3, "databse", ("unknown key; did you mean database?",)),
    (f"connections:\n  {FINE}\ndatabase: 5\n", 3, "database", ("needs text", "into quotes")),
    (f"connections:\n  {FINE}\ndatabase: ''\n", 3, "database", ("must not be empty",)),
    (f"connections:\n  {FINE}\nsync: 5\n", 3, "sync", ("needs keys with values below it",)),
    (f"connections:\n  {FINE}\nsync:\n  max_delete: 3\n", 4, "sync.max_delete", ("did you mean max_deletes?",)),
    (f"connections:\n  {FINE}\nsync:\n  max_deletes: 101%\n", 4, "sync.max_deletes", ("needs a share such as 10%",)),
    (f"connections:\n  {FINE}\nsync:\n  max_deletes: -1\n", 4, "sync.max_deletes", ("needs a share such as 10%",)),
    (f"connections:\n  {FINE}\nsync:\n  max_deletes: true\n", 4, "sync.max_deletes", ("needs a share such as 10%",)),
    (
        f"connections:\n  {FINE}\nsync:\n  deletions: no\n",
        4,
        "sync.deletions",
        ("needs one of: 'propagate' or 'keep'",),
    ),
    (f"connections:\n  {FINE}\nsync:\n  completed_horizon: 30\n", 4, "sync.completed_horizon", ("a unit (ms, s, m",)),
    (f"connections:\n  {FINE}\nsync:\n  completed_horizon: 1.5h\n", 4, "sync.completed_horizon", ("a whole number",)),
    (f"connections:\n  {FINE}\nsync:\n  full_sweep: 3600\n", 4, "sync.full_sweep", ("a unit (ms, s, m",)),
    (f"connections:\n  {FINE}\nsync:\n  kinds: [task, deal]\n", 4, "sync.kinds[1]", ("case",)),
    (f"connections:\n  {FINE}\nsync:\n  kinds: []\n", 4, "sync.kinds", ("each once",)),
    (f"connections:\n  {FINE}\nsync:\n  kinds: [task, task]\n", 4, "sync.kinds", ("each once",)),
    (f"connections:\n  {FINE}\nretry:\n  tries: many\n", 4, "retry.tries", ("needs a whole number",)),
    (f"connections:\n  {FINE}\nretry:\n  tries: 2.5\n", 4, "retry.tries", ("needs a whole number",)),
    (f"connections:\n  {FINE}\nretry:\n  tries: true\n", 4, "retry.tries", ("needs a whole number",)),
    (f"connections:\n  {FINE}\nretry:\n  tries: 0x2\n", 4, "retry.tries", ("needs a whole number",)),
    (f"connections:\n  {FINE}\nretry:\n  tries: 0\n", 4, "retry.tries", ("must be 1 or more",)),
    (f"connections:\n  {FINE}\nretry:\n  total: 0s\n", 4, "retry.total", ("needs to be 1s or longer",)),
    (f"connections:\n  {FINE}\nlog:\n  level: verbose\n", 4, "log.level", ("needs one of: 'debug', 'info'",)),
    (f"connections:\n  {FINE}\nhttp: {{}}\n", 3, "http.listen", ("is missing",)),
    (f"connections:\n  {FINE}\nhttp:\n  listen: 9460\n", 4, "http.listen", ("a host and a port such as",)),
    (f"connections:\n  {FINE}\nhttp:\n  listen: h:99999\n", 4, "http.listen", ("a host and a port such as",)),
    (f"connections:\n  {FINE}\nhttp:\n  listen: h:1\n  lisen: h:1\n", 5, "http.lisen", ("did you mean listen?",)),
    (
        f"connections:\n  {FINE}\n  desk: {{}}\n",
        2,
        "connections.desk",
        ("stands here twice, the second time on line 3",),
    ),
    (f"connections:\n  {FINE}\n9lives: {{}}\n", 3, "9lives", ("unknown key",)),
    (f"connections:\n  {FINE.replace('desk', '9')}\n", 2, "connections.9", ("a name begins with a letter",)),
    (f"connections:\n  {FINE.replace('desk', 'my desk')}\n", 2, "connections.my desk", ("a name begins with a",)),
    (f"connections:\n  {FINE}\n? [a]\n: b\n", 0, "", ("has a key on line 3 that is not a plain word",)),
    (f"connections:\n  {FINE}\ngroups: [desk]\n", 3, "groups", ("needs names, each with its settings",)),
    (f"connections:\n  {FINE}\ngroups:\n  a: [desk]\n", 4, "groups.a", ("needs a list of connections below it",)),
    (f"connections:\n  {FINE}\ngroups:\n  a: {{connections: desk}}\n", 4, "groups.a.connections", ("needs a list",)),
    (f"connections:\n  {FINE}\ngroups:\n  a: {{connections: [desk], of: x}}\n", 4, "groups.a.of", ("unknown key",)),
    (
        f"connections:\n  {FINE}\ngroups:\n  a:\n    connections:\n      - desk\n      - dsk\n",
        7,
        "groups.a.connections[1]",
        ("there is no connection dsk; did you mean desk?",),
    ),
    (
        f"connections:\n  {FINE}\ngroups:\n  a: {{connections: [desk]}}\n  b: {{connections: [desk]}}\n",
        5,
        "groups.b.connections[0]",
        ("desk is in the group a already",),
    ),
    (
        f"connections:\n  {FINE}\n  book: {{type: ledger, url: https://l.example, token: t2}}\n{ONLY_DESK}",
        3,
        "connections.book",
        ("is in no group",),
    ),
    (
        f"connections:\n  {FINE}\n  {TWIN}\n",
        3,
        "connections.shop",
        ("is the same account as desk",),
    ),
]

# lines of one connection, the first is line 3 | line | key below connections.desk | words of the message
CREDENTIALS = "token or username and password"
WRONG_CONNECTIONS: list[tuple[tuple[str, ...], int, str, tuple[str, ...]]] = [
    (("url: https://crm.example", "token: t1"), 2, ".type", ("is missing",)),
    (("type: office", "token: t1"), 2, ".url", ("is missing",)),
    (("type: offic", "url: https://crm.example", "token: t1"), 3, ".type", ("unknown type; did you mean office?",)),
    (("type: other", "url: https://crm.example", "token: t1"), 3, ".type", ("known are: ledger, office",)),
    (("type: 5", "url: https://crm.example", "token: t1"), 3, ".type", ("needs text",)),
    (("type: !x office", "url: https://crm.example", "token: t1"), 3, ".type", ("has a YAML tag",)),
    (("type: office", "url: https://crm.example", "tokn: t1", "token: t1"), 5, ".tokn", ("did you mean token?",)),
    (("type: office", "url: https://crm.example", "token: t1", "portl: 2"), 6, ".portl", ("did you mean portal?",)),
    (("type: office", "url: https://crm.example", "token: t1", "portal: x"), 6, ".portal", ("needs a whole number",)),
    (
        ("type: office", "url: https://crm.example", "token: t1", "archived: x"),
        6,
        ".archived",
        ("needs true or false",),
    ),
    (
        ("type: office", "url: https://crm.example", "token: t1", "defaults:", "  categry: Call"),
        7,
        ".defaults.categry",
        ("unknown key; did you mean category?",),
    ),
    (
        ("type: office", "url: https://crm.example", "token: t1", "defaults:", "  link:", "    type: client"),
        7,
        ".defaults.link.id",
        ("is missing",),
    ),
    (("type: office", "url: https://crm.example"), 2, "", (f"has no credentials, but Office CRM needs {CREDENTIALS}",)),
    (
        ("type: office", "url: https://crm.example", "username: ann"),
        2,
        "",
        (f"has username, but Office CRM needs {CREDENTIALS}",),
    ),
    (
        ("type: office", "url: https://crm.example", "token: t1", "username: ann", "password: p"),
        2,
        "",
        ("has token and username and password, but",),
    ),
    (("type: ledger", "url: https://l.example", "username: a", "password: p"), 2, "", ("but Ledger needs token",)),
    (("type: office", "url: https://crm.example", "token: ''"), 5, ".token", ("must not be empty",)),
    (("type: office", "url: https://crm.example", "token: 12"), 5, ".token", ("needs text", "into quotes")),
    (("type: office", "url: https://crm.example", 'token: "a\\nb"'), 5, ".token", ("contains a line break",)),
    (
        ("type: office", "url: https://crm.example", "token: t1", "token_file: t"),
        5,
        ".token",
        ("stands beside token_file; give one of them",),
    ),
    (("type: office", "url: crm.example", "token: t1"), 4, ".url", ("needs a url such as https://",)),
    (("type: office", "url: ftp://crm.example", "token: t1"), 4, ".url", ("needs a url such as https://",)),
    (("type: office", "url: https://", "token: t1"), 4, ".url", ("needs a url such as https://",)),
    (("type: office", "url: https://crm.example:x", "token: t1"), 4, ".url", ("needs a url such as https://",)),
    (("type: office", "url: https://crm. example", "token: t1"), 4, ".url", ("needs a url such as https://",)),
    (("type: office", "url: https://a:b@crm.example", "token: t1"), 4, ".url", ("must not hold credentials",)),
    (("type: office", "url: https://crm.example/?a=b", "token: t1"), 4, ".url", ("must end before any",)),
    (("type: office", "url: http://crm.example", "token: t1"), 4, ".url", ("use https, or set allow_insecure: true",)),
    (("type: office", "url: http://127.0.0.1.example", "token: t1"), 4, ".url", ("plain http",)),
    (
        ("type: office", "url: https://crm.example", "token: t1", "timezone: Europe/Londn"),
        6,
        ".timezone",
        ("needs the name of a time zone; did you mean Europe/London?",),
    ),
    (("type: office", "url: https://crm.example", "token: t1", "timezone: Europe"), 6, ".timezone", ("time zone",)),
    (("type: office", "url: https://crm.example", "token: t1", "timezone: ../x"), 6, ".timezone", ("time zone",)),
    (
        ("type: office", "url: https://crm.example", "token: t1", "poll_every: 500ms"),
        6,
        ".poll_every",
        ("1s or longer",),
    ),
    (
        ("type: office", "url: https://crm.example", "token: t1", "allow_insecure: perhaps"),
        6,
        ".allow_insecure",
        ("needs true or false",),
    ),
    (
        ("type: office", "url: https://crm.example", "token: t1", "defaults: &d", "  link: *d"),
        7,
        ".defaults.link",
        ("contains itself",),
    ),
]

# text | line | words
NOT_YAML: list[tuple[str, int, str]] = [
    ("a: [1\nb: 2\n", 2, "expected ',' or ']', but got ':'"),
    ("a: 1\n\tb: 2\n", 2, "is not valid YAML"),
    ("a: 'open\n", 2, "unexpected end of stream"),
    ("a: 1\n---\nb: 1\n", 2, "found another document"),
    ("- a\n- b\n", 1, "needs keys with values at its top level"),
    ("just text\n", 1, "needs keys with values at its top level"),
]


@pytest.mark.parametrize(("text", "line", "key", "words"), WRONG_FILES)
def test_wrong_file(
    load: Callable[..., Config], tmp_path: Path, text: str, line: int, key: str, words: tuple[str, ...]
) -> None:
    """What is wrong in a file is one message with file, line and key."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    _check(str(caught.value), tmp_path, line, key, words)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(("lines", "line", "key", "words"), WRONG_CONNECTIONS)
def test_wrong_connection(
    load_connection: Callable[..., ConnectionSettings],
    tmp_path: Path,
    lines: tuple[str, ...],
    line: int,
    key: str,
    words: tuple[str, ...],
) -> None:
    """What is wrong in a connection is one message with file, line and key."""
    with pytest.raises(ConfigError) as caught:
        load_connection(*lines)
    _check(str(caught.value), tmp_path, line, f"connections.desk{key}", words)


def _check(message: str, folder: Path, line: int, key: str, words: tuple[str, ...]) -> None:
    place = f"{folder}/config.yaml" + (f":{line}" if line else "") + (f": {key}: " if key else ": ")
    assert message.startswith(place)
    at = len(place)
    for word in words:
        at = message.index(word, at)
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("text", "line", "words"), NOT_YAML)
def test_not_yaml(load: Callable[..., Config], tmp_path: Path, text: str, line: int, words: str) -> None:
    """A file that cannot be parsed is one message with file and line."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path}/config.yaml:{line}: ")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: \xff\n", "is not UTF-8 text"),
        (b"a: \x01\n", "character #x0001 is not allowed"),
        (b"[" * 1000, "is not valid YAML"),
        (None, "Is a directory"),
    ],
)
def test_unreadable(
    load: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str
) -> None:
    """A file that cannot be read at all is told by its name."""

    def write(file: Path, _text: str, **_: object) -> None:
        file.mkdir() if content is None else file.write_bytes(content)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(ConfigError, match=words) as caught:
        load("")
    assert str(caught.value).startswith(f"{tmp_path}/config.yaml: ")


def test_everything_at_once(load: Callable[..., Config], tmp_path: Path) -> None:
    """All problems are told together, one per line, in the order of the file."""
    with pytest.raises(ConfigError) as caught:
        load(
            """\
            retry: {tries: x}
            connections:
              desk:
                type: offic
                url: http://crm.example
                token: t1
              book: {type: ledger, url: https://l.example, poll_every: 5, token_file: absent}
            sync: {deletion: keep}
            groups: {all: {connections: [desk]}}
            """
        )
    found = [line.removeprefix(f"{tmp_path}/config.yaml:").split(": ")[:2] for line in str(caught.value).splitlines()]
    assert found == [
        ["1", "retry.tries"],
        ["4", "connections.desk.type"],
        ["5", "connections.desk.url"],
        ["7", "connections.book"],
        ["7", "connections.book.poll_every"],
        ["7", "connections.book.token_file"],
        ["8", "sync.deletion"],
    ]


def test_inside_lists_and_unions(load_connection: Callable[..., ConnectionSettings], tmp_path: Path) -> None:
    """The place is told as it is in the file, not as the connector's model names its parts."""
    with pytest.raises(ConfigError) as caught:
        load_connection(
            "type: office",
            "url: https://crm.example",
            "token: t1",
            "links:",
            "  - {type: client, id: a}",
            "  - {type: client, id: b, of: c}",
            "owner:",
            "  type: client",
        )
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/config.yaml:8: connections.desk.links[1].of: unknown key",
        f"{tmp_path}/config.yaml:9: connections.desk.owner: needs a whole number",
        f"{tmp_path}/config.yaml:9: connections.desk.owner.id: is missing",
    ]


class TestSecretsAreNotShown:
    def test_in_settings(self, load: Callable[..., Config]) -> None:
        """Neither `repr` nor `str` of the configuration shows a token, a password, or a password in a database URL."""
        config = load(
            f"""\
            database: postgresql://me:{SECRET}@db/x
            connections:
              desk: {{type: office, url: https://crm.example, token: {SECRET}}}
              shop: {{type: office, url: https://crm.example, username: ann, password: {SECRET}}}
            """
        )
        assert config.connections[0].token == config.connections[1].password == SECRET
        for shown in (config, *config.connections, config.connections, config.groups):
            assert SECRET not in repr(shown)
            assert SECRET not in str(shown)

    @pytest.mark.parametrize(
        "text",
        [
            f"connections: {{desk: {{type: office, url: 'https://me:{SECRET}@crm.example', token: t1}}}}",
            f"connections: {{desk: {{type: office, url: '{SECRET}', token: '{SECRET}', token_file: '{SECRET}'}}}}",
            f"connections: {{desk: {{type: '{SECRET}', url: 'https://crm.example', token: '{SECRET}'}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token_file: '{SECRET}'}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token: ['{SECRET}']}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token: {{a: '{SECRET}'}}}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token:{SECRET}}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token: '{SECRET}', x: 1, portal: p}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', portal: '{SECRET}', token: t1}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', defaults: '{SECRET}', token: t1}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', timezone: '{SECRET}', token: t1}}}}",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', poll_every: '{SECRET}', token: t1}}}}",
            f"connections:\n  desk:\n    token: {SECRET}\n    token: {SECRET}\n",
            f"connections:\n  desk:\n    token: *{SECRET}\n",
            f"connections:\n  desk:\n    token: !{SECRET}!x y\n",
            f"connections:\n  desk:\n    token: !{SECRET}\n",
            f"connections:\n  desk:\n    token: '{SECRET}\n",
            f"connections:\n  desk:\n    token: {SECRET}: x\n",
            f"connections:\n  desk:\n    token {SECRET}\n    url: x\n",
            f"connections:\n  desk: {SECRET}\n",
            f"connections: {{desk: {{type: office, url: 'https://crm.example', token: \"{SECRET}\\u0001\"}}}}",
            'connections: {desk: {type: office, url: "https://crm.example", token: "${TOKEN}\\n"}}',
            "connections: {desk: {type: '${TOKEN}', url: '${TOKEN}', token: '${TOKEN}', timezone: '${TOKEN}'}}",
            "connections: {desk: {type: office, url: 'https://crm.example', token: '${TOKEN:-}${UNSET}'}}",
            "sync: '${TOKEN}'\nretry: {tries: '${TOKEN}', total: '${TOKEN}'}\nlog: {level: '${TOKEN}'}",
        ],
    )
    def test_in_errors(self, load: Callable[..., Config], text: str) -> None:
        """No message shows a value, nor does the traceback of the error."""
        with pytest.raises(ConfigError) as caught:
            load(text, {"TOKEN": SECRET})
        error = caught.value
        assert SECRET not in str(error)
        assert SECRET not in "".join(traceback.format_exception_only(error))
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
        assert SECRET not in told

    def test_reused_anchor(self, load: Callable[..., Config]) -> None:
        """A token that begins with `&`, twice, is no warning that would print it."""
        with pytest.raises(ConfigError) as caught:
            load(f"connections:\n  a: {{token: &{SECRET} }}\n  b: {{token: &{SECRET} }}\n")
        assert SECRET not in str(caught.value)
