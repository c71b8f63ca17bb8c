"""What the mirror keeps besides records and replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tasksync.core.plan import Operation
from tasksync.core.record import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """What was found out, at `at`, of `reference`: what it is called in `connection`, or that nothing there is it."""

    reference: str
    connection: str
    counterpart: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """What the mirror remembers of a connection, for each kind of record. `met_at`: when its first complete snapshot
    was matched with the group (None: not yet). `polled_at`: when the last complete poll was started. `looked_at`: when
    the last poll that succeeded was, a complete one or one of what had changed. `polled_there` and `looked_there`: the
    same by the CRM's clock. `looked_before`: when the poll before the one of `looked_at` was started.
    """

    name: str
    identity: str
    scope: str
    kind: str = "task"
    met_at: datetime | None = None
    polled_at: datetime | None = None
    looked_at: datetime | None = None
    polled_there: datetime | None = None
    looked_there: datetime | None = None
    looked_before: datetime | None = None


class OperationState(StrEnum):
    """pending: to be sent. sending: committed before the request went out. unknown: a create whose answer was lost; not
    sent again until a complete snapshot that was started after the attempt has been searched for it. held: waits for a
    change of record or config.
    """

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An operation in the outbox. `queued_at`: since when it waits. `attempted_at`: when it was last sent;
    `attempted_there`: the same by the CRM's clock. `error`: why it is still here, in a sentence.
    """

    id: int
    operation: Operation
    state: OperationState
    queued_at: datetime
    attempts: int = 0
    attempted_at: datetime | None = None
    attempted_there: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many operations of a connection and kind are in that state in the outbox, and since when the oldest of them
    waits.
    """

    connection: str
    kind: str
    state: OperationState
    count: int
    oldest_at: datetime


class HoldReason(StrEnum):
    """Why a person has to decide."""

    AMBIGUOUS = "ambiguous match"
    REFUSED = "refused"
    DEFAULT_NEEDED = "default needed"
    DELETIONS = "deletions"
    DUPLICATE = "possible duplicate"
    OSCILLATING = "written to and fro"


class Decision(StrEnum):
    """What a person said of a hold.

    =================== ============================================ ==================================================
    hold                approved: do it                              dropped: do not
    =================== ============================================ ==================================================
    deletions           they are carried out                         the records are created again where they vanished
    ambiguous match     a task of its own: copied, not matched       left alone, on this side
    refused, default    sent again                                   not sent until the record changes
    needed
    possible duplicate  created again, once more                     never created there; what was found is new
    written to and fro  written again                                left as it is there
    =================== ============================================ ==================================================
    """

    APPROVED = "approved"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Something a person has to decide about one replica (`external_id`), one record in one connection (`record_id`),
    or a connection as a whole (neither). `fingerprint` is the content that was refused: the hold is tried again when it
    is another.
    """

    connection: str
    kind: str
    reason: HoldReason
    message: str
    since: datetime
    record_id: str | None = None
    external_id: str | None = None
    fingerprint: str = ""
    decision: Decision | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One row of a record's history: a value that was superseded, by what, when that was made (`at`) and why."""

    record_id: str
    field: str
    old: Value
    new: Value
    at: datetime
    estimated: bool
    connection: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two connections changed the same field of the same record to different values. The loser's value is in the
    history too.
    """

    record_id: str
    field: str
    winner: Value
    winner_connection: str
    winner_at: datetime
    loser: Value
    loser_connection: str
    loser_at: datetime
    estimated: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What one run did; `summary` is the object that `--json` prints, without titles or texts of tasks."""

    id: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    summary: Mapping[str, Any]
