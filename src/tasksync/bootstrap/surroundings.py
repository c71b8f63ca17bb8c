"""What a process has before it knows what to do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tasksync.config import LogSettings
from tasksync.ports import Clock, Log
from tasksync.service.clock import SteadyClock, SystemClock
from tasksync.service.logs import configure
from tasksync.transport.redaction import Redactor

_WORTH_SAYING = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Time, a log, and the secrets that must not get into it."""

    clock: Clock
    redactor: Redactor
    log: Log

    def steady(self, known: datetime | None) -> Surroundings:
        """With a clock that does not go back behind what the mirror knows already."""
        if known is None:
            return self
        behind = known - self.clock.now()
        if behind > _WORTH_SAYING:
            self.log.warning("clock_went_back", behind_s=round(behind.total_seconds()))
        return replace(self, clock=SteadyClock(self.clock, known))


def surroundings(settings: LogSettings, *, clock: Clock | None = None) -> Surroundings:
    """Set up logging to stderr. Everything made with the result shares one list of secrets (I12)."""
    redactor = Redactor()
    log = configure(settings.level, settings.format, redact=redactor.redact_data)
    return Surroundings(clock=clock or SystemClock(), redactor=redactor, log=log)


def new_id() -> str:
    """An id of ours: 64 random bits, 16 hex digits."""
    return secrets.token_hex(8)
