"""What `/readyz` and `/status.json` say, as plain data. Times are UTC, in ISO 8601 with a Z."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasksync import __version__
from tasksync.service.standing import PATIENCE, ConnectionStanding, Standing
from tasksync.service.turn import Part, Turn


def readiness(standing: Standing, now: datetime) -> dict[str, Any]:
    """Whether what the daemon is there for is being done, and in `reasons`, in sentences, why not."""
    reasons = []
    if standing.last_turn is None:
        reasons.append("The first cycle is not over yet.")
    if standing.mirror_fault is not None:
        reasons.append(f"The mirror cannot be used: {standing.mirror_fault}")
    late = standing.late(now)
    reasons += [_lateness(standing.connections[name]) for name in late]
    return {
        "ready": not reasons,
        "reasons": reasons,
        "first_cycle_over": standing.last_turn is not None,
        "mirror_writable": standing.mirror_fault is None,
        "connections": {
            name: {"ready": name not in late, "state": str(one.state), "polled_at": stamp(one.polled_at)}
            for name, one in standing.connections.items()
        },
    }


def status(standing: Standing, now: datetime) -> dict[str, Any]:
    """All that is known of the last turn and of each connection."""
    return {
        "version": __version__,
        "now": stamp(now),
        "started_at": stamp(standing.started_at),
        "cycles": standing.turns,
        "mirror_fault": standing.mirror_fault,
        "last_cycle": None if standing.last_turn is None else _turn(standing.last_turn),
        "connections": {name: _connection(one) for name, one in standing.connections.items()},
    }


def stamp(moment: datetime | None) -> str | None:
    """To the second."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _lateness(one: ConnectionStanding) -> str:
    reason = (
        f"{one.name} has not been polled with success since {stamp(one.polled_at or one.since)}, which is longer than "
        f"{PATIENCE} times its interval of {one.poll_every.total_seconds():g} s."
    )
    return f"{reason} {one.part.error}" if one.part is not None and one.part.error else reason


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "run": turn.run,
        "started_at": stamp(turn.started_at),
        "finished_at": stamp(turn.finished_at),
        "exit_code": turn.exit_code,
        "conflicts": turn.conflicts,
        "holds": turn.holds,
        "cost": turn.cost.as_dict(),
    }


def _connection(one: ConnectionStanding) -> dict[str, Any]:
    return {
        "state": str(one.state),
        "error": None if one.part is None else one.part.error,
        "poll_every_s": one.poll_every.total_seconds(),
        "tried_at": stamp(one.tried_at),
        "polled_at": stamp(one.polled_at),
        "failures": one.failures,
        "failing_since": stamp(one.failing_since),
        "next_poll_at": stamp(one.next_poll_at),
        "last_part": None if one.part is None else _part(one.part),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "polled": part.polled,
        "poll_s": part.poll_s,
        "read": part.read,
        "requests": part.requests,
        "received_bytes": part.traffic.received_bytes,
        "sent_bytes": part.traffic.sent_bytes,
        "written": dict(part.written),
        "failed": part.failed,
        "held": part.held,
        "outbox": dict(part.outbox),
        "outbox_oldest_at": stamp(part.oldest_at),
        "complete_at": stamp(part.complete_at),
        "clock_difference_s": part.clock_difference_s,
        "quota": {"left": part.quota_left, "limit": part.quota_limit, "reset_at": stamp(part.quota_reset)},
    }
