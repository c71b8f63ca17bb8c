from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasksync.core.directory import Referent
from tasksync.core.plan import Gap
from tasksync.core.record import Record
from tasksync.errors import MirrorUnusable
from tasksync.ports import Correspondence, Unit
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
ANNA = Referent(reference="office:person:1", name="Anna", emails=("anna@firm.example", "a@firm.example"))
BEN = Referent(reference="office:person:2")
CLEO = Referent(reference="capsule:person:cleo", name="Cleo")
ACME = Referent(reference="office:contact:1", name="Acme", emails=("info@acme.example",))
ROOF = Referent(reference="office:case:1", name="Roof", parent="office:contact:1")
FAX = Gap(connection="capsule", record_id="r00001", field="category", value="Fax")


def of_record(gap: Gap, number: int) -> Gap:
    return replace(gap, record_id=f"r{number:05}")


# --- people and other referents ---------------------------------------------------------------------------------------


def test_people_come_back_as_they_were_listed(mirror: SqlMirror) -> None:
    """The people of all connections, each with all that is known of them, and when they were listed."""
    with mirror.begin() as unit:
        unit.save_people("office", [BEN, ANNA], NOW)
        unit.save_people("capsule", iter([CLEO]), NOW + timedelta(hours=1))
    with mirror.begin() as unit:
        assert list(unit.people()) == [CLEO, ANNA, BEN]
        assert [unit.listed_at(name) for name in ("office", "capsule", "advisers")] == [
            NOW,
            NOW + timedelta(hours=1),
            None,
        ]


def test_a_list_replaces_the_one_before(mirror: SqlMirror) -> None:
    """Who is not in the list any more is not known any more; other connections and other referents stay as they are."""
    with mirror.begin() as unit:
        unit.save_people("office", [ANNA, BEN], NOW)
        unit.save_people("capsule", [CLEO], NOW)
        unit.save_referents([ACME])
        unit.save_people("office", [replace(BEN, name="Ben")], NOW + timedelta(days=1))
        assert list(unit.people()) == [CLEO, replace(BEN, name="Ben")]
        assert unit.referents([ACME.reference, ANNA.reference]) == {ACME.reference: ACME}
        assert unit.listed_at("office") == NOW + timedelta(days=1)


def test_an_empty_list_was_listed_too(mirror: SqlMirror) -> None:
    """A connection without anybody is told from one that was never asked."""
    with mirror.begin() as unit:
        unit.save_people("office", [ANNA], NOW)
        unit.save_people("office", [], NOW + timedelta(days=1))
        assert list(unit.people()) == []
        assert unit.listed_at("office") == NOW + timedelta(days=1)


def test_somebody_who_is_listed_twice_is_one(mirror: SqlMirror) -> None:
    """A list in which somebody comes twice, as pages may bring it, is no error; the last one counts."""
    with mirror.begin() as unit:
        unit.save_people("office", [ANNA, replace(ANNA, name="Anna B.")], NOW)
        assert list(unit.people()) == [replace(ANNA, name="Anna B.")]


@pytest.mark.parametrize("stranger", [CLEO, ACME], ids=["of another connection", "a contact"])
def test_a_list_holds_nobody_else(stranger: Referent, mirror: SqlMirror) -> None:
    """What is no person of that connection is refused, since the next list could not replace it."""
    with pytest.raises(ValueError, match=f"{stranger.reference} is nobody of office"), mirror.begin() as unit:
        unit.save_people("office", [ANNA, stranger], NOW)
    with mirror.begin() as unit:
        assert unit.people() == []


def test_referents_are_found_by_reference(mirror: SqlMirror) -> None:
    """What was saved last is found, people among it; what is not known has no entry."""
    with mirror.begin() as unit:
        unit.save_referents([replace(ACME, name="ACME Ltd", emails=()), ROOF])
        unit.save_referents(iter([ACME]))
        unit.save_people("office", [ANNA], NOW)
    with mirror.begin() as unit:
        found = unit.referents({ACME.reference, ROOF.reference, ANNA.reference, "office:contact:9"})
        assert found == {one.reference: one for one in (ACME, ROOF, ANNA)}
        assert unit.referents([]) == {}
        assert list(unit.people()) == [ANNA]


def test_people_are_saved_as_a_list_only(mirror: SqlMirror) -> None:
    """Somebody who was found otherwise would stand in a list that was never given."""
    with mirror.begin() as unit, pytest.raises(ValueError, match=r"office:person:1 is a person"):
        unit.save_referents([ACME, ANNA])


def test_what_a_referent_is_called_may_be_any_text(mirror: SqlMirror) -> None:
    """Names of all scripts come back; of half a surrogate pair, which SQLite cannot hold, only that half is lost."""
    named = [
        replace(ACME, reference="office:contact:7", name='佐藤 & "Søn" 🎉', emails=("ü@例え.example", "half \ud83d")),
        replace(ACME, reference="office:contact:küche:8", name="half \ud83d pair", parent="office:contact:7"),
    ]
    with mirror.begin() as unit:
        unit.save_referents(named)
        found = unit.referents([one.reference for one in named])
    assert list(found.values()) == [named[0], replace(named[1], name="half \ufffd pair")]


# --- what corresponds to what -----------------------------------------------------------------------------------------


def test_what_was_found_out_is_remembered(mirror: SqlMirror) -> None:
    """Each reference has one entry for each connection, the last one saved, also where nothing was found."""
    first = Correspondence(reference="office:contact:1", connection="capsule", counterpart=None, at=NOW)
    later = replace(first, counterpart="capsule:contact:7", at=NOW + timedelta(days=1))
    others = [
        replace(first, connection="advisers"),
        replace(first, reference="capsule:contact:7", connection="office", counterpart="office:contact:1"),
    ]
    with mirror.begin() as unit:
        unit.save_correspondences([*others, first])
        unit.save_correspondences(iter([later]))
    with mirror.begin() as unit:
        assert list(unit.correspondences()) == [others[1], others[0], later]


# --- gaps -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stocked(mirror: SqlMirror, make_record: Callable[..., Record]) -> SqlMirror:
    """A mirror that knows the records that have gaps."""
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(1, 5))
    return mirror


@pytest.fixture
def unit(stocked: SqlMirror) -> Iterator[Unit]:
    with stocked.begin() as begun:
        yield begun


def test_the_gaps_of_a_record_are_replaced(unit: Unit) -> None:
    """What is not said of a record any more is gone, what is said again stays, and other records keep theirs."""
    person = Gap(connection="capsule", record_id="r00001", field="assignees", value="office:person:1")
    other = of_record(replace(person, connection="advisers"), 2)
    unit.replace_gaps(["r00001", "r00002"], [FAX, person, other])
    unit.replace_gaps(["r00001"], [person])
    assert list(unit.gaps()) == [person, other]
    unit.replace_gaps(["r00001", "r00003"], [])
    assert list(unit.gaps()) == [other]
    assert unit.records_with_gap(FAX) == []


def test_a_gap_is_new_once(unit: Unit) -> None:
    """A value is told when no record had it as a gap before, once for all records, and again after it was gone."""
    mail = replace(FAX, value="Mail")
    assert list(unit.replace_gaps(["r00001", "r00002"], [FAX, of_record(FAX, 2), mail, mail])) == [FAX, mail]
    assert list(unit.replace_gaps(["r00001"], [FAX, mail])) == []
    assert list(unit.replace_gaps(["r00003"], [of_record(FAX, 3)])) == []
    assert list(unit.replace_gaps(["r00001", "r00002", "r00003"], [])) == []
    assert list(unit.replace_gaps(["r00002"], [of_record(FAX, 2)])) == [of_record(FAX, 2)]


def test_a_gap_that_moves_to_another_record_is_not_new(unit: Unit) -> None:
    """Before means before the call: what one record loses and another gets in it was known."""
    unit.replace_gaps(["r00001"], [FAX])
    assert list(unit.replace_gaps(["r00001", "r00002"], [of_record(FAX, 2)])) == []
    assert list(unit.gaps()) == [of_record(FAX, 2)]


@pytest.mark.parametrize(
    "other",
    [
        replace(FAX, connection="advisers"),
        replace(FAX, field="assignees"),
        replace(FAX, value="fax"),
        replace(FAX, value="Fax "),
        replace(FAX, value=""),
    ],
)
def test_gaps_differ_by_connection_field_and_value(other: Gap, unit: Unit) -> None:
    """None of the three can stand for another; a gap is told, listed and found by all of them."""
    unit.replace_gaps(["r00001"], [FAX])
    assert list(unit.replace_gaps(["r00002"], [of_record(other, 2)])) == [of_record(other, 2)]
    assert list(unit.gaps()) == [FAX, of_record(other, 2)]
    assert unit.records_with_gap(other) == ["r00002"]


def test_a_gap_is_shown_with_the_record_that_has_had_it_longest(unit: Unit) -> None:
    """One gap stands for all of its connection, field and value; it keeps its age when said again, and not when it was
    gone.
    """
    unit.replace_gaps(["r00003"], [of_record(FAX, 3)])
    unit.replace_gaps(["r00001", "r00002"], [FAX, of_record(FAX, 2)])
    unit.replace_gaps(["r00003"], [of_record(FAX, 3)])
    assert list(unit.gaps()) == [of_record(FAX, 3)]
    assert unit.records_with_gap(of_record(FAX, 4)) == ["r00003", "r00001", "r00002"]
    unit.replace_gaps(["r00003"], [])
    unit.replace_gaps(["r00003"], [of_record(FAX, 3)])
    assert list(unit.gaps()) == [FAX]
    assert unit.records_with_gap(FAX) == ["r00001", "r00002", "r00003"]


@pytest.mark.parametrize(
    "value", ['"quoted" \\ {"$date": "2026-01-01"}', "佐藤 🎉", "half \ud83d", "nul \x00 inside", "line\nbreak", "$[0]"]
)
def test_a_gap_may_be_any_name(value: str, unit: Unit) -> None:
    """Whatever a CRM calls a category, its gap is listed, found and recognised."""
    gap = replace(FAX, value=value)
    assert list(unit.replace_gaps(["r00001"], [gap])) == [gap]
    assert list(unit.replace_gaps(["r00002"], [of_record(gap, 2)])) == []
    assert list(unit.gaps()) == [gap]
    assert unit.records_with_gap(gap) == ["r00001", "r00002"]


def test_a_gap_of_another_record_is_refused(unit: Unit) -> None:
    """A gap of a record whose gaps are not replaced would never go."""
    with pytest.raises(ValueError, match="a gap of r00002 is not among those replaced"):
        unit.replace_gaps(["r00001"], [FAX, of_record(FAX, 2)])


def test_a_gap_of_no_record_is_refused(stocked: SqlMirror) -> None:
    """The record must exist when the unit ends, and may be saved after its gap."""
    with pytest.raises(MirrorUnusable, match="contradicts"), stocked.begin() as unit:
        unit.replace_gaps(["r00009"], [of_record(FAX, 9)])
    with stocked.begin() as unit:
        assert unit.gaps() == []
