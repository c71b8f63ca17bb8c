"""Everything that can go wrong, named by what follows from it.

::

    TasksyncError
    ├── RetryLater            this time it did not work; the next cycle tries again        exit 1
    │   ├── Unreachable       no connection: certainly nothing was carried out
    │   ├── Throttled         the CRM asked us to wait: certainly nothing was carried out
    │   ├── Stopping          the program is being stopped: certainly nothing was carried out
    │   ├── ServerFault       5xx or a damaged answer to something that changes nothing
    │   └── AnswerLost        sent, but no (usable) answer: it may have been carried out
    ├── SkipRecord            this record cannot be stored there until somebody acts        exit 4
    │   ├── Refused           the CRM said no (400, 404, 409, 422), in its own words
    │   ├── DefaultNeeded     the CRM wants a value that the record lacks, and no default is configured
    │   └── Vanished          the record was there when we planned, and is not any more
    ├── StopConnection        nothing more can be done with this connection; the others go on
    │   ├── NeedsLogin        the CRM does not accept the credentials, or not for this    exit 5
    │   └── Misconnected      what answers at the url is not the CRM it should be         exit 1
    └── StopProgram           the program cannot go on
        ├── WrongUsage        the command asks for what is not there, or cannot be done   exit 2
        ├── ConfigError       the configuration is wrong                                  exit 2
        ├── WrongAccount      a connection's name now leads to another account            exit 2
        ├── MirrorUnusable    the mirror cannot be opened, or not by this version         exit 2
        └── MirrorBusy        another tasksync has this mirror                            exit 3

A message is a whole sentence for the person who operates the program: what happened, and what to do where that can be
said. It never holds a secret (I12): what comes out of a CRM's answer goes through the transport's redaction first.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of design.md section 8; `worst` picks one when several apply."""

    IN_STEP = 0
    RETRY = 1
    USAGE = 2
    BUSY = 3
    HELD = 4
    NEEDS_LOGIN = 5

    @classmethod
    def worst(cls, codes: set[ExitCode]) -> ExitCode:
        """The one that is reported when several apply: 2, 3, 5, 1, 4, in that order; 0 when there is none."""
        for code in (cls.USAGE, cls.BUSY, cls.NEEDS_LOGIN, cls.RETRY, cls.HELD):
            if code in codes:
                return code
        return cls.IN_STEP


class TasksyncError(Exception):
    """The root of everything that tasksync raises on purpose."""

    exit_code = ExitCode.RETRY


class RetryLater(TasksyncError):
    """It did not work this time; the next cycle tries again."""


class Unreachable(RetryLater):
    """No connection could be made: certainly nothing was carried out."""


class Throttled(RetryLater):
    """The CRM asked us to wait; nothing was carried out. `retry_at` is the earliest moment (aware UTC), if it named
    one.
    """

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Stopping(RetryLater):
    """The program is being stopped: nothing was sent any more. What was left waits for the next start."""

    def __init__(self) -> None:
        super().__init__("tasksync was stopped before this was sent. It is sent after the next start.")


class ServerFault(RetryLater):
    """The CRM answered a request that changes nothing with a fault of its own, or with something unreadable."""


class AnswerLost(RetryLater):
    """The request went out, and no usable answer came back: the CRM may have carried it out, or not."""


class SkipRecord(TasksyncError):
    """The record cannot be stored in this CRM until somebody changes the record or the config; all others go on."""

    exit_code = ExitCode.HELD


class Refused(SkipRecord):
    """The CRM refused the record. `status` is the HTTP status, the message holds the CRM's own words."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class DefaultNeeded(SkipRecord):
    """The CRM cannot store a record without this value, the record has none, and the connection has no
    default for it.
    """


class Vanished(SkipRecord):
    """The record is not in the CRM any more, although it was when this was planned."""


class StopConnection(TasksyncError):
    """Nothing more can be done with this connection in this cycle; the others go on."""


class NeedsLogin(StopConnection):
    """The CRM does not accept the credentials (401), or not for what was asked (403)."""

    exit_code = ExitCode.NEEDS_LOGIN


class Misconnected(StopConnection):
    """What answers at the configured url does not behave as this CRM: wrong url, wrong type, a proxy's page."""


class StopProgram(TasksyncError):
    """The program cannot go on."""

    exit_code = ExitCode.USAGE


class WrongUsage(StopProgram):
    """The command names something that is not there, or asks for what cannot be done; nothing was changed."""


class ConfigError(StopProgram):
    """The configuration cannot be used; the message names file, line and key."""


class WrongAccount(StopProgram):
    """A connection's name leads to another account than the one the mirror knows under it, or two lead to the same."""


class MirrorUnusable(StopProgram):
    """The mirror cannot be opened, read or written, or belongs to a newer version."""


class MirrorBusy(StopProgram):
    """Another tasksync works on this mirror."""

    exit_code = ExitCode.BUSY
