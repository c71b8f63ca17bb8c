"""Why a record is as it is, and why a connection shows of it what it shows: read from the mirror alone.

What a connection would show is known as far as a sync has worked it out: it waits in the outbox then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tasksync.core.match import alike
from tasksync.core.plan import Action
from tasksync.core.record import KINDS, NOTHING, Record, Replica, Values
from tasksync.engine.desk import find, left_out
from tasksync.engine.linking import DeskContext, linked_with, unlinked
from tasksync.errors import WrongUsage
from tasksync.ports import Decision, Hold, HoldReason, OperationState, Queued, Revision, Unit

LATEST = 10
"""How many superseded values are told; the history has all."""


class Standing(StrEnum):
    """How a connection stands to a record."""

    IN_STEP = "in step"
    WAITING = "waiting"
    HELD = "held"
    GONE = "gone"
    NOT_MET = "not met"
    NOT_COPIED = "not copied"
    DELETED = "deleted"
    NOT_PLANNED = "not planned"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a connection has of the record. `why`: a sentence about its standing. `wanted`: remote forms that wait to be
    sent. `candidates`: external ids of tasks there that may be this one.
    """

    connection: str
    standing: Standing
    why: str
    replica: Replica | None = None
    wanted: Values = field(default_factory=lambda: NOTHING)
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A record with all that stands around it. `became`: the record with which a person linked it. `dropped`: the ids
    of operations that are not sent because a person dropped them. `revisions`: the newest first.
    """

    record: Record
    became: str | None
    places: tuple[Place, ...]
    queue: tuple[Queued, ...]
    dropped: frozenset[int]
    holds: tuple[Hold, ...]
    revisions: tuple[Revision, ...]


def explain(unit: Unit, reference: str, context: DeskContext) -> Explanation:
    """All that the mirror knows of the record. Raises `WrongUsage` if there is none."""
    alone = unlinked(unit, reference)
    if alone is not None:
        raise WrongUsage(f"{reference} belongs to no record yet. {_why_alone(unit, alone)}")
    record = find(unit, reference)
    replicas = unit.replicas_of([record.id])[record.id]
    queue = tuple(queued for queued in unit.queue() if queued.operation.record_id == record.id)
    holds = tuple(hold for hold in unit.holds() if hold.record_id == record.id)
    telling = _Telling(unit=unit, context=context, record=record, queue=queue, holds=holds)
    members = tuple(context.groups.get(record.group, ()))
    return Explanation(
        record=record,
        became=linked_with(record),
        places=tuple(
            telling.place(name, replicas.get(name), member=name in members)
            for name in (*members, *sorted(replicas.keys() - set(members)))
        ),
        queue=queue,
        dropped=frozenset(left_out(unit, queue)),
        holds=holds,
        revisions=tuple(reversed(unit.revisions(record.id)[-LATEST:])),
    )


def _why_alone(unit: Unit, replica: Replica) -> str:
    for hold in unit.holds(replica.connection):
        if hold.external_id == replica.external_id:
            return f"It is held ({hold.reason}, hold {hold.id}): {hold.message}"
    return "The next sync that reads all of its connection gives it one."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """What is looked at to tell of one place after another."""

    unit: Unit
    context: DeskContext
    record: Record
    queue: Sequence[Queued]
    holds: Sequence[Hold]

    def place(self, name: str, replica: Replica | None, *, member: bool) -> Place:
        queued = [one for one in self.queue if one.operation.connection == name]
        held = [hold for hold in self.holds if hold.connection == name]
        standing, why = next(self._standings(name, replica, queued, held, member=member))
        return Place(
            connection=name,
            standing=standing,
            why=why,
            replica=replica,
            wanted={named: value for one in queued for named, value in one.operation.values.items()},
            candidates=tuple(self._candidates(name)),
        )

    def _standings(
        self, name: str, replica: Replica | None, queued: Sequence[Queued], held: Sequence[Hold], *, member: bool
    ) -> Iterator[tuple[Standing, str]]:
        """How the connection stands to the record: the first is what counts."""
        if not member:
            yield Standing.LEFT_OUT, "The connection is not in the record's group, according to the config."
        if replica is not None and replica.gone_at is not None:
            yield Standing.GONE, "It is not seen there any more, and is left alone until it is."
        for hold in held:
            yield Standing.HELD, _held(hold)
        for one in queued:
            yield Standing.WAITING, _waits(one)
        if self.record.deleted_at is not None:
            yield Standing.DELETED, "It was deleted. To bring it back: tasksync restore"
        if replica is not None:
            yield Standing.IN_STEP, "It shows all that this CRM can show of it."
        state = self.unit.connection(name, self.record.kind)
        if state is None or state.met_at is None:
            yield Standing.NOT_MET, "The connection has not joined yet: no sync has read all of it."
        if self._finished_long_ago():
            yield Standing.NOT_COPIED, "It was finished before completed_horizon, and is not copied any more."
        yield Standing.NOT_PLANNED, "Nothing was planned for it there so far."

    def _finished_long_ago(self) -> bool:
        version = self.record.versions.get(KINDS[self.record.kind].state)
        return version is not None and version.value is True and version.at < self.context.horizon

    def _candidates(self, name: str) -> Iterator[str]:
        """The tasks there that may be this one: those that are held for it, or as ambiguous with the same title."""
        label = KINDS[self.record.kind].label
        title = alike(self.record.value(label))
        ambiguous = any(hold.connection == name and hold.reason is HoldReason.AMBIGUOUS for hold in self.holds)
        about = {hold.external_id: hold for hold in self.unit.holds(name) if hold.external_id is not None}
        for external_id, shown in self.unit.replicas(name, self.record.kind, about).items():
            hold = about[external_id]
            look_alike = ambiguous and hold.reason is HoldReason.AMBIGUOUS and alike(shown.shadow.get(label)) == title
            if look_alike or (hold.reason is HoldReason.DUPLICATE and hold.fingerprint == self.record.id):
                yield external_id


def _held(hold: Hold) -> str:
    if hold.decision is None:
        return f"{hold.message} (hold {hold.id}, {hold.reason})"
    decided = "do it" if hold.decision is Decision.APPROVED else "leave it"
    return f"A person decided to {decided} (hold {hold.id}, {hold.reason})."


def _waits(queued: Queued) -> str:
    action = queued.operation.action
    if queued.state in {OperationState.SENDING, OperationState.UNKNOWN}:
        return f"The {action} was sent and its answer is not known; the next sync finds out what came of it."
    if not queued.operation.values and action is not Action.DELETE:
        return "The next sync works out what it has to get."
    if queued.error is not None:
        return f"The {action} waits, after {queued.attempts} attempts. {queued.error}"
    return f"The {action} waits for the next sync."
