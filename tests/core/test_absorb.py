"""Taking observations and answers in: what becomes of the record, the shadow and the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasksync.core.diff import Absorbed, Window, absorb, written
from tasksync.core.lens import same
from tasksync.core.plan import Action, Plan, View, plan
from tasksync.core.record import NOTHING, TASK, Observation, Record, Replica, Value, Values, Version

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LENSES = {name: same(name) for name in ("title", "body", "done")}
CONFIG = ("A", "B", "C", "D")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


def version(value: Value, when: float = -10, connection: str = "D") -> Version:
    return Version(value=value, at=at(when), connection=connection, external_id="1")


def record(**values: Value) -> Record:
    """A record whose values were made shortly before the start."""
    made = {name: version(value) for name, value in values.items()}
    return Record(id="r", kind="task", group="g", versions=made)


def replica(connection: str = "A", settled: Values = NOTHING, **shadow: Value) -> Replica:
    return Replica(
        connection=connection,
        kind="task",
        external_id="1",
        record_id="r",
        shadow=shadow,
        seen_at=START,
        settled=settled,
    )


def observation(values: Values, modified: float | None = 40) -> Observation:
    return Observation(external_id="1", values=values, modified=maybe(modified))


def take(
    ours: Record, theirs: Replica, seen: Observation, *, sent: Values = NOTHING, after: float | None = 0
) -> Absorbed:
    """Absorb an answer that was asked for 99 seconds after the start."""
    return absorb(
        TASK,
        ours,
        theirs,
        seen,
        lenses=LENSES,
        window=Window(after=maybe(after), until=at(100)),
        rank=CONFIG.index,
        seen_at=at(99),
        sent=sent,
    )


def planned(ours: Record, theirs: Replica) -> Plan:
    view = View(connection=theirs.connection, met=True, lenses=LENSES)
    return plan(TASK, ours, {theirs.connection: theirs}, [view], horizon=START)


# --- one replica ------------------------------------------------------------------------------------------------------


def test_an_edit_becomes_current_and_its_shadow() -> None:
    """The record has the new value, the shadow what was seen, and the old value is superseded without a conflict."""
    ours = record(title="Call", body="")
    seen = Observation(
        external_id="1",
        values={"title": "Fax", "body": ""},
        modified=at(40),
        created=at(-50),
        completed=at(-40),
    )
    taken = take(ours, replica(title="Call", body=""), seen)
    assert taken.changed
    assert taken.record.values == {"title": "Fax", "body": ""}
    assert taken.record.versions["title"] == version("Fax", 40, "A")
    assert taken.record.versions["body"] == ours.versions["body"]
    assert taken.replica == replace(
        replica(title="Fax", body=""), seen_at=at(99), modified=at(40), created=at(-50), completed=at(-40)
    )
    (lost,) = taken.superseded
    assert (lost.field, lost.loser.value, lost.winner.value, lost.conflict) == ("title", "Call", "Fax", False)


def test_an_unchanged_replica_changes_nothing() -> None:
    """A moved stamp moves the replica's and nothing else (I4)."""
    ours = record(title="Call")
    taken = take(ours, replica(title="Call"), observation({"title": "Call"}, modified=90))
    assert not taken.changed
    assert taken.record == ours
    assert not taken.superseded
    assert taken.replica == replace(replica(title="Call"), seen_at=at(99), modified=at(90))


def test_a_first_meeting_tells_a_record_its_fields() -> None:
    """What nobody knew is taken over, and nothing is superseded."""
    taken = take(record(), replica(), observation({"title": "Call", "done": False}, -500), after=None)
    assert taken.record.versions == {"title": version("Call", -500, "A"), "done": version(False, -500, "A")}
    assert not taken.superseded


def test_a_late_edit_of_an_older_value_is_in_the_history() -> None:
    """Somebody who did not have ours, and whose edit is older, loses in conflict; the shadow is theirs all the same."""
    ours = Record(id="r", kind="task", group="g", versions={"title": version("Write", 60)})
    taken = take(ours, replica(title="Call"), observation({"title": "Fax"}, 40))
    assert taken.record.value("title") == "Write"
    assert [(lost.loser.value, lost.conflict) for lost in taken.superseded] == [("Fax", True)]
    assert taken.replica.shadow == {"title": "Fax"}
    assert [one.values for one in planned(taken.record, taken.replica).operations] == [{"title": "Write"}]


def test_the_shadow_keeps_what_an_answer_does_not_tell() -> None:
    """A list without a body leaves the body that a read has shown."""
    taken = take(record(title="Call", body="now"), replica(title="Call", body="now"), observation({"title": "Fax"}))
    assert taken.replica.shadow == {"title": "Fax", "body": "now"}


def test_a_replica_of_another_connection_stays_its_own() -> None:
    """Absorbing changes neither the identity of a replica nor whether it is gone."""
    theirs = replace(replica("B", title="Call"), gone_at=at(-5))
    taken = take(record(title="Call"), theirs, observation({"title": "Fax"})).replica
    assert (taken.connection, taken.external_id, taken.record_id, taken.gone_at) == ("B", "1", "r", at(-5))


# --- our own writes ---------------------------------------------------------------------------------------------------


def test_an_echo_is_no_change() -> None:
    """What we may have written ourselves, and is there now, is our own write (I4)."""
    ours = record(title="Fax", body="")
    sent: Values = {"title": "Fax"}
    taken = take(ours, replica(title="Call", body=""), observation({"title": "Fax", "body": ""}), sent=sent)
    assert not taken.changed
    assert taken.record == ours
    assert taken.replica.shadow == {"title": "Fax", "body": ""}


def test_an_edit_beside_an_echo_is_a_change() -> None:
    """Only what equals what we sent is ours."""
    ours = record(title="Fax", body="")
    taken = take(
        ours, replica(title="Call", body=""), observation({"title": "Fax", "body": "now"}), sent={"title": "Fax"}
    )
    assert [lost.field for lost in taken.superseded] == ["body"]
    assert taken.record.values == {"title": "Fax", "body": "now"}


def test_an_edit_after_a_lost_write_is_a_change() -> None:
    """Somebody changed what we may have sent: it is an edit, whether or not our write arrived."""
    ours = record(title="Fax")
    taken = take(ours, replica(title="Call"), observation({"title": "Write"}), sent={"title": "Fax"})
    assert taken.record.value("title") == "Write"
    assert [lost.loser.value for lost in taken.superseded] == ["Fax"]


def test_what_was_sent_and_is_not_there_changes_nothing() -> None:
    """A write that never arrived leaves the shadow as it was, and is planned again."""
    ours = record(title="Fax")
    taken = take(ours, replica(title="Call"), observation({"title": "Call"}), sent={"title": "Fax", "body": "x"})
    assert not taken.changed
    assert taken.replica.shadow == {"title": "Call"}
    assert [one.action for one in planned(taken.record, taken.replica).operations] == [Action.UPDATE]


def test_an_answer_just_as_sent_is_the_new_shadow() -> None:
    """After a write, shadow and plan agree, and the time is that of the request."""
    after = written(replica(title="Call"), observation({"title": "Fax"}), {"title": "Fax"}, seen_at=at(50))
    assert after == replace(replica(title="Fax"), seen_at=at(50))
    assert not planned(record(title="Fax"), after).operations


def test_an_answer_other_than_sent_is_settled() -> None:
    """The server had its say: the same is not planned again, another value is."""
    after = written(replica(title="Call"), observation({"title": "FAX"}), {"title": "Fax"}, seen_at=at(50))
    assert after.shadow == {"title": "FAX"}
    assert after.settled == {"title": "Fax"}
    assert not planned(record(title="Fax"), after).operations
    assert [one.values for one in planned(record(title="Write"), after).operations] == [{"title": "Write"}]


def test_an_answer_of_another_type_is_settled() -> None:
    """A server that makes a day of an instant has had its say, too."""
    midnight = datetime(2026, 6, 1, tzinfo=UTC)
    after = written(replica(due=None), observation({"due": midnight.date()}), {"due": midnight}, seen_at=at(50))
    assert after.settled == {"due": midnight}


def test_the_next_write_settles_anew() -> None:
    """What was settled of a field is forgotten when it is sent again, of other fields it stays."""
    before = replica(settled={"title": "Fax", "body": "x"}, title="FAX", body="X")
    after = written(before, observation({"title": "Write", "body": "X"}), {"title": "Write"}, seen_at=at(50))
    assert after.settled == {"body": "x"}
    assert [one.values for one in planned(record(title="Fax"), after).operations] == [{"title": "Fax"}]


def test_only_what_we_sent_becomes_the_shadow() -> None:
    """What a person changed just before our write is in the answer, too, and found by absorbing it."""
    answer = observation({"title": "Fax", "body": "now"})
    after = written(replica(title="Call", body=""), answer, {"title": "Fax", "done": True}, seen_at=at(50))
    assert after.shadow == {"title": "Fax", "body": ""}
    assert not after.settled
    taken = take(record(title="Fax", body=""), after, answer)
    assert taken.record.values == {"title": "Fax", "body": "now"}


def test_an_edit_ends_what_was_settled() -> None:
    """After somebody else's edit the server is asked again."""
    before = replica(settled={"title": "Fax", "body": "x"}, title="FAX", body="X")
    taken = take(record(title="Fax", body="x"), before, observation({"title": "Write", "body": "X"}))
    assert taken.replica.settled == {"body": "x"}


def test_an_echo_ends_what_was_settled() -> None:
    """The server took something else of ours since, so what it once had its say on is to be sent again when wanted."""
    before = replica(settled={"title": "abc", "body": "x"}, title="ABC", body="X")
    taken = take(record(title="fax"), before, observation({"title": "fax"}), sent={"title": "fax"})
    assert taken.replica.shadow == {"title": "fax", "body": "X"}
    assert taken.replica.settled == {"body": "x"}
    assert [one.values for one in planned(record(title="abc"), taken.replica).operations] == [{"title": "abc"}]


def test_what_was_settled_lasts_while_nothing_moves() -> None:
    """Neither an answer that shows the same, nor one that does not tell, has us ask the server again."""
    before = replica(settled={"title": "Fax", "body": "x"}, title="FAX", body="X")
    taken = take(record(title="Fax", body="x"), before, observation({"title": "FAX"}), sent={"title": "FAX"})
    assert taken.replica.settled == {"title": "Fax", "body": "x"}
    assert not planned(record(title="Fax", body="x"), taken.replica).operations


# --- deleted records --------------------------------------------------------------------------------------------------


def test_an_edit_revives_a_deleted_record() -> None:
    """Edit beats delete (I11)."""
    deleted = replace(record(title="Call"), deleted_at=at(10))
    taken = take(deleted, replica(title="Call"), observation({"title": "Fax"}))
    assert taken.record.deleted_at is None
    assert taken.record.value("title") == "Fax"


def test_a_deleted_record_that_nobody_edited_stays_deleted() -> None:
    """Being there still is no edit."""
    deleted = replace(record(title="Call"), deleted_at=at(10))
    assert take(deleted, replica(title="Call"), observation({"title": "Call"}, 90)).record == deleted


def test_an_edit_that_loses_revives_a_deleted_record_all_the_same() -> None:
    """Somebody still works with it, even if a later value stays current."""
    late = Record(id="r", kind="task", group="g", versions={"title": version("Write", 60)}, deleted_at=at(70))
    taken = take(late, replica(title="Call"), observation({"title": "Fax"}, 40))
    assert taken.record.deleted_at is None
    assert taken.record.value("title") == "Write"


@pytest.mark.parametrize("theirs", [replica(), replica(title="Fax")], ids=["told only now", "caught up by hand"])
def test_what_the_record_says_anyway_does_not_revive_it(theirs: Replica) -> None:
    """A CRM that shows a field only now, or shows at last what we have, has told nothing that anybody edited."""
    deleted = replace(record(title="Call"), deleted_at=at(10))
    assert take(deleted, theirs, observation({"title": "Call"})).record.deleted_at == at(10)


def test_one_edit_among_what_it_says_anyway_revives_it() -> None:
    """Any field that says something else will do."""
    deleted = replace(record(title="Call", body="", done=False), deleted_at=at(10))
    taken = take(deleted, replica(), observation({"title": "Call", "body": "now", "done": False}))
    assert taken.record.deleted_at is None
