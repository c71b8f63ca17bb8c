"""What every part of the program is given: the time, a log, and somebody who counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from tasksync.ports.cost import Traffic


class Clock(Protocol):
    """Where time comes from. One implementation asks the machine; tests pass their own."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""


class Log(Protocol):
    """Where events go: constant snake_case names in the past tense, data as keywords with units in their names."""

    def debug(self, event: str, **data: Any) -> Any: ...
    def info(self, event: str, **data: Any) -> Any: ...
    def warning(self, event: str, **data: Any) -> Any: ...
    def error(self, event: str, **data: Any) -> Any: ...


class Meter(Protocol):
    """Counts what cannot be seen from a cycle's report."""

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        """A try of a request has ended, with that HTTP status, or without an answer (None)."""
