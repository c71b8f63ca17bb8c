"""Plan: for every replica, the difference between what its record looks like through that CRM's eyes and what it
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tasksync.core.record import Values


class Action(StrEnum):
    """What a connection still has to get, in the order in which they are sent for one replica."""

    CREATE = "create"
    UPDATE = "update"
    COMPLETE = "complete"
    REOPEN = "reopen"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a connection still has to get. `values` are remote forms: all that are to be set for a create, the
    changed ones for an update,
    the state for complete and reopen, none for a delete. `title` is for people, never decides anything.
    """

    connection: str
    kind: str
    record_id: str
    action: Action
    values: Values
    title: str
