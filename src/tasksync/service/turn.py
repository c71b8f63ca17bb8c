"""What one cycle came to, as the daemon tells it: to the operator's log, the metrics, the health pages, the scheduler.

The engine's report says the same in more detail; bootstrap makes the one from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tasksync.ports import Cost, Traffic


class State(StrEnum):
    """How a connection fares: the words of `--json` (design.md 8), and `unknown` before the first attempt."""

    UNKNOWN = "unknown"
    OK = "ok"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    NEEDS_LOGIN = "needs_login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One connection's part in a turn.

    `polled`: it was its turn to be polled, which took `poll_s` seconds and `poll_requests`; `state` and `error` are of
    this attempt, or of the pushes to it. `written` counts writes that got through, by `core.plan.Action`. `outbox`
    counts what waits, by `ports.OperationState`; `oldest_at` is since when the one that has waited longest does, of
    those that wait for no person. `complete_at`: when its last complete snapshot was started. `clock_difference_s`: its
    clock minus ours. `quota_left` of `quota_limit` requests remain until `quota_reset` (by our clock), as far as the
    CRM says so.
    """

    name: str
    polled: bool
    state: State
    error: str | None = None
    poll_s: float = 0.0
    poll_requests: int = 0
    read: int = 0
    requests: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    written: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    held: int = 0
    outbox: Mapping[str, int] = field(default_factory=dict)
    oldest_at: datetime | None = None
    complete_at: datetime | None = None
    clock_difference_s: float = 0.0
    quota_left: int | None = None
    quota_limit: int | None = None
    quota_reset: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One cycle of the daemon. `run` is the id that its log lines and history rows carry. `conflicts` were decided in
    it; `holds` are all that a person has not decided yet.
    """

    run: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    cost: Cost
    parts: tuple[Part, ...]
    conflicts: int = 0
    holds: int = 0
