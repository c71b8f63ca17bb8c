"""Diff: what somebody changed in a replica since its shadow, and when.

Only a field whose remote form differs from the shadow is a change; a moved timestamp alone is none (I4). When a change
was made is known within a window: after the request that gave us the shadow was started, and before the answer that
showed the change was there. A CRM's stamp, corrected by its clock difference, is believed inside that window only:

======================================== ============================================= =========
the CRM's stamp                          the change was made                           estimated
======================================== ============================================= =========
inside the window                        then                                          no
beyond the end (a clock that runs ahead) at the end                                     yes
before the start (it did not move)       in the middle                                 yes
none (ONLYOFFICE; Capsule v1 of 2012)    in the middle                                 yes
none, and no window (never seen before)  in the middle of its creation and the end     yes
======================================== ============================================= =========

Stamps have a resolution of a second and clock differences are measured to about one, so a stamp counts as inside up to
`RESOLUTION` before the start. Whatever the stamp, a change is placed at least an instant after the start: it is newer
than the shadow. Without a window there is no start, so any stamp up to the end is believed; when the creation is not
known either, the change was made at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from tasksync.core.lens import KEEP, Lens
from tasksync.core.merge import Change, Rank, Superseded, merge
from tasksync.core.record import NOTHING, Kind, Observation, Record, Replica, Value, Values, Version, identical

RESOLUTION = timedelta(seconds=2)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When what differs from the shadow must have been made: later than `after` (None: no shadow), not later than
    `until`.
    """

    after: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """A record and its replica after an observation was taken in. `changed`: the record is not what it was."""

    record: Record
    replica: Replica
    superseded: tuple[Superseded, ...]
    changed: bool


def place(claimed: datetime | None, window: Window, *, created: datetime | None = None) -> tuple[datetime, bool]:
    """When a change was made, given the CRM's corrected stamp, and whether that is an estimate (see the
    table above).
    """
    after, until = window.after, window.until
    if after is not None:
        until = max(until, after + _INSTANT)  # our own clock stood still, or jumped back
    if claimed is not None and claimed > until:
        return until, True
    if claimed is not None and (after is None or claimed >= after - RESOLUTION):
        return claimed if after is None else max(claimed, after + _INSTANT), False
    start = after if after is not None else min(created or until, until)
    middle = start + (until - start) / 2
    return middle if after is None else max(middle, after + _INSTANT), True


def diff(
    kind: Kind, record: Record, replica: Replica, seen: Observation, lenses: Mapping[str, Lens], window: Window
) -> Iterator[Change]:
    """The changes that `seen` shows against the replica's shadow, in the order of the kind's fields.

    A change is aware when the replica showed the current value until then: it did when the shadow does, and the current
    version is not later than the shadow. One made since the shadow was taken may look the same by chance, and is
    concurrent. A field that the shadow does not have (first meeting, or a CRM that shows it only now) is never aware.
    """
    for name in (spec.name for spec in kind.fields if spec.name in lenses and spec.name in seen.values):
        lens, remote, current = lenses[name], seen.values[name], record.versions.get(name)
        known = name in replica.shadow
        if known and identical(replica.shadow[name], remote):
            continue
        aware = current is None or (known and shows(lens, current.value, replica) and _had(current, window))
        at, estimated = _moment(kind, name, seen, window)
        ours = kind.field(name).empty if current is None else current.value
        canonical = lens.put(remote, ours, replica.shadow.get(name))
        yield Change(
            field=name,
            version=Version(
                value=canonical,
                at=at,
                connection=replica.connection,
                external_id=replica.external_id,
                estimated=estimated,
            ),
            aware=aware,
        )


def absorb(
    kind: Kind,
    record: Record,
    replica: Replica,
    seen: Observation,
    *,
    lenses: Mapping[str, Lens],
    window: Window,
    rank: Rank,
    seen_at: datetime,
    sent: Values = NOTHING,
) -> Absorbed:
    """Take an observation in: merge its changes into the record, and make it the shadow.

    `sent` are remote forms that we may have written ourselves since the shadow was taken. Where the observation shows
    just that, it is our own write and no change (I4). A change revives a record that counts as deleted (I11). `seen_at`
    is when the request for the observation was started.
    """
    basis = replace(replica, shadow={**replica.shadow, **_echo(sent, seen.values)}) if sent else replica
    changes = list(diff(kind, record, basis, seen, lenses, window))
    if not changes:
        shadowed = _shadowed(replica, seen, seen_at=seen_at)
        return Absorbed(record=record, replica=shadowed, superseded=(), changed=False)
    versions = dict(record.versions)
    superseded: list[Superseded] = []
    for change in changes:
        merged = merge(change.field, versions.get(change.field), [change], rank)
        versions[change.field] = merged.version
        superseded += merged.superseded
    revived = record.deleted_at is not None and any(
        not identical(change.version.value, record.value(change.field)) for change in changes
    )
    return Absorbed(
        record=replace(record, versions=versions, deleted_at=None if revived else record.deleted_at),
        replica=_shadowed(replica, seen, seen_at=max([seen_at, *(change.version.at for change in changes)])),
        superseded=tuple(superseded),
        changed=True,
    )


def written(replica: Replica, seen: Observation, sent: Values, *, seen_at: datetime) -> Replica:
    """The replica after we wrote `sent` and the server answered `seen`.

    Of the fields we sent, the answer is the new shadow; where it differs from what we sent, the server has had its say
    (`settled`), and the same is not sent again. The other fields of the shadow stay, so that `absorb` finds what a
    person changed in them just before our write.
    """
    answered = {name: seen.values[name] for name in sent if name in seen.values}
    settled = {name: value for name, value in replica.settled.items() if name not in sent}
    settled |= {name: sent[name] for name, value in answered.items() if not identical(value, sent[name])}
    return replace(replica, shadow={**replica.shadow, **answered}, settled=settled, seen_at=seen_at)


def shows(lens: Lens, value: Value, replica: Replica) -> bool:
    """Whether the replica holds all that its CRM can hold of `value`."""
    if lens.field not in replica.shadow:
        return True
    want = lens.get(value, replica.shadow[lens.field])
    if want is KEEP:
        return True
    settled = lens.field in replica.settled and identical(want, replica.settled[lens.field])
    return settled or identical(want, replica.shadow[lens.field])


def _had(current: Version, window: Window) -> bool:
    return window.after is not None and current.at <= window.after


def _echo(sent: Values, seen: Values) -> Values:
    return {name: value for name, value in sent.items() if name in seen and identical(seen[name], value)}


def _shadowed(replica: Replica, seen: Observation, *, seen_at: datetime) -> Replica:
    shadow = {**replica.shadow, **seen.values}
    settled = {
        name: value for name, value in replica.settled.items() if identical(shadow.get(name), replica.shadow.get(name))
    }
    return replace(
        replica,
        shadow=shadow,
        settled=settled,
        seen_at=seen_at,
        modified=seen.modified,
        created=seen.created,
        completed=seen.completed,
    )


def _moment(kind: Kind, name: str, seen: Observation, window: Window) -> tuple[datetime, bool]:
    finished = name == kind.state and seen.values.get(name) is True
    if finished and seen.completed is not None:
        return place(seen.completed, window, created=seen.created)
    at, estimated = place(seen.modified, window, created=seen.created)
    if finished and estimated and window.after is None:
        # Nobody says when it was finished: hardly before it was due.
        at = max(at, min(_instant(seen.values.get(kind.day), at), window.until))
    return at, estimated


def _instant(due: Value, otherwise: datetime) -> datetime:
    if isinstance(due, datetime):
        return due
    return datetime.combine(due, time(0), UTC) if isinstance(due, date) else otherwise
