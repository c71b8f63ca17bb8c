from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

from tasksync.ports import Log
from tasksync.service.logs import Format, Level, configure, within_run
from tasksync.transport.redaction import Redactor

SECRET = "hunter2-s3cret"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Unspeakable:
    """Has no text."""

    secret: str = SECRET

    def __str__(self) -> str:
        raise ValueError(self.secret)


@dataclass
class Holder:
    token: str = SECRET


def fail(token: str) -> None:
    try:
        int(token)
    except ValueError as cause:
        raise RuntimeError(f"effect {token}") from cause


@pytest.fixture
def stream() -> StringIO:
    """Where the log goes; no terminal."""
    return StringIO()


@pytest.fixture
def redactor() -> Redactor:
    """Knows the secret."""
    redactor = Redactor()
    redactor.conceal(SECRET)
    return redactor


@pytest.fixture
def start(stream: StringIO, redactor: Redactor) -> Callable[..., Log]:
    """Sets the log up."""

    def configured(form: Format = "json", level: Level = "info") -> Log:
        return configure(level, form, redact=redactor.redact_data, stream=stream)

    return configured


def events(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json(start: Callable[..., Log], stream: StringIO) -> None:
    """An event is one JSON object on a line, with UTC time, level, name and data of any depth."""
    start().info("cycle_finished", elapsed_s=1.5, read={"office": 2}, kinds=("task",), note="Zürich\nZug", none=None)
    (event,) = events(stream)
    assert list(event)[:3] == ["timestamp", "level", "event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event.pop("timestamp"))
    assert event == {
        "level": "info",
        "event": "cycle_finished",
        "elapsed_s": 1.5,
        "read": {"office": 2},
        "kinds": ["task"],
        "note": "Zürich\nZug",
        "none": None,
    }
    assert "Zürich" in stream.getvalue()


def test_console(start: Callable[..., Log], stream: StringIO) -> None:
    """For people, an event is a line without colours where the stream is no terminal."""
    start("console").warning("poll_failed", connection="office")
    assert re.fullmatch(r"\S+Z \[warning  \] poll_failed +connection=office\n", stream.getvalue())


@pytest.mark.parametrize(("no_color", "colored"), [(None, True), ("", True), ("1", False)])
def test_colors(monkeypatch: pytest.MonkeyPatch, redactor: Redactor, no_color: str | None, colored: bool) -> None:  # noqa: FBT001 (a test's parameter)
    """Colours on a terminal, and none if NO_COLOR is set to anything."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    configure("info", "console", redact=redactor.redact_data, stream=terminal).info("poll_failed")
    assert ("\x1b[" in terminal.getvalue()) is colored


def test_stderr_only(capsys: pytest.CaptureFixture[str], redactor: Redactor) -> None:
    """Without a stream, everything goes to stderr, and nothing to stdout."""
    configure("info", "json", redact=redactor.redact_data).info("cycle_finished")
    logging.getLogger("alembic").error("broken")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [json.loads(line)["event"] for line in captured.err.splitlines()] == ["cycle_finished", "broken"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_level(start: Callable[..., Log], stream: StringIO, level: Level, expected: list[str]) -> None:
    """Events below the level are dropped, ours and those of libraries."""
    log, library = start(level=level), logging.getLogger("some.library")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(name)
        getattr(library, name)(name)
    assert [event["event"] for event in events(stream)] == [name for name in expected for _ in range(2)]


def test_libraries(start: Callable[..., Log], stream: StringIO) -> None:
    """What a library logs has the same form, and says which library."""
    start()
    logging.getLogger("some.library").warning("%s of %d", "one", 2, extra={"unasked": SECRET})
    (event,) = events(stream)
    assert (event["event"], event["level"], event["logger"]) == ("one of 2", "warning", "some.library")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "alembic.runtime.migration", "apscheduler.scheduler"])
def test_quiet_libraries(start: Callable[..., Log], stream: StringIO, name: str) -> None:
    """Libraries that chat, or tell headers, are heard from warnings on, even when we debug."""
    start(level="debug")
    logging.getLogger(name).debug("chat")
    logging.getLogger(name).info("chat")
    logging.getLogger(name).warning("trouble")
    assert [event["event"] for event in events(stream)] == ["trouble"]


def test_handlers_of_libraries(start: Callable[..., Log], stream: StringIO) -> None:
    """A handler that a library gave itself does not write past the redaction."""
    aside = StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(aside))
    logging.getLogger("uvicorn").propagate = False
    start()
    logging.getLogger("uvicorn.error").error("bound with %s", SECRET)
    assert aside.getvalue() == ""
    assert [event["event"] for event in events(stream)] == ["bound with ***"]


def test_run(start: Callable[..., Log], stream: StringIO) -> None:
    """Within a run, every event carries its id; after it, none does."""
    log = start()
    with within_run("r-1"):
        log.info("cycle_started")
        logging.getLogger("some.library").warning("slow")
    log.info("idle_started")
    assert [event.get("run") for event in events(stream)] == ["r-1", "r-1", None]


def test_configured_twice(start: Callable[..., Log], stream: StringIO) -> None:
    """Setting it up again replaces the first set-up instead of writing everything twice."""
    first = start("console")
    second = start("json")
    first.info("one_seen")
    second.info("two_seen")
    assert [event["event"] for event in events(stream)] == ["one_seen", "two_seen"]


@pytest.mark.parametrize("form", ["json", "console"])
class TestSecrets:
    @pytest.mark.parametrize(
        "data",
        [
            {"text": f"Bearer {SECRET}"},
            {"nested": {"deep": [{"er": (SECRET,)}]}},
            {"keys": {SECRET: 1}},
            {SECRET: 1},
            {"raw": SECRET.encode()},
            {"several": {SECRET}},
            {"error": ValueError(SECRET)},
            {"object": Holder()},
            {"lines": f"a\n{SECRET}"},
        ],
    )
    def test_data(self, start: Callable[..., Log], stream: StringIO, form: Format, data: dict[str, Any]) -> None:
        """A secret does not show wherever in the data it is."""
        start(form).info("request_sent", **data)
        assert SECRET not in stream.getvalue()
        assert "***" in stream.getvalue()

    def test_numeric(self, start: Callable[..., Log], stream: StringIO, redactor: Redactor, form: Format) -> None:
        """A secret that consists of digits does not show as a number, and other numbers stay numbers."""
        redactor.conceal("471147114711")
        start(form).info("request_sent", pin=471147114711, tries=5)
        assert "4711" not in stream.getvalue()
        assert re.search(r"tries\W+5", stream.getvalue())

    def test_named(self, start: Callable[..., Log], stream: StringIO, form: Format) -> None:
        """A value does not show when its key says that it is a secret, even if nobody told of it."""
        start(form).info("request_sent", headers={"Authorization": "unknown"})
        assert "unknown" not in stream.getvalue()

    def test_event(self, start: Callable[..., Log], stream: StringIO, form: Format) -> None:
        """Nor in the event itself, as libraries write it."""
        start(form)
        logging.getLogger("some.library").error("GET /?token=%s", SECRET)
        assert "GET /?token=***" in stream.getvalue()

    @pytest.mark.parametrize("library", [False, True])
    def test_exception(self, start: Callable[..., Log], stream: StringIO, form: Format, library: bool) -> None:  # noqa: FBT001 (a test's parameter)
        """Nor in the text of an exception or of its cause; local variables are not shown at all."""
        log = start(form)
        with pytest.raises(RuntimeError) as caught:
            fail(SECRET)
        if library:
            logging.getLogger("some.library").error("failed", exc_info=caught.value)
        else:
            log.error("push_failed", exc_info=caught.value)
        assert "ValueError: invalid literal for int() with base 10: '***'" in stream.getvalue()
        assert "RuntimeError: effect ***" in stream.getvalue()
        assert SECRET not in stream.getvalue()

    def test_unwritable(
        self, start: Callable[..., Log], stream: StringIO, form: Format, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An event that cannot be written is told without its data, and does not stop the program."""
        start(form).info("request_sent", data=Unspeakable(), beside=SECRET)
        assert stream.getvalue() == "tasksync: a log event of tasksync could not be written (ValueError)\n"
        assert capsys.readouterr().err == ""


def test_late_secret(start: Callable[..., Log], stream: StringIO, redactor: Redactor) -> None:
    """A secret that is learnt after the set-up is taken out from then on."""
    log = start()
    redactor.conceal("rotated-7f3a")
    log.info("logged_in", answer="rotated-7f3a")
    assert events(stream)[0]["answer"] == "***"


def test_control_characters(start: Callable[..., Log], stream: StringIO) -> None:
    """A CRM's words cannot make a second line or steer the terminal."""
    start("console").error("push_refused", words="no\n2026 [info] all_fine\x1b[2J")
    logging.getLogger("some.library").error("no\r\nall fine")
    assert stream.getvalue().count("\n") == 2
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_closed_stream(start: Callable[..., Log], stream: StringIO) -> None:
    """A stream that was closed stops nobody."""
    log = start()
    stream.close()
    log.info("cycle_finished")
    assert stream.closed
