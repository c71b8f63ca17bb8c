"""A person says which tasks are one, and the next sync makes them so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from firm import START, Firm
from linkage import (
    CREATES,
    context,
    converged,
    history_of,
    look_alikes,
    record_of,
    refuse_creates,
    replicas,
    say_one,
    take_creates,
    task_ids,
    two_records,
)

from tasksync.core.directory import Configured, Referent
from tasksync.core.record import Record, Replica, Value, Version
from tasksync.core.reference import parse
from tasksync.engine import desk
from tasksync.engine.linking import REASON, link, linked_with, rank_in
from tasksync.engine.weighing import meet, sameness
from tasksync.errors import WrongUsage
from tasksync.ports import ConnectionState, Correspondence, Decision, Hold, HoldReason, OperationState

CRMS = ("onlyoffice", "capsule", "plannr")


# --- link: two records ---


async def test_two_records_with_different_titles_become_one(firm: Firm) -> None:
    """The later title and day win in every CRM, the older ones are in the history, and what only one had is kept."""
    ours, theirs = await two_records(firm)
    done = say_one(firm, ours, theirs)
    assert done.waiting == CRMS

    await converged(firm, "Call Bob")

    assert [record.id for record in firm.records()] == [done.record.id]
    assert firm.everywhere("Call Bob", "body") == dict.fromkeys(CRMS, "About the boiler.")
    assert firm.everywhere("Call Bob", "due") == dict.fromkeys(CRMS, date(2026, 3, 21))
    lost = {(field, old) for field, old, _, reason in history_of(firm, done.record.id) if reason == REASON}
    assert lost >= {("title", "Ring Bob"), ("due", date(2026, 3, 20))}


async def test_the_record_named_first_stays_and_the_other_is_still_found(firm: Firm) -> None:
    """Its id leads to the record that stays; the other's id leads to its own history, which says what it became."""
    ours, theirs = await two_records(firm)
    with firm.mirror.begin() as unit:
        first, second = desk.find(unit, theirs), desk.find(unit, ours)
    done = say_one(firm, theirs, ours)

    assert (done.record.id, done.names) == (first.id, (second.id,))
    with firm.mirror.begin() as unit:
        assert desk.find(unit, ours).id == desk.find(unit, theirs).id == first.id
        gone = desk.find(unit, second.id)
        assert (linked_with(gone), gone.values) == (first.id, second.values)
        assert linked_with(done.record) is None
        assert unit.deleted_records() == []
    row = ("linked", second.id, first.id, REASON)
    assert history_of(firm, second.id)[-1] == history_of(firm, first.id)[-1] == row


async def test_an_edit_that_no_sync_has_seen_when_it_was_linked_wins(firm: Firm) -> None:
    """A person edits the task in the CRM whose title lost, before anything was synced: that is the last word."""
    ours, theirs = await two_records(firm)
    firm.edit("onlyoffice", "Ring Bob", title="Ring Bob at noon")
    done = say_one(firm, ours, theirs)
    await converged(firm, "Ring Bob at noon")
    values = {old for field, old, _, _ in history_of(firm, done.record.id) if field == "title"}
    assert values == {"Ring Bob", "Call Bob"}


async def test_what_was_planned_for_either_is_planned_anew(firm: Firm) -> None:
    """The creates that waited for both records do not double the task (I3), and their holds are gone at once."""
    ours, theirs = await two_records(firm)
    assert [hold.reason for hold in firm.holds()] == [HoldReason.REFUSED] * 4
    done = say_one(firm, ours, theirs)
    assert firm.holds() == []
    assert {(one.operation.record_id, one.operation.connection) for one in firm.outbox()} == {
        (done.record.id, crm) for crm in CRMS
    }
    await converged(firm, "Call Bob")


async def test_a_linked_task_that_is_finished_on_one_side_is_finished(firm: Firm) -> None:
    """Done here and open there, where nobody ever finished it: done everywhere."""
    ours, theirs = await two_records(firm)
    firm.edit("onlyoffice", "Ring Bob", done=True)
    await firm.sync(only=["onlyoffice"])
    say_one(firm, ours, theirs)
    await converged(firm, "Call Bob")
    assert firm.everywhere("Call Bob", "done") == dict.fromkeys(CRMS, True)


async def test_a_question_that_is_left_is_asked_about_the_record_that_stays(firm: Firm) -> None:
    """The record that goes may have a counterpart in Plannr: still held, and neither copied nor guessed."""
    ours, theirs = await two_records(firm)
    for _ in range(2):
        firm.crms["plannr"].add(title="Call Bob", due="2026-03-21")
    with firm.mirror.begin() as unit:  # Plannr meets the others only now
        state = unit.connection("plannr")
        assert state is not None
        unit.save_connection(replace(state, met_at=None))
    refuse_creates(firm)
    await firm.sync()
    done = say_one(firm, ours, theirs)
    take_creates(firm)

    assert {hold.record_id for hold in firm.holds() if hold.record_id} == {done.record.id}
    for _ in range(2):
        assert (await firm.sync()).exit_code == 4
    assert {crm: firm.titles(crm) for crm in CRMS} == {
        "onlyoffice": ["Call Bob"],
        "capsule": ["Call Bob"],
        "plannr": ["Call Bob", "Call Bob"],
    }


# --- link: tasks that belong to no record yet ---


async def test_a_held_look_alike_is_linked_and_the_other_is_a_task_of_its_own(firm: Firm) -> None:
    """Of two look-alikes one is named: it and the record are one task, the other is copied, and nothing is held."""
    ours, theirs, _ = await look_alikes(firm)
    done = say_one(firm, ours, theirs)
    assert {hold.external_id for hold in firm.holds()} == {task_ids(firm, "capsule")[1]}

    await converged(firm, "Ring Bob", "ring  bob")

    assert set(replicas(firm, done.record.id)) == set(CRMS)
    assert record_of(firm, ours).value("body") == "Ring Bob"
    assert all(
        reason != REASON or field == "linked" or old == "" for field, old, _, reason in history_of(firm, done.record.id)
    )


async def test_a_held_look_alike_may_be_named_first(firm: Firm) -> None:
    """The record stays whichever is named first, and what it is linked with may be edited before the next sync."""
    ours, _, theirs = await look_alikes(firm)
    record = record_of(firm, ours)
    firm.clock.tick(seconds=5)
    firm.crms["capsule"].edit(theirs.partition(":")[2], title="Ring Bob's wife")
    assert say_one(firm, theirs, ours).record.id == record.id
    await converged(firm, "Ring Bob", "Ring Bob's wife")
    assert record_of(firm, ours).value("title") == "Ring Bob's wife"


async def test_tasks_that_belong_to_no_record_found_one(firm: Firm) -> None:
    """Two look-alikes of different CRMs, both held: linked, they are a record, with a place in all CRMs."""
    for _ in range(2):
        firm.crms["onlyoffice"].add(title="Ring Bob", due="2026-03-20", category="Call")
    capsule = firm.crms["capsule"].add(title="Ring Bob", due="2026-03-20", body="The boiler.", category="Call")
    plannr = firm.crms["plannr"].add(title="Ring Bob", due="2026-03-20")
    assert (await firm.sync()).exit_code == 4

    done = say_one(firm, f"capsule:{capsule}", f"plannr:{plannr}")

    assert done.names == (f"capsule:{capsule}", f"plannr:{plannr}")
    assert done.record.value("body") == "The boiler."
    await converged(firm, "Ring Bob", "Ring Bob", "Ring Bob")
    assert set(replicas(firm, done.record.id)) == set(CRMS)


async def test_a_possible_duplicate_is_what_the_lost_create_made(met: Firm) -> None:
    """The answer to a create was lost and two tasks could be its result: the one that is named is linked, the other is
    a task of its own, and the create is not sent again.
    """
    plannr = met.crms["plannr"]
    plannr.faults.add("status", status=502, work=True, method="POST", path=CREATES)
    met.crms["capsule"].add(title="Send the offer", due="2026-03-25", category="Email")
    await met.sync()
    plannr.faults.clear()
    plannr.add(title="Send the offer", due="2026-03-25")
    await met.sync()
    made = [task["id"] for task in plannr.tasks() if task["title"] == "Send the offer"]
    assert {hold.reason for hold in met.holds()} == {HoldReason.DUPLICATE}

    say_one(met, f"capsule:{met.task('capsule', 'Send the offer')['id']}", f"plannr:{made[0]}")

    assert met.holds() == []
    await converged(met, "Ring Bob", "Send the offer", "Send the offer")


# --- link: what cannot be linked ---


async def test_two_tasks_of_one_crm_are_never_one(met: Firm) -> None:
    """Each record has a task in each CRM: refused, naming the two that stand in the way, and nothing changes (I3)."""
    met.crms["capsule"].add(title="Call Bob", due="2026-03-20", category="Call")
    await met.sync()
    records = met.records()
    ours, theirs = (f"capsule:{one}" for one in task_ids(met, "capsule"))
    with pytest.raises(WrongUsage, match=f"{ours} and {theirs} are both in capsule"):
        say_one(met, ours, theirs)
    assert (met.records(), met.outbox()) == (records, [])


async def test_what_is_one_already_or_not_there_is_refused(met: Firm) -> None:
    """The same task twice, an unknown id, a deleted record: a sentence each, and nothing changes."""
    bob = met.record("Ring Bob")
    for references, said in (
        ([bob.id, f"capsule:{task_ids(met, 'capsule')[0]}"], "one task already"),
        ([bob.id, "capsule:none"], "There is no record 'capsule:none'"),
        (["none", bob.id], "There is no record 'none'"),
        (["\udcff", bob.id], "There is no record"),
    ):
        with pytest.raises(WrongUsage, match=said):
            say_one(met, *references)
    with met.mirror.begin() as unit:
        unit.save_records([replace(bob, deleted_at=START)])
    with pytest.raises(WrongUsage, match=f"Bring it back first: tasksync restore {bob.id}"):
        say_one(met, bob.id, "capsule:none")


async def test_a_record_that_was_linked_is_not_linked_again(firm: Firm) -> None:
    """Its id is refused, with the id of the record it became."""
    ours, theirs = await two_records(firm)
    gone = record_of(firm, theirs).id
    kept = say_one(firm, ours, theirs).record.id
    with pytest.raises(WrongUsage, match=f"{gone} was linked with {kept}"):
        say_one(firm, gone, ours)


async def test_records_of_different_groups_are_not_linked(firm: Firm) -> None:
    """Groups are not kept in step with each other, so no task is in two of them."""
    ours, theirs = await two_records(firm)
    with firm.mirror.begin() as unit:
        unit.save_records([replace(desk.find(unit, theirs), group="sales")])
    groups = {"all": ["onlyoffice", "plannr"], "sales": ["capsule"]}
    with firm.mirror.begin() as unit, pytest.raises(WrongUsage, match="not of one group but of 'all' and 'sales'"):
        link(unit, [ours, theirs], context(firm, **groups))
    with firm.mirror.begin() as unit, pytest.raises(WrongUsage, match="'sales', which is not in the config"):
        link(unit, [ours, theirs], context(firm))


async def test_a_look_alike_whose_connection_left_the_config_is_not_linked(firm: Firm) -> None:
    """Nobody would keep it in step."""
    ours, theirs, _ = await look_alikes(firm)
    with firm.mirror.begin() as unit, pytest.raises(WrongUsage, match="capsule is not in the config any more"):
        link(unit, [ours, theirs], context(firm, all=["onlyoffice", "plannr"]))


@pytest.mark.parametrize("state", [OperationState.SENDING, OperationState.UNKNOWN])
async def test_nothing_is_linked_while_an_answer_is_not_known(firm: Firm, state: OperationState) -> None:
    """A create of either record may have made a task that nobody has seen: refused until a sync has looked."""
    ours, theirs = await two_records(firm)
    for sent in firm.outbox():
        with firm.mirror.begin() as unit:
            unit.mark([sent.id], state, at=START)
        with pytest.raises(WrongUsage, match="its answer is not known"):
            say_one(firm, ours, theirs)
        with firm.mirror.begin() as unit:
            unit.mark([sent.id], OperationState.PENDING)


async def test_a_look_alike_that_a_lost_create_may_have_made_is_not_linked_yet(firm: Firm) -> None:
    """Some other record's create was sent to Capsule and its answer is not known: the next sync looks first."""
    ours, theirs, _ = await look_alikes(firm)
    firm.crms["plannr"].add(title="Other", due="2026-03-25")
    firm.crms["capsule"].faults.add("status", status=502, work=True, method="POST", path=CREATES)
    await firm.sync()
    firm.crms["capsule"].faults.clear()
    with pytest.raises(WrongUsage, match="its answer is not known"):
        say_one(firm, ours, theirs)
    await firm.sync()
    say_one(firm, ours, theirs)
    await converged(firm, "Other", "Ring Bob", "ring  bob")


# --- link: holds and values, looked at closely ---


def held(reason: HoldReason, connection: str, **about: Any) -> Hold:
    return Hold(connection=connection, kind="task", reason=reason, message="?", since=START, **about)


@pytest.mark.parametrize(
    ("reason", "said", "waiting"),
    [
        (HoldReason.DUPLICATE, Decision.DROPPED, ("onlyoffice", "capsule")),
        (HoldReason.AMBIGUOUS, Decision.DROPPED, ("onlyoffice", "capsule")),
        (HoldReason.AMBIGUOUS, Decision.APPROVED, CRMS),
    ],
)
def test_what_a_person_said_of_the_other_record_stays_said(
    firm: Firm, reason: HoldReason, said: Decision, waiting: tuple[str, ...]
) -> None:
    """A create that was forbidden, or allowed, is so under the id of the record that stays; other holds go."""
    with firm.mirror.begin() as unit:
        for connection in CRMS:
            unit.save_connection(ConnectionState(name=connection, identity=connection, scope="", met_at=START))
        for record_id, connection in (("a", "onlyoffice"), ("b", "capsule")):
            unit.save_records([Record(id=record_id, kind="task", group="all", versions={})])
            replica = Replica(
                connection=connection, kind="task", external_id="1", record_id=record_id, shadow={}, seen_at=START
            )
            unit.save_replicas([replica])
        unit.hold(
            [
                held(reason, "plannr", record_id="b", fingerprint="b", decision=said),
                held(HoldReason.OSCILLATING, "capsule", record_id="b"),
                held(HoldReason.AMBIGUOUS, "capsule", record_id="a"),
                held(HoldReason.DELETIONS, "capsule"),
            ]
        )
        done = link(unit, ["a", "b"], context(firm))
    left = [(hold.reason, hold.record_id, hold.fingerprint, hold.decision) for hold in firm.holds()]
    assert left == [(HoldReason.DELETIONS, None, "", None), (reason, "a", "a", said)]
    assert done.waiting == waiting


def same(one: str, other: str) -> bool:
    """References to people who have the same id in all CRMs."""
    return parse(one).id == parse(other).id


LONG = "Prepare the very long review of everything " * 7


@pytest.mark.parametrize(
    ("field", "older", "later", "stays"),
    [
        ("body", "one", "two", "two"),
        ("body", "one", "", "one"),
        ("body", "", "two", "two"),
        ("body", "same", "same", "same"),
        ("title", LONG, LONG[:255], LONG),
        ("title", LONG[:255], LONG, LONG),
        ("title", "Party \U0001f382", "Party \ufffd", "Party \U0001f382"),
        ("title", "Ring Bob at noon", "Ring Bob", "Ring Bob"),
        ("title", LONG, f"{LONG[:250]} else", f"{LONG[:250]} else"),
        ("due", date(2026, 3, 20), None, date(2026, 3, 20)),
        ("due", date(2026, 3, 20), datetime(2026, 3, 20, 9, tzinfo=UTC), datetime(2026, 3, 20, 9, tzinfo=UTC)),
        ("done", True, False, True),
        ("category", "Call", "Email", "Email"),
    ],
)
@pytest.mark.parametrize("named_first", ["older", "later"])
def test_of_two_values_the_later_stays_unless_the_other_holds_more(
    field: str, older: Value, later: Value, stays: Value, named_first: str
) -> None:
    """Whichever record is named first; what loses is told, but for emptiness that its record never told of."""
    made = Version(value=older, at=START, connection="capsule", external_id="1")
    ours = Record(id="r", kind="task", group="all", versions={field: made})
    theirs = replace(ours, versions={field: replace(made, value=later, at=START + timedelta(minutes=1))})
    if named_first == "later":
        ours, theirs = theirs, ours

    met, told = meet(ours, theirs, rank_in(CRMS), same)

    assert met.value(field) == stays
    lost = [value for value in (ours.value(field), theirs.value(field)) if value != stays]
    if theirs.value(field) in lost and not theirs.value(field):
        lost.remove(theirs.value(field))
    assert [(one.loser.value, one.winner.value) for one in told] == [(value, stays) for value in lost]


@pytest.mark.parametrize("named_first", ["older", "later"])
@pytest.mark.parametrize(
    ("older", "later", "stays", "is_lost"),
    [
        (("plannr:person:ann", "plannr:person:ben"), ("capsule:person:ben",), "older", "lost"),
        (("plannr:person:ann",), ("capsule:person:ben", "capsule:person:ann"), "later", "lost"),
        (("plannr:person:ann",), ("capsule:person:ann",), "later", ""),
        (("plannr:person:ann",), ("capsule:person:ben",), "later", "lost"),
        (("plannr:person:ann",), (), "older", ""),
    ],
)
def test_people_are_the_same_whatever_a_crm_calls_them(
    older: tuple[str, ...], later: tuple[str, ...], stays: str, is_lost: str, named_first: str
) -> None:
    """A CRM that holds one of several people says nothing against the others, and another id of them is no loss."""
    values = {"older": older, "later": later}
    made = Version(value=older, at=START, connection="plannr", external_id="1")
    ours = Record(id="r", kind="task", group="all", versions={"assignees": made})
    theirs = replace(ours, versions={"assignees": replace(made, value=later, at=START + timedelta(minutes=1))})
    if named_first == "later":
        ours, theirs = theirs, ours
    met, told = meet(ours, theirs, rank_in(CRMS), same)
    assert met.value("assignees") == values[stays]
    loses = later if stays == "older" else older
    is_told = bool(is_lost) or (loses == () and ours.value("assignees") == ())
    assert [one.loser.value for one in told] == ([loses] if is_told else [])


def test_what_corresponds_is_known_from_earlier_syncs_and_from_the_config(firm: Firm) -> None:
    """People by their addresses, other things as they were found, cases by their records, and all as configured."""
    people = {
        one: Referent(reference=one, emails=("ann@example.com",)) for one in ("capsule:person:1", "plannr:person:x")
    }
    case = Replica(connection="capsule", kind="case", external_id="7", record_id="c", shadow={}, seen_at=START)
    with firm.mirror.begin() as unit:
        for reference, who in people.items():
            unit.save_people(parse(reference).connection, [who], START)
        pair = Correspondence(
            reference="capsule:contact:5", connection="plannr", counterpart="plannr:contact:y", at=START
        )
        unit.save_correspondences([pair])
        unit.save_records([Record(id="c", kind="case", group="all", versions={})])
        unit.save_replicas([case, replace(case, connection="plannr", external_id="z")])
        known = sameness(unit, Configured(same=[frozenset({"capsule:plan:1", "plannr:plan:2"})]))
        assert known("capsule:person:1", "plannr:person:x")
        assert known("plannr:contact:y", "capsule:contact:5")
        assert known("capsule:case:7", "plannr:case:z")
        assert known("plannr:plan:2", "capsule:plan:1")
        assert known("capsule:plan:9", "capsule:plan:9")
        for one, other in (("capsule:person:2", "plannr:person:x"), ("capsule:contact:7", "plannr:contact:z")):
            assert not known(one, other)


def test_a_field_that_only_one_record_knows_is_kept() -> None:
    """Neither side is asked for what it cannot tell."""
    made = Version(value="high", at=START, connection="plannr", external_id="1")
    empty = Record(id="a", kind="task", group="all", versions={})
    full = replace(empty, id="b", versions={"priority": made})
    assert meet(empty, full, rank_in(CRMS), same) == (replace(full, id="a"), [])
    assert meet(full, empty, rank_in(CRMS), same) == (full, [])
