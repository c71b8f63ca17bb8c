"""Bringing back what a record was: an edit like any other, made at the desk and not in a CRM.

The restored values are versions of their own, made now, so they win over whatever the CRMs show, and lose to what a
person types after them. What they replace goes into the history, as with every edit: restoring twice is undoing it.

Which values is worked out from the record's revisions, the last one first: a value that was superseded after the
moment asked for was current (or in conflict) until then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tasksync.core.plan import Action, View, plan
from tasksync.core.record import KINDS, Record, Value, Values, Version, identical
from tasksync.errors import WrongUsage
from tasksync.ports import Decision, HoldReason, OperationState, Revision, Unit

DESK = "restore"
"""Where a restored value comes from, in place of a connection's name."""

REASON = "restored by a person"
_INSTANT = timedelta(microseconds=1)
_BARRING = frozenset({HoldReason.AMBIGUOUS, HoldReason.DUPLICATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored. `revisions` are the new rows of its history, none if it was so already; `waiting` the
    connections that get something of it with the next sync.
    """

    record: Record
    revisions: tuple[Revision, ...]
    waiting: tuple[str, ...]


def restore(
    unit: Unit,
    record: Record,
    *,
    connections: Sequence[str],
    horizon: datetime,
    now: datetime,
    run: str,
    field: str | None = None,
    at: datetime | None = None,
) -> Restored:
    """Give `record` back the values it had at `at`, or without that, the last ones that were superseded; of all fields,
    or of `field` alone. A record that counts as deleted is brought back in any case; asked for nothing else, it keeps
    its values.

    `connections` are those of its group; what they get is planned without looking at them. `run` is the id under which
    the history remembers this. Raises `WrongUsage` for a field it does not have, and where nothing earlier is known.
    """
    names = _names(record, field)
    revisions = unit.revisions(record.id)
    if at is not None:
        earlier = _as_of(record, revisions, names, at)
    elif record.deleted_at is not None and field is None:
        earlier = {}
    else:
        earlier = _superseded(record, revisions, names)
    changed, made = _edited(record, earlier, now)
    if made:
        unit.save_records([changed])
        unit.add_revisions(made, run, at=now)
        _plan(unit, changed, connections, horizon, now)
    waiting = {queued.operation.connection for queued in unit.queue() if queued.operation.record_id == record.id}
    return Restored(
        record=changed,
        revisions=tuple(made),
        waiting=tuple(name for name in connections if name in waiting),
    )


def _names(record: Record, field: str | None) -> tuple[str, ...]:
    known = tuple(spec.name for spec in KINDS[record.kind].fields)
    if field is None:
        return known
    if field not in known:
        raise WrongUsage(f"A {record.kind} has no field {field!r}. It has: {', '.join(known)}.")
    return (field,)


def _superseded(record: Record, revisions: Sequence[Revision], names: Collection[str]) -> Values:
    """The last value of each field that is not current any more, or never became so."""
    found = {
        one.field: one.old
        for one in revisions
        if one.field in names and not identical(one.old, record.value(one.field))
    }
    if not found:
        what = " or ".join(names) if len(names) == 1 else "any field"
        raise WrongUsage(f"Record {record.id} never had another value of {what}, as far as tasksync knows.")
    return found


def _as_of(record: Record, revisions: Sequence[Revision], names: Collection[str], at: datetime) -> Values:
    """The values at that time: the current ones, with all that was superseded since put back, the last one first."""
    values = {name: version.value for name, version in record.versions.items() if name in names}
    later = [one for one in revisions if one.at > at and one.field in values]
    values.update({one.field: one.old for one in reversed(later)})
    made = [record.versions[name].at for name in values]
    if not later and made and min(made) > at:
        begin = min(made).isoformat(timespec="seconds").replace("+00:00", "Z")
        raise WrongUsage(f"Nothing is known of record {record.id} at that time; what is known of it begins at {begin}.")
    return values


def _edited(record: Record, values: Values, now: datetime) -> tuple[Record, list[Revision]]:
    """The record with these values, not deleted, and what that adds to its history."""
    kind, versions, made = KINDS[record.kind], dict(record.versions), []
    kind.check(values)
    for name, value in values.items():
        current = versions[name]
        if identical(value, current.value):
            continue
        versions[name] = _version(current, value, now)
        made.append(_revision(record, name, current.value, versions[name]))
    if record.deleted_at is not None:
        state = versions.get(kind.state)
        if state is not None and state.value is True:
            # Finished long ago it would be copied nowhere (completed_horizon), but a person wants it back.
            versions[kind.state] = _version(state, True, now)
        back = Version(value=False, at=now, connection=DESK, external_id="")
        made.append(_revision(record, "deleted", True, back))
    return replace(record, versions=versions, deleted_at=None), made


def _version(current: Version, value: Value, now: datetime) -> Version:
    """A value made now, by somebody who had the current one before them: later than that, whatever the clocks say."""
    at = max(now, current.at + _INSTANT)
    return replace(current, value=value, at=at, connection=DESK, external_id="", estimated=False)


def _revision(record: Record, field: str, old: Value, version: Version) -> Revision:
    return Revision(
        record_id=record.id,
        field=field,
        old=old,
        new=version.value,
        at=version.at,
        estimated=False,
        connection=DESK,
        reason=REASON,
    )


def _plan(unit: Unit, record: Record, connections: Sequence[str], horizon: datetime, now: datetime) -> None:
    known = {name: unit.connection(name, record.kind) for name in connections}
    met = {name for name, state in known.items() if state is not None and state.met_at is not None}
    made = plan(
        KINDS[record.kind],
        record,
        unit.replicas_of([record.id])[record.id],
        [View(connection=name, met=name in met, lenses=None) for name in connections],
        horizon=horizon,
        barred=_barred(unit, record),
    )
    unit.replace_pending(record.kind, [record.id], made.operations, at=now)


def _barred(unit: Unit, record: Record) -> set[str]:
    """Where it must not be created before something else is settled; the planner of a sync knows the same."""
    holds = [hold for hold in unit.holds() if hold.record_id == record.id and hold.reason in _BARRING]
    sent = unit.queue(states={OperationState.SENDING, OperationState.UNKNOWN})
    creates = [
        queued.operation.connection
        for queued in sent
        if queued.operation.record_id == record.id and queued.operation.action is Action.CREATE
    ]
    return {*creates, *(hold.connection for hold in holds if hold.decision is not Decision.APPROVED)}
