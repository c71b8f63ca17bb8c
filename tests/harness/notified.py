"""What systemd hears of a service of Type=notify: a socket, and somebody who writes down what comes and when."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

_LARGEST = 4096


@dataclass(frozen=True, kw_only=True)
class Message:
    """One datagram. `at`: when it came, in seconds of CLOCK_MONOTONIC."""

    at: float
    fields: dict[str, str]


class Notified:
    """Listens from `with` to the end of the block; `path` is for $NOTIFY_SOCKET."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        # The path of a socket has to be short, which those of pytest's folders are not.
        self._folder = Path(tempfile.mkdtemp(prefix="tasksync-notify-"))
        self.path = str(self._folder / "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        self._socket.bind(self.path)
        self._thread = Thread(target=self._listen, name="notified", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.path)
        self._thread.join()
        self._socket.close()
        shutil.rmtree(self._folder)

    def saying(self, name: str, value: str | None = None) -> list[Message]:
        """The messages with this field, and this value if there is one, in their order."""
        said = [one for one in list(self.messages) if name in one.fields]
        return said if value is None else [one for one in said if one.fields[name] == value]

    @property
    def turning_points(self) -> list[str]:
        """Which of the states that systemd acts on came, in their order."""
        points = ("READY", "RELOADING", "STOPPING")
        return [name for one in list(self.messages) for name in points if one.fields.get(name) == "1"]

    @property
    def status(self) -> str:
        """What `systemctl status` would show."""
        said = self.saying("STATUS")
        return said[-1].fields["STATUS"] if said else ""

    def _listen(self) -> None:
        while data := self._socket.recv(_LARGEST):
            lines = (line.partition("=") for line in data.decode("utf-8").splitlines())
            fields = {name: value for name, _, value in lines}
            self.messages.append(Message(at=time.monotonic(), fields=fields))
