"""A person says that a task was taken for another one: it leaves its record and becomes a record of its own.

No CRM is spoken to. The next sync completes both: it creates the old record anew where the task was, and the new one
everywhere else. Nothing takes the two for one again: after a first meeting only replicas that belong to no record are
matched by content, and this one always belongs to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tasksync.core.record import KINDS, Record, Replica, Version
from tasksync.engine.linking import IN_FLIGHT, DeskContext, in_flight, living, plan_anew, unlinked
from tasksync.errors import WrongUsage
from tasksync.ports import Revision, Unit

REASON = "unlinked by a person"
UNLINKED = "unlinked"
"""The field of the history's row that tells which record a task left, and which it founded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """What became of it: the record that was left, the one that was founded, and the replica that is now its own.
    `waiting`: the connections that the next sync brings in step, for each of the two.
    """

    left: Record
    founded: Record
    replica: Replica
    left_waiting: tuple[str, ...]
    founded_waiting: tuple[str, ...]


def unlink(unit: Unit, reference: str, context: DeskContext) -> Unlinked:
    """Make the task `CONNECTION:EXTERNAL_ID` a record of its own.

    Its values are those of its shadow, made when the shadow was last known to be true: whatever a person has changed
    there since is later than that, and wins. Raises `WrongUsage`, and changes nothing, when it belongs to no record, is
    all that its record has, or is not there any more, and while the answer to something that was sent is not known.
    """
    if unlinked(unit, reference) is not None:
        raise WrongUsage(f"{reference} belongs to no record, so it is linked with nothing.")
    record = living(unit, reference, context)
    replicas = unit.replicas_of([record.id])[record.id]
    replica = _named(record, replicas.values(), reference)
    for queued in unit.queue(states=IN_FLIGHT):
        if queued.operation.record_id == record.id:
            raise WrongUsage(in_flight(record.id, queued.operation.connection))

    founded = _founded(unit, record, replica, context)
    unit.save_records([founded])
    unit.save_replicas([replace(replica, record_id=founded.id, wrote=(), wrote_at=None)])
    told = [_told(one, record, founded, replica, context) for one in (record, founded)]
    unit.add_revisions(told, context.run, at=context.now)
    over = [hold.id for hold in unit.holds(replica.connection) if hold.record_id == record.id]
    unit.release([hold_id for hold_id in over if hold_id is not None])
    return Unlinked(
        left=record,
        founded=founded,
        replica=replica,
        left_waiting=plan_anew(unit, record, context),
        founded_waiting=plan_anew(unit, founded, context),
    )


def _named(record: Record, replicas: Iterable[Replica], reference: str) -> Replica:
    """The replica that the reference names, if it can leave its record."""
    found = {f"{one.connection}:{one.external_id}": one for one in replicas}
    if reference not in found:
        named = ", ".join(found)
        raise WrongUsage(f"{reference} is a record. Name the task that does not belong to it; it has: {named}.")
    if found[reference].gone_at is not None:
        raise WrongUsage(f"{reference} is not seen there any more, so it cannot be a task of its own.")
    if not any(one.gone_at is None for name, one in found.items() if name != reference):
        raise WrongUsage(f"{reference} is all that record {record.id} has, so it is linked with nothing.")
    return found[reference]


def _founded(unit: Unit, record: Record, replica: Replica, context: DeskContext) -> Record:
    state = unit.connection(replica.connection, replica.kind)
    polled_at = None if state is None else state.polled_at
    known_at = replica.seen_at if polled_at is None else max(replica.seen_at, polled_at)
    names = {spec.name for spec in KINDS[record.kind].fields}
    versions = {
        name: Version(
            value=value, at=known_at, connection=replica.connection, external_id=replica.external_id, estimated=True
        )
        for name, value in replica.shadow.items()
        if name in names
    }
    return replace(record, id=context.new_id(), versions=versions)


def _told(about: Record, left: Record, founded: Record, replica: Replica, context: DeskContext) -> Revision:
    return Revision(
        record_id=about.id,
        field=UNLINKED,
        old=left.id,
        new=founded.id,
        at=context.now,
        estimated=False,
        connection=replica.connection,
        reason=REASON,
    )
