"""A person says that tasks are one: their records become one record, here and now.

No CRM is spoken to. What the linked record looks like in each of them is planned by the next sync, as after a restore.

The record named first is the one that stays; the replicas of the others become its own, and their values meet its
(`weighing`), those that lose going into its history. The others leave their group, in which they have nothing any more,
and keep their own history, which ends with the record that they became.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tasksync.core.diff import Window, absorb
from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.core.lens import same
from tasksync.core.merge import Rank, Superseded
from tasksync.core.plan import Action, View, plan
from tasksync.core.record import KINDS, NOTHING, Observation, Record, Replica
from tasksync.engine.desk import find
from tasksync.engine.weighing import meet, sameness
from tasksync.errors import WrongUsage
from tasksync.ports import Decision, Hold, HoldReason, OperationState, Revision, Unit

DESK = "link"
"""Who links, in place of a connection's name."""

REASON = "linked by a person"
LINKED = "linked"
"""The field of the history's row that tells what a task was linked with."""

IN_FLIGHT = frozenset({OperationState.SENDING, OperationState.UNKNOWN})
_BARRING = frozenset({HoldReason.AMBIGUOUS, HoldReason.DUPLICATE})
_NO_GROUP = "linked with "


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskContext:
    """What the desk has to know besides the mirror. `groups`: the connections of each group, in the order of the
    config. `horizon`: what was finished before is not copied. `run`: the id under which the history remembers this.
    `configured`: what the config says of people and links.
    """

    groups: Mapping[str, Sequence[str]]
    horizon: datetime
    now: datetime
    run: str
    new_id: Callable[[], str]
    configured: Configured = NOTHING_CONFIGURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What became of it. `names` are those of the tasks that were linked with the record, `revisions` its values that
    lost, `waiting` the connections that the next sync brings in step.
    """

    record: Record
    names: tuple[str, ...]
    revisions: tuple[Revision, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Party:
    """What a person named. Of a replica that belongs to no record, `record` is the one that it would found."""

    name: str
    record: Record
    replicas: Mapping[str, Replica]
    founded: bool = False


def link(unit: Unit, references: Sequence[str], context: DeskContext) -> Linked:
    """Make one record of what these references lead to: records, or replicas that belong to none yet. The first record
    among them stays; if there is none, a new one is founded.

    Raises `WrongUsage`, and changes nothing, for what is not there, is one already, differs in kind or group, or is in
    one connection twice (I3), and while the answer to something that was sent is not known.
    """
    parties = [_party(unit, reference, context) for reference in references]
    parties.sort(key=lambda party: party.founded)
    _refuse_impossible(parties)
    replicas = {name: replica for party in parties for name, replica in party.replicas.items()}
    unit.finish(_answered(unit, parties, replicas.keys()))

    kept, others = parties[0].record, parties[1:]
    connections = context.groups[kept.group]
    lost: list[Superseded] = []
    mean_the_same = sameness(unit, context.configured)
    for other in others:
        kept, more = meet(kept, other.record, rank_in(connections), mean_the_same)
        lost += more
    gone = [party.record for party in others if not party.founded]
    unit.save_records([kept, *(replace(one, group=f"{_NO_GROUP}{kept.id}") for one in gone)])
    unit.save_replicas(replace(replica, record_id=kept.id) for replica in replicas.values())
    revisions = [_revision(kept, one) for one in lost]
    unit.add_revisions([*revisions, *_told(parties, kept, context.now)], context.run, at=context.now)
    _settle_holds(unit, parties, kept, replicas)
    unit.replace_pending(kept.kind, [one.id for one in gone], [], at=context.now)
    waiting = plan_anew(unit, kept, context)
    names = tuple(party.name for party in parties if party.name != kept.id)
    return Linked(record=kept, names=names, revisions=tuple(revisions), waiting=waiting)


def linked_with(record: Record) -> str | None:
    """The id of the record that this one became when a person linked them."""
    return record.group.removeprefix(_NO_GROUP) if record.group.startswith(_NO_GROUP) else None


def unlinked(unit: Unit, reference: str) -> Replica | None:
    """The replica that `CONNECTION:EXTERNAL_ID` leads to, if there is one and it belongs to no record."""
    connection, _, external_id = reference.partition(":")
    if not reference.isprintable():
        return None
    found = [unit.replicas(connection, kind, [external_id]).get(external_id) for kind in KINDS]
    return next((replica for replica in found if replica is not None and replica.record_id is None), None)


def living(unit: Unit, reference: str, context: DeskContext) -> Record:
    """The record that a person means. Raises `WrongUsage` if there is none, or nobody has anything of it any more."""
    record = find(unit, reference)
    became = linked_with(record)
    if became is not None:
        raise WrongUsage(f"Record {record.id} was linked with {became} and is part of it now. Name that one.")
    if record.deleted_at is not None:
        raise WrongUsage(f"Record {record.id} was deleted. Bring it back first: tasksync restore {record.id}")
    if record.group not in context.groups:
        raise WrongUsage(f"Record {record.id} belongs to the group {record.group!r}, which is not in the config.")
    return record


def rank_in(connections: Sequence[str]) -> Rank:
    """The position of a connection in its group; beyond all of them for one that is not there any more."""
    return lambda name: connections.index(name) if name in connections else len(connections)


def plan_anew(unit: Unit, record: Record, context: DeskContext) -> tuple[str, ...]:
    """Mark all that the connections may have to get of the record, without looking at them: the next sync plans it.
    Returns the connections that something waits for.
    """
    known = {name: unit.connection(name, record.kind) for name in context.groups[record.group]}
    met = {name for name, state in known.items() if state is not None and state.met_at is not None}
    holds = [hold for hold in unit.holds() if hold.record_id == record.id and hold.reason in _BARRING]
    made = plan(
        KINDS[record.kind],
        record,
        unit.replicas_of([record.id])[record.id],
        [View(connection=name, met=name in met, lenses=None) for name in known],
        horizon=context.horizon,
        barred={hold.connection for hold in holds if hold.decision is not Decision.APPROVED},
    )
    unit.replace_pending(record.kind, [record.id], made.operations, at=context.now)
    return tuple(dict.fromkeys(operation.connection for operation in made.operations))


# --- who is meant ---


def _party(unit: Unit, reference: str, context: DeskContext) -> _Party:
    replica = unlinked(unit, reference)
    if replica is None:
        record = living(unit, reference, context)
        return _Party(name=record.id, record=record, replicas=unit.replicas_of([record.id])[record.id])
    founded = _founded(replica, context)
    return _Party(name=reference, record=founded, replicas={replica.connection: replica}, founded=True)


def _founded(replica: Replica, context: DeskContext) -> Record:
    """The record that an unlinked replica would found, its values made when the CRM says, or when they were seen."""
    kind = KINDS[replica.kind]
    group = next((name for name, members in context.groups.items() if replica.connection in members), None)
    if group is None:
        raise WrongUsage(f"The connection {replica.connection} is not in the config any more. Nothing was changed.")
    seen = Observation(
        external_id=replica.external_id,
        values=replica.shadow,
        modified=replica.modified,
        created=replica.created,
        completed=replica.completed,
    )
    return absorb(
        kind,
        Record(id=context.new_id(), kind=kind.name, group=group, versions={}),
        replace(replica, shadow=NOTHING),
        seen,
        lenses={spec.name: same(spec.name) for spec in kind.fields},
        window=Window(after=None, until=replica.seen_at),
        rank=rank_in(context.groups[group]),
        seen_at=replica.seen_at,
    ).record


def _refuse_impossible(parties: Sequence[_Party]) -> None:
    first = parties[0]
    taken: dict[str, Replica] = {}
    for number, party in enumerate(parties):
        if party.name in {one.name for one in parties[:number]}:
            raise WrongUsage(f"Two of these are one task already, record {party.record.id}. Nothing was changed.")
        for what, ours, theirs in (
            ("kind", first.record.kind, party.record.kind),
            ("group", first.record.group, party.record.group),
        ):
            if ours != theirs:
                raise WrongUsage(
                    f"{first.name} and {party.name} are not of one {what} but of {ours!r} and {theirs!r}, and cannot "
                    "be one task. Nothing was changed."
                )
        for connection, replica in party.replicas.items():
            other = taken.setdefault(connection, replica)
            if other is not replica:
                raise WrongUsage(
                    f"{connection}:{other.external_id} and {connection}:{replica.external_id} are both in "
                    f"{connection}, and one task is there once at most. Nothing was changed. Delete the superfluous "
                    "one there and run tasksync sync --once; what is left can be linked."
                )


def _answered(unit: Unit, parties: Sequence[_Party], connections: Collection[str]) -> list[int]:
    """The lost creates whose possible duplicates this link decides: it names what they made. Raises `WrongUsage` for
    anything else of these records whose answer is not known, and where a replica that belongs to no record may be what
    a lost create made.
    """
    records = {party.record.id for party in parties}
    unclaimed = {name for party in parties if party.founded for name in party.replicas}
    asked = {(hold.connection, hold.record_id) for hold in unit.holds() if hold.reason is HoldReason.DUPLICATE}
    over = []
    for queued in unit.queue(states=IN_FLIGHT):
        operation = queued.operation
        place, create = (operation.connection, operation.record_id), operation.action is Action.CREATE
        if operation.record_id in records:
            if not (create and place in asked and operation.connection in connections):
                raise WrongUsage(in_flight(operation.record_id, operation.connection))
            over.append(queued.id)
        elif create and operation.connection in unclaimed and place not in asked:
            raise WrongUsage(in_flight(operation.record_id, operation.connection))
    return over


def in_flight(record_id: str, connection: str) -> str:
    """Why nothing can be decided of a record just now."""
    return (
        f"Something of record {record_id} was sent to {connection}, and its answer is not known. The next sync that "
        "reads all of it finds out what came of it. Nothing was changed; try again after that: tasksync sync --once"
    )


# --- what becomes of the rest ---


def _settle_holds(unit: Unit, parties: Sequence[_Party], kept: Record, replicas: Mapping[str, Replica]) -> None:
    """Release what the link answers, and what is planned anew in any case. Where a record may have a counterpart that
    nobody has named, that is now a question about the record that stays.
    """
    records = {party.record.id for party in parties}
    over: list[Hold] = []
    moved: list[Hold] = []
    for hold in unit.holds():
        replica = replicas.get(hold.connection)
        if hold.record_id in records and hold.reason in _BARRING and replica is None:
            moved += [hold] if hold.record_id != kept.id else []
        elif hold.record_id in records or (
            replica is not None
            and (hold.external_id == replica.external_id or (hold.fingerprint in records and hold.record_id is None))
        ):
            over.append(hold)
    unit.hold(_of(hold, kept) for hold in moved)
    unit.release([hold.id for hold in (*over, *moved) if hold.id is not None])


def _of(hold: Hold, kept: Record) -> Hold:
    fingerprint = kept.id if hold.fingerprint == hold.record_id else hold.fingerprint
    return replace(hold, record_id=kept.id, fingerprint=fingerprint, id=None)


def _revision(kept: Record, lost: Superseded) -> Revision:
    return Revision(
        record_id=kept.id,
        field=lost.field,
        old=lost.loser.value,
        new=lost.winner.value,
        at=lost.winner.at,
        estimated=lost.winner.estimated,
        connection=lost.winner.connection,
        reason=REASON,
    )


def _told(parties: Iterable[_Party], kept: Record, now: datetime) -> list[Revision]:
    """What was linked, in the history of the record that stays and of those that went into it."""
    return [
        Revision(
            record_id=record_id,
            field=LINKED,
            old=party.name,
            new=kept.id,
            at=now,
            estimated=False,
            connection=DESK,
            reason=REASON,
        )
        for party in parties
        if party.name != kept.id
        for record_id in (kept.id, *(() if party.founded else (party.record.id,)))
    ]
