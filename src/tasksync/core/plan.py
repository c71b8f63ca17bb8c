"""Plan: for every replica, the difference between what its record looks like through that CRM's eyes and what it holds.

A plan is data. What stands in it follows from the record, its replicas and the lenses alone, so it can be made again at
any time, and what was planned but never sent is simply planned again:

=============================================== ======================================================================
the record has in this connection               planned
=============================================== ======================================================================
a replica that shows all it can of the record   nothing
a replica that shows something else             reopen, update (the differing fields), complete: as needed, in
                                                this order
none                                            create, then complete if the record is finished; unless it was
                                                finished before the horizon, the create is barred (a hold), or a
                                                needed value is missing
a replica that is deleted there for good        nothing
a replica, but the record counts as deleted     delete
something, but the connection is out of reach   whatever it may be is marked as waiting: an operation without values
=============================================== ======================================================================

Values that have no form in a CRM (`lens.KEEP`) are left as they are there. On create the connection's defaults step in
for them, and for values no replica could tell; such a stand-in stays where it is and does not spread to the other CRMs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tasksync.core.diff import shows
from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import NOTHING, Kind, Record, Replica, Value, Values

_UNSAID = (None, "", ())
"""Remote forms that need not be sent with a create."""


class Action(StrEnum):
    """What a connection still has to get, in the order in which they are sent for one replica."""

    CREATE = "create"
    REOPEN = "reopen"
    UPDATE = "update"
    COMPLETE = "complete"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a connection still has to get. `values` are remote forms: all that are to be set for a create, the
    changed ones for an update, the state for complete and reopen, none for a delete. `title` is for people, never
    decides anything.
    """

    connection: str
    kind: str
    record_id: str
    action: Action
    values: Values
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What planning has to know of a connection: its eyes (None: out of reach just now), whether its tasks have been
    matched with the group's (until then nothing is created in it), and whether its CRM lets anybody create them.
    """

    connection: str
    met: bool
    lenses: Mapping[str, Lens] | None
    defaults: Values = field(default_factory=lambda: NOTHING)
    creates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A value that a connection needs to create the record, which the record lacks and no default supplies."""

    connection: str
    record_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part of the record that a connection could store, had it a counterpart there: a category of a name that the CRM
    does not know, or a reference (`value`) to somebody or something that nothing is known to correspond to.
    """

    connection: str
    record_id: str
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be sent for one record, in order, and what stands in the way."""

    operations: tuple[Operation, ...] = ()
    missing: tuple[Missing, ...] = ()
    gaps: tuple[Gap, ...] = ()


def plan(
    kind: Kind,
    record: Record,
    replicas: Mapping[str, Replica],
    views: Collection[View],
    *,
    horizon: datetime,
    barred: Collection[str] = (),
) -> Plan:
    """What every connection of the group still has to get of `record`. `replicas` are the record's, by connection;
    `barred` names connections in which it must not be created; a record that was finished before `horizon` is not
    copied any more.
    """
    operations: list[Operation] = []
    missing: list[Missing] = []
    gaps: list[Gap] = []
    for view in views:
        replica = replicas.get(view.connection)
        if replica is not None:
            operations += remaining(kind, record, replica, view)
            if record.deleted_at is None and replica.gone_at is None:
                gaps += _gaps(kind, record, view)
        elif record.deleted_at is None and _may_create(kind, record, view, horizon=horizon, barred=barred):
            said = _said(kind, record, view)
            lacking = tuple(name for name, lens in (view.lenses or {}).items() if lens.required and name not in said)
            if lacking:
                missing.append(Missing(connection=view.connection, record_id=record.id, fields=lacking))
            else:
                operations += _create(kind, record, view, said)
            gaps += _gaps(kind, record, view)
    return Plan(operations=tuple(operations), missing=tuple(missing), gaps=tuple(gaps))


def remaining(kind: Kind, record: Record, replica: Replica, view: View) -> Iterator[Operation]:
    """What a replica still has to get of its record."""
    if replica.gone_at is not None:
        return
    if record.deleted_at is not None:
        yield _operation(kind, record, view, Action.DELETE, NOTHING)
    elif view.lenses is None:
        yield _operation(kind, record, view, Action.UPDATE, NOTHING)
    else:
        yield from _changes(kind, record, replica, view, view.lenses)


def _changes(
    kind: Kind, record: Record, replica: Replica, view: View, lenses: Mapping[str, Lens]
) -> Iterator[Operation]:
    wanted = {
        name: want
        for name, lens in lenses.items()
        if name in record.versions
        and not lens.fixed
        and not shows(lens, record.versions[name].value, replica)
        and (want := lens.get(record.versions[name].value, replica.shadow.get(name))) is not KEEP
    }
    state = wanted.pop(kind.state, None)
    if state is False:
        yield _operation(kind, record, view, Action.REOPEN, {kind.state: False})
    if wanted:
        yield _operation(kind, record, view, Action.UPDATE, wanted)
    if state is True:
        yield _operation(kind, record, view, Action.COMPLETE, {kind.state: True})


def _create(kind: Kind, record: Record, view: View, said: Values) -> Iterator[Operation]:
    yield _operation(kind, record, view, Action.CREATE, said)
    if view.lenses is not None and record.value(kind.state) is True and kind.state in view.lenses:
        yield _operation(kind, record, view, Action.COMPLETE, {kind.state: True})


def _said(kind: Kind, record: Record, view: View) -> dict[str, Value]:
    """The remote forms to create the record with, in a connection whose eyes are known."""
    initial = {name: _initial(record, view, lens) for name, lens in (view.lenses or {}).items() if name != kind.state}
    return {name: value for name, value in initial.items() if value not in _UNSAID}


def _initial(record: Record, view: View, lens: Lens) -> Value:
    """The remote form a field starts with, or None: what the record holds, else the default."""
    version = record.versions.get(lens.field)
    shown = KEEP if version is None else lens.get(version.value)
    return view.defaults.get(lens.field) if shown is KEEP else shown


def _gaps(kind: Kind, record: Record, view: View) -> Iterator[Gap]:
    for name, lens in (view.lenses or {}).items():
        value = record.value(name)
        nameless = value is not None and kind.field(name).shape == "name" and lens.get(value) is KEEP
        for lacking in (str(value),) if nameless else lens.lacks(value):
            yield Gap(connection=view.connection, record_id=record.id, field=name, value=lacking)


def _may_create(kind: Kind, record: Record, view: View, *, horizon: datetime, barred: Collection[str]) -> bool:
    allowed = view.met and view.creates and view.connection not in barred
    return allowed and not _finished_before(kind, record, horizon)


def _finished_before(kind: Kind, record: Record, horizon: datetime) -> bool:
    version = record.versions.get(kind.state)
    return version is not None and version.value is True and version.at < horizon


def _operation(kind: Kind, record: Record, view: View, action: Action, values: Values) -> Operation:
    return Operation(
        connection=view.connection,
        kind=kind.name,
        record_id=record.id,
        action=action,
        values=values,
        title=str(record.value(kind.label) or ""),
    )
