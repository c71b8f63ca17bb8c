"""Log lines that systemd's journal reads, and what a reload changes."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from tasksync.ports import Log
from tasksync.service.logs import Format, Level, configure
from tasksync.transport.redaction import Redactor

SECRET = "hunter2-s3cret"
Start = Callable[..., Log]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the log goes."""
    return tmp_path / "log"


@pytest.fixture
def stream(file: Path) -> Iterator[TextIO]:
    with file.open("w", encoding="utf-8") as opened:
        yield opened


@pytest.fixture
def start(stream: TextIO) -> Start:
    """Sets the log up, which knows the secret."""
    redactor = Redactor()
    redactor.conceal(SECRET)

    def configured(form: Format = "console", level: Level = "info") -> Log:
        return configure(level, form, redact=redactor.redact_data, stream=stream)

    return configured


@pytest.fixture
def journal(stream: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says that the journal reads the log, as systemd does."""
    found = os.fstat(stream.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)]
)
@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.usefixtures("journal")
def test_priority(start: Start, file: Path, form: Format, level: str, priority: int) -> None:
    """Each event begins with the priority that its level stands for, ours and those of libraries."""
    log = start(form, "debug")
    getattr(log, level)("turn_finished")
    getattr(logging.getLogger("some.library"), level)("it happened")
    assert [line[:3] for line in file.read_text().splitlines()] == [f"<{priority}>"] * 2


@pytest.mark.usefixtures("journal")
def test_traceback(start: Start, file: Path) -> None:
    """Each line of a traceback has the priority: to the journal it is an entry of its own. So have empty ones."""
    start().error("turn_failed", exc_info=ValueError("one\n\nthree"))
    lines = file.read_text().splitlines()
    assert [line[:3] for line in lines] == ["<3>"] * len(lines)
    assert lines[-3:] == ["<3>ValueError: one", "<3>", "<3>three"]


@pytest.mark.usefixtures("journal")
def test_no_time(start: Start, file: Path) -> None:
    """For people there is no time in the line, because the journal shows its own, and there are no colours."""
    start().warning("poll_failed", connection="office")
    assert re.fullmatch(r"<4>\[warning *\] poll_failed +connection=office\n", file.read_text())


@pytest.mark.usefixtures("journal")
def test_json_under_the_journal(start: Start, file: Path) -> None:
    """For programs the object stays as it is, with its time."""
    start("json").warning("poll_failed")
    line = file.read_text()
    assert line.startswith("<4>{")
    assert set(json.loads(line[3:])) == {"timestamp", "level", "event"}


@pytest.mark.usefixtures("journal")
def test_unwritable(start: Start, file: Path) -> None:
    """That an event could not be written has a priority too."""
    start("json").info("turn_finished", depth=Unspeakable())
    assert file.read_text() == "<3>tasksync: a log event of tasksync could not be written (ValueError)\n"


class Unspeakable:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("named", [None, "", "1:2", "nothing"])
def test_elsewhere(start: Start, file: Path, monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    """Without a journal, or when it reads something else, lines have a time and no priority."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    if named is not None:
        monkeypatch.setenv("JOURNAL_STREAM", named)
    start().info("turn_finished")
    assert re.match(r"\d{4}-\d\d-\d\dT", file.read_text())


@pytest.mark.usefixtures("journal")
def test_no_file_behind() -> None:
    """A stream that is no file of the system is none of the journal's."""
    stream = StringIO()
    configure("info", "console", redact=lambda data: data, stream=stream).info("turn_finished")
    assert re.match(r"\d{4}-\d\d-\d\dT", stream.getvalue())


def test_reload(start: Start, file: Path) -> None:
    """A log that was taken, and bound, before a reload has the level and the form of the new config."""
    start("console", "warning")
    log = structlog.stdlib.get_logger("tasksync").bind(connection="office")
    log.info("one_dropped")
    start("json", "debug")
    log.debug("two_seen")
    start("json", "error")
    log.warning("three_dropped")
    (event,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (event["event"], event["connection"], event["level"]) == ("two_seen", "office", "debug")
