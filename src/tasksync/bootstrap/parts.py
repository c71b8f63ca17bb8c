"""From the engine's words to the service's: what came of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from tasksync.core.plan import Action
from tasksync.engine.member import Member
from tasksync.engine.member import State as MemberState
from tasksync.errors import NeedsLogin, TasksyncError
from tasksync.ports import ConnectionState, Depth, OperationState
from tasksync.service.turn import Part, State
from tasksync.transport.headers import Quota

_DONE: Final = MappingProxyType(
    {
        Action.CREATE: "created",
        Action.UPDATE: "updated",
        Action.COMPLETE: "completed",
        Action.REOPEN: "reopened",
        Action.DELETE: "deleted",
    }
)


def part_of(
    member: Member, *, depths: Sequence[Depth], held: int, known: Sequence[ConnectionState], quota: Quota | None
) -> Part:
    """A member's part in a turn, also of one that took none: what waits for it is known all the same. `depths` and
    `known` are the connection's own, of all kinds of records.
    """
    tally = member.tally.as_dict()
    outbox: dict[str, int] = {}
    for depth in depths:
        outbox[depth.state] = outbox.get(depth.state, 0) + depth.count
    complete = [state.polled_at for state in known if state.polled_at is not None]
    return Part(
        name=member.name,
        # What fails while it is only delivered to has been tried, too.
        polled=member.selected and (member.due or member.state is not MemberState.OK),
        state=State(member.state.value),
        error=member.error,
        poll_s=member.polling_s,
        poll_requests=member.poll_requests,
        read=member.tally.read,
        requests=member.requests,
        traffic=member.traffic,
        written={action.value: tally[done] for action, done in _DONE.items() if tally[done]},
        failed=member.tally.failed,
        held=held,
        outbox=outbox,
        # What is held waits for a person, however long that takes.
        oldest_at=min((one.oldest_at for one in depths if one.state is not OperationState.HELD), default=None),
        complete_at=min(complete, default=None),
        clock_difference_s=member.connector.clock_difference.total_seconds(),
        quota_left=None if quota is None else quota.remaining,
        quota_limit=None if quota is None else quota.limit,
        quota_reset=None if quota is None else quota.reset,
    )


def reached_part(name: str, error: TasksyncError | None, words: str | None) -> Part:
    """What came of trying to open a connection beside the turns."""
    state = State.OK
    if error is not None:
        state = State.NEEDS_LOGIN if isinstance(error, NeedsLogin) else State.FAILED
    return Part(name=name, polled=True, state=state, error=words)
