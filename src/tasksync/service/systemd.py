"""What systemd is told of a service of `Type=notify`: that it is ready, how it fares, that it is alive (sd_notify(3)).

The protocol is a datagram of lines to a socket. The sdnotify package is unmaintained, systemd-python needs libsystemd
and a compiler, and neither keeps a full socket from stopping the loop.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections import deque
from collections.abc import MutableMapping
from typing import Final, Self

from tasksync.ports import Log

# systemd drops a datagram of more than 4096 bytes as a whole.
_LONGEST_TEXT: Final = 1024
_MOST_UNSENT: Final = 32
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Notifier:
    """Tells systemd at `address`, where NOTIFY_SOCKET points to; without an address nobody is told anything.

    Nothing here raises and nothing waits. What cannot be sent is sent, in its order, before the next message; unless
    systemd is just busy, the log is told, once. Texts become one line.
    """

    def __init__(self, address: str | None, log: Log, *, watchdog_s: float | None = None) -> None:
        self._address = None if address is None else _socket_address(address)
        self._log = log
        self._watchdog_s = watchdog_s
        self._unsent: deque[str] = deque(maxlen=_MOST_UNSENT)
        self._text: str | None = None
        self._told = False

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str], log: Log) -> Self:
        """As systemd asks for it in the environment, from which it is taken out: what this process starts is not the
        service, and must not speak for it.
        """
        address = environ.pop("NOTIFY_SOCKET", None)
        period, process = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", None)
        meant = process is None or process == str(os.getpid())
        watched = meant and period.isascii() and period.isdecimal() and int(period) > 0
        return cls(address or None, log, watchdog_s=int(period) / 1_000_000 if watched else None)

    def watchdog_interval(self) -> float | None:
        """How often to call `watchdog`, in seconds: half of what systemd waits for. None if it does not wait."""
        return None if self._watchdog_s is None else self._watchdog_s / 2

    def starting(self, more_s: float) -> None:
        """The start takes longer: systemd is to wait so many seconds from now, if its own limit comes before that."""
        self._tell(f"EXTEND_TIMEOUT_USEC={round(more_s * 1_000_000)}", keep=False)

    def ready(self, status: str) -> None:
        """The start, or a reload, is over."""
        self._tell("READY=1", self._status(status))

    def status(self, text: str) -> None:
        """For `systemctl status`. The same text again is not sent."""
        if _one_line(text) != self._text:
            self._tell(self._status(text))

    def reloading(self, status: str) -> None:
        """The config is read again; `ready` has to follow."""
        # systemd tells by the time which reload this message belongs to, as CLOCK_MONOTONIC shows it.
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={moment}", self._status(status))

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._tell("STOPPING=1", self._status(status))

    def watchdog(self) -> None:
        """Still alive. Without it for too long, systemd ends the process."""
        self._tell("WATCHDOG=1", keep=False)

    def _status(self, text: str) -> str:
        self._text = _one_line(text)
        return f"STATUS={self._text}"

    def _tell(self, *lines: str, keep: bool = True) -> None:
        if self._address is None:
            return
        self._unsent.append("\n".join(lines))
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.connect(self._address)
                while self._unsent:
                    sender.send(self._unsent[0].encode("utf-8"))
                    self._unsent.popleft()
        except OSError as error:
            # That it was alive now says nothing about later.
            if not keep:
                self._unsent.pop()
            if not isinstance(error, BlockingIOError) and not self._told:
                self._told = True
                self._log.warning("systemd_not_told", error=str(error))


def _socket_address(named: str) -> str:
    # An `@` stands for the zero byte that abstract sockets begin with.
    return "\0" + named[1:] if named.startswith("@") else named


def _one_line(text: str) -> str:
    """`text` as one line of UTF-8 that systemd takes: a line break in it could say READY=1."""
    line = _CONTROL.sub(" ", text).strip().encode("utf-8", "replace")
    return line[:_LONGEST_TEXT].decode("utf-8", "ignore")
