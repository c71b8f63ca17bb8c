"""How things stand, in the one line that `systemctl status` shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from textwrap import shorten
from typing import Final

from tasksync.ports import OperationState
from tasksync.service.standing import ConnectionStanding, Standing
from tasksync.service.turn import State

_LONGEST_REASON: Final = 80
_MOST_NAMES: Final = 3


def status_line(standing: Standing, now: datetime) -> str:
    """For people: first what is wrong, by connection, then what is well, then what waits. Times are UTC, with the day
    where it is not the one of `now`.
    """
    everyone = [*standing.connections.values()]
    failing = [one for one in everyone if one.failing_since is not None]
    late = [one for one in everyone if one not in failing and one.late(now)]
    unseen = [one for one in everyone if one.polled_at is None and one not in failing and one not in late]
    well = [one for one in everyone if one not in failing and one not in late and one not in unseen]
    said = [
        *([f"mirror unusable ({_reason(standing.mirror_fault)})"] if standing.mirror_fault else []),
        *(f"{one.name} failing since {_minute(one.failing_since or now, now)}{_why(one)}" for one in failing),
        *(f"{one.name} late, {_last_look(one, now)}" for one in late),
        *([f"{_names(unseen)} not polled yet"] if unseen else []),
    ]
    waiting = _waiting(standing)
    if well and not said:
        said = [f"{'In step' if not _to_send(standing) else 'Sending'}: {_count(well)}, {_polled(well, now)}"]
    elif well:
        said.append(f"{_names(well)} in step, {_polled(well, now)}")
    return "; ".join([*said, waiting] if said else ["No connections"])


def _why(failing: ConnectionStanding) -> str:
    if failing.state is State.NEEDS_LOGIN:
        return " (needs new credentials: tasksync check)"
    error = failing.part.error if failing.part else None
    return f" ({_reason(error)})" if error else ""


def _reason(error: str) -> str:
    return shorten(error, _LONGEST_REASON, placeholder="…")


def _last_look(one: ConnectionStanding, now: datetime) -> str:
    return "never polled" if one.polled_at is None else f"last polled {_second(one.polled_at, now)}"


def _polled(well: Sequence[ConnectionStanding], now: datetime) -> str:
    return f"last polled {_second(max(one.polled_at for one in well if one.polled_at), now)}"


def _waiting(standing: Standing) -> str:
    holds = standing.last_turn.holds if standing.last_turn else 0
    return f"{_to_send(standing)} to send, {holds} held"


def _to_send(standing: Standing) -> int:
    parts = [one.part for one in standing.connections.values() if one.part]
    return sum(number for part in parts for state, number in part.outbox.items() if state != OperationState.HELD)


def _count(ones: Sequence[ConnectionStanding]) -> str:
    return f"{len(ones)} connection{'s' if len(ones) != 1 else ''}"


def _names(ones: Sequence[ConnectionStanding]) -> str:
    return ", ".join(one.name for one in ones) if len(ones) <= _MOST_NAMES else _count(ones)


def _minute(moment: datetime, now: datetime) -> str:
    return moment.strftime("%H:%MZ" if moment.date() == now.date() else "%Y-%m-%d %H:%MZ")


def _second(moment: datetime, now: datetime) -> str:
    return moment.strftime("%H:%M:%SZ" if moment.date() == now.date() else "%Y-%m-%d %H:%M:%SZ")
