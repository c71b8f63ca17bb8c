"""sd_notify, against a socket such as systemd's."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasksync.service.systemd import Notifier


class Notes:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **data: Any) -> None:
        self.events.append((event, data))

    debug = info = error = warning


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.named = "@" + address[1:] if address.startswith("\0") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Since the last time."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """Listens at a path, or at an abstract address."""
    listening = Manager(str(tmp_path / "notify") if request.param == "path" else f"\0tasksync-test-{os.getpid()}")
    yield listening
    listening.close()


@pytest.fixture
def log() -> Notes:
    return Notes()


@pytest.fixture
def notifier(manager: Manager, log: Notes) -> Notifier:
    return Notifier(manager.named, log)


def test_life(manager: Manager, notifier: Notifier) -> None:
    """What systemd hears from the start to the end."""
    notifier.starting(30.5)
    notifier.ready("In step")
    notifier.status("Sending")
    notifier.watchdog()
    notifier.stopping("Stopping")
    assert manager.heard() == [
        "EXTEND_TIMEOUT_USEC=30500000",
        "READY=1\nSTATUS=In step",
        "STATUS=Sending",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=Stopping",
    ]


def test_reload(manager: Manager, notifier: Notifier) -> None:
    """A reload is announced with the time on systemd's clock, and ends with being ready."""
    before = time.monotonic_ns() // 1000
    notifier.reloading("Reading the config")
    notifier.ready("In step")
    reloading, ready = manager.heard()
    first, moment, status = reloading.split("\n")
    assert (first, status, ready) == ("RELOADING=1", "STATUS=Reading the config", "READY=1\nSTATUS=In step")
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_same_status(manager: Manager, notifier: Notifier) -> None:
    """A status is sent when it changes."""
    notifier.ready("In step")
    for text in ("In step", "Sending", "Sending", "In step"):
        notifier.status(text)
    assert manager.heard() == ["READY=1\nSTATUS=In step", "STATUS=Sending", "STATUS=In step"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("office failing\nREADY=1", "office failing READY=1"),
        ("a\r\nb\tc\x1b[2Jd\x85e\u2028f", "a b c [2Jd e f"),
        ("  around  ", "around"),
        ("half a pair \ud800", "half a pair ?"),
        ("ü" * 3000, "ü" * 512),
    ],
)
def test_text(manager: Manager, notifier: Notifier, text: str, line: str) -> None:
    """A text is one line of UTF-8, short enough for systemd, whatever is in it."""
    notifier.status(text)
    assert manager.heard() == [f"STATUS={line}"]


def test_without_systemd(log: Notes) -> None:
    """Where nobody listens, nothing is sent, and nothing is wrong."""
    notifier = Notifier.from_environ({}, log)
    notifier.ready("In step")
    notifier.watchdog()
    assert notifier.watchdog_interval() is None
    assert log.events == []


@pytest.mark.parametrize("address", ["{}/gone", "@tasksync-nobody-is-there", "{}/" + "x" * 200, "vsock:2:1"])
def test_unreachable(tmp_path: Path, log: Notes, address: str) -> None:
    """A socket that cannot be reached stops nobody, and the log says so once."""
    notifier = Notifier(address.format(tmp_path), log)
    notifier.ready("In step")
    notifier.watchdog()
    assert [event for event, _ in log.events] == ["systemd_not_told"]


def test_busy(manager: Manager, notifier: Notifier, log: Notes) -> None:
    """While systemd does not read, nothing waits; what it has not heard it hears afterwards, in its order, but for old
    signs of life.
    """
    while fill(manager):
        pass
    notifier.starting(30)
    notifier.ready("In step")
    notifier.watchdog()
    notifier.watchdog()
    notifier.status("Sending")
    manager.heard()
    notifier.watchdog()
    assert manager.heard() == ["READY=1\nSTATUS=In step", "STATUS=Sending", "WATCHDOG=1"]
    assert log.events == []


def test_reachable_again(tmp_path: Path, log: Notes) -> None:
    """What could not be sent to nobody is sent once somebody is there."""
    notifier = Notifier(str(tmp_path / "notify"), log)
    notifier.ready("In step")
    notifier.watchdog()
    late = Manager(str(tmp_path / "notify"))
    notifier.status("Sending")
    assert late.heard() == ["READY=1\nSTATUS=In step", "STATUS=Sending"]
    late.close()


def fill(manager: Manager) -> bool:
    """One more message into systemd's queue, if there is room."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        try:
            other.sendto(b"X=1", manager.named.replace("@", "\0"))
        except BlockingIOError:
            return False
    return True


def test_environment(manager: Manager, log: Notes) -> None:
    """What systemd asks for in the environment is done, and not handed on to children."""
    environ = {
        "NOTIFY_SOCKET": manager.named,
        "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }
    notifier = Notifier.from_environ(environ, log)
    notifier.ready("In step")
    assert manager.heard() == ["READY=1\nSTATUS=In step"]
    assert notifier.watchdog_interval() == 30.0
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    ("variables", "interval"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_PID": str(os.getpid())}, None),
    ],
)
def test_watchdog(log: Notes, variables: dict[str, str], interval: float | None) -> None:
    """The watchdog is fed twice as often as systemd wants it, if it wants it of this process."""
    assert Notifier.from_environ(dict(variables), log).watchdog_interval() == interval
