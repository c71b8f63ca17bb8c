"""What a person decides at the desk, as changes to the mirror.

No CRM is spoken to: what is to be sent waits in the outbox for the next sync, which also looks at what was decided of
holds. Where that sync has to plan a record anew and nothing waits for it yet, an operation without values marks it,
as for any connection that is out of reach (see `core.plan`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tasksync.core.plan import Action, Operation
from tasksync.core.record import KINDS, NOTHING, Record, content_hash, encode
from tasksync.errors import WrongUsage
from tasksync.ports import Decision, Hold, HoldReason, OperationState, Queued, Unit

_WAITING = frozenset({OperationState.PENDING, OperationState.HELD})
_NOT_SENT = frozenset({HoldReason.REFUSED, HoldReason.DEFAULT_NEEDED})
_BY_THE_DESK = _NOT_SENT | {HoldReason.OSCILLATING}
_DROPPED = "A person dropped it."

Place = tuple[str, str]
"""A record in a connection: the connection's name, the record's id."""


def find(unit: Unit, reference: str) -> Record:
    """The record that a person means, by our id or `CONNECTION:EXTERNAL_ID`. Raises `WrongUsage` if there is none."""
    # What was typed need not be text: a file name, for example, may hold any bytes.
    record = unit.find_record(reference) if reference.isprintable() else None
    if record is None:
        raise WrongUsage(
            f"There is no record {reference!r}. Give its id, or CONNECTION:EXTERNAL_ID such as office:1234, with the "
            "id that the task has in that CRM. For tasks that were deleted: tasksync history --deleted."
        )
    return record


# --- holds ---


def approve(unit: Unit, ids: Collection[int], now: datetime) -> Sequence[Hold]:
    """Let what these holds stand for be done (`ports.Decision`). Returns them, and those decided along with them.
    Raises `WrongUsage` for an unknown id.
    """
    holds = _asked(unit, ids)
    at_once = [hold for hold in holds if hold.reason in _BY_THE_DESK]
    _send_again(unit, [hold for hold in at_once if hold.reason in _NOT_SENT], now)
    _forget_writes(unit, [hold for hold in at_once if hold.reason is HoldReason.OSCILLATING], now)
    unit.release(_ids(at_once))
    unit.decide(_ids(hold for hold in holds if hold.reason not in _BY_THE_DESK), Decision.APPROVED)
    return holds


def drop(unit: Unit, ids: Collection[int]) -> Sequence[Hold]:
    """Let what these holds stand for not be done (`ports.Decision`). Returns them, and those decided along with them.
    Raises `WrongUsage` for an unknown id.
    """
    holds = _asked(unit, ids)
    _keep_back(unit, _places(hold for hold in holds if hold.reason in _NOT_SENT))
    unit.decide(_ids(holds), Decision.DROPPED)
    return holds


def _asked(unit: Unit, ids: Collection[int]) -> list[Hold]:
    """The holds of these ids. What one lost create may have made is one question, and gets one answer."""
    known = {hold.id: hold for hold in unit.holds()}
    _refuse_unknown(ids, known.keys(), "hold", "tasksync holds list")
    questions = {
        (hold.connection, hold.fingerprint)
        for hold in (known[one] for one in ids)
        if hold.reason is HoldReason.DUPLICATE
    }
    return [
        hold
        for hold in known.values()
        if hold.id in ids or (hold.reason is HoldReason.DUPLICATE and (hold.connection, hold.fingerprint) in questions)
    ]


def _send_again(unit: Unit, holds: Sequence[Hold], now: datetime) -> None:
    _release_operations(unit, _places(holds))
    _plan_again(unit, holds, now)


def _forget_writes(unit: Unit, holds: Sequence[Hold], now: datetime) -> None:
    """Count anew how often the replicas are written with the same content."""
    found = unit.replicas_of({record_id for _, record_id in _places(holds)})
    replicas = [
        found[record_id][connection] for connection, record_id in _places(holds) if connection in found[record_id]
    ]
    unit.save_replicas(replace(replica, wrote=(), wrote_at=None) for replica in replicas)
    _plan_again(unit, holds, now)


def _plan_again(unit: Unit, holds: Sequence[Hold], now: datetime) -> None:
    """Mark the records for the next sync where nothing waits for them: it plans only what waits, is held or changes."""
    kinds = {hold.kind for hold in holds}
    for kind in kinds:
        places = _places(hold for hold in holds if hold.kind == kind)
        record_ids = {record_id for _, record_id in places}
        waiting = [
            queued.operation for queued in unit.queue(states=_WAITING) if queued.operation.record_id in record_ids
        ]
        records, replicas = unit.records(record_ids), unit.replicas_of(record_ids)
        marked = [
            Operation(
                connection=connection,
                kind=kind,
                record_id=record_id,
                action=Action.UPDATE if connection in replicas[record_id] else Action.CREATE,
                values=NOTHING,
                title=str(records[record_id].value(KINDS[kind].label) or ""),
            )
            for connection, record_id in sorted(places - {_place(operation) for operation in waiting})
            if record_id in records
        ]
        unit.replace_pending(kind, record_ids, [*waiting, *marked], at=now)


# --- the outbox ---


def retry(unit: Unit, ids: Collection[int]) -> Sequence[Queued]:
    """Let these operations be sent again by the next sync, with all that is held for the same record there. Returns
    them. Raises `WrongUsage` for an unknown id, and for one whose fate is not known.
    """
    asked = _waiting(unit, ids)
    places = {_place(queued.operation) for queued in asked}
    _release_operations(unit, places)
    unit.release(_ids(_not_sent(unit, places)))
    return asked


def discard(unit: Unit, ids: Collection[int], now: datetime) -> Sequence[Queued]:
    """Let these operations not be sent, nor whatever else waits for the same record there, until it changes. Returns
    them. Raises `WrongUsage` for an unknown id, and for one that cannot be left out.

    Gone without a trace they would be planned again as soon as anything of the record is. So they stay, held by a
    hold that is decided already, like those that a CRM refused and a person dropped.
    """
    asked = _waiting(unit, ids)
    for queued in asked:
        if not queued.operation.values and queued.operation.action is not Action.DELETE:
            raise WrongUsage(
                f"What operation {queued.id} comes to is not known before the next sync that reaches "
                f"{queued.operation.connection}. Drop it after that; nothing was dropped."
            )
    places = {_place(queued.operation): queued for queued in reversed(asked)}
    held = set().union(*(_places([hold]) for hold in _not_sent(unit, places)))
    unit.hold(_left_out(queued.operation, now) for place, queued in places.items() if place not in held)
    _keep_back(unit, places)
    unit.decide(_ids(_not_sent(unit, places)), Decision.DROPPED)
    return asked


def left_out(unit: Unit, queue: Iterable[Queued]) -> set[int]:
    """The ids of those that are not sent, because a person dropped them or what was held of them."""
    dropped = _places(hold for hold in unit.holds() if hold.decision is Decision.DROPPED and hold.reason in _NOT_SENT)
    return {one.id for one in queue if one.state is OperationState.HELD and _place(one.operation) in dropped}


def _waiting(unit: Unit, ids: Collection[int]) -> list[Queued]:
    known = {queued.id: queued for queued in unit.queue()}
    _refuse_unknown(ids, known.keys(), "operation", "tasksync outbox list")
    asked = [known[one] for one in sorted(ids)]
    for queued in asked:
        if queued.state not in _WAITING:
            raise WrongUsage(
                f"Operation {queued.id} was sent and its answer is not known. It may have been carried out, so the "
                "next sync looks for what came of it before anything else. Nothing was changed."
            )
    return asked


def _release_operations(unit: Unit, places: Collection[Place]) -> None:
    held = unit.queue(states={OperationState.HELD})
    unit.mark([queued.id for queued in held if _place(queued.operation) in places], OperationState.PENDING)


def _keep_back(unit: Unit, places: Collection[Place]) -> None:
    """Hold what is still to be sent to these places: what follows an operation that is never sent cannot be either."""
    pending = unit.queue(states={OperationState.PENDING})
    kept = [queued.id for queued in pending if _place(queued.operation) in places]
    unit.mark(kept, OperationState.HELD, error=_DROPPED)


def _not_sent(unit: Unit, places: Collection[Place]) -> list[Hold]:
    """The holds that keep operations from being sent to these places."""
    return [hold for hold in unit.holds() if hold.reason in _NOT_SENT and not _places([hold]).isdisjoint(places)]


def _left_out(operation: Operation, now: datetime) -> Hold:
    return Hold(
        connection=operation.connection,
        kind=operation.kind,
        reason=HoldReason.REFUSED,
        message=f"{_DROPPED} It is not sent to {operation.connection} until the {operation.kind} changes.",
        since=now,
        record_id=operation.record_id,
        fingerprint=content_hash({**operation.values, "action": encode({"": operation.action.value})}),
    )


def _refuse_unknown(ids: Collection[int], known: Collection[int | None], what: str, command: str) -> None:
    unknown = ", ".join(str(one) for one in sorted(set(ids) - set(known)))
    if unknown:
        raise WrongUsage(f"There is no {what} {unknown}, so nothing was changed. See: {command}")


def _place(operation: Operation) -> Place:
    return operation.connection, operation.record_id


def _places(holds: Iterable[Hold]) -> set[Place]:
    return {(hold.connection, hold.record_id) for hold in holds if hold.record_id is not None}


def _ids(holds: Iterable[Hold]) -> list[int]:
    return [hold.id for hold in holds if hold.id is not None]
