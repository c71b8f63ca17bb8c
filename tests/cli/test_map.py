"""`tasksync map`: what it shows of a mirror, and what it says is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mapped import ANNA, ANNAS_GAP, BERG, CONFIG, NOW, Office, found, gap, person
from typer.testing import CliRunner

from tasksync.cli.app import app
from tasksync.core.directory import Referent
from tasksync.core.record import Record, Replica


def test_without_gaps(office: Office) -> None:
    """People who have the same address stand in one row; the others stand alone, and there is nothing to do."""
    with office.mirror.begin() as unit:
        same = person("capsule", "17", "A. Berg", "ANNA@firm.example")
        office.people(unit, ANNA, same, person("advisers", "u-9", "Zoe", "zoe@firm.example"))
    assert office.json() == {
        "people": [
            {
                "group": "all",
                "members": {
                    "office": {"id": "g-1", "name": "Anna Berg", "emails": ["anna@firm.example"]},
                    "capsule": {"id": "17", "name": "A. Berg", "emails": ["ANNA@firm.example"]},
                    "advisers": None,
                },
            },
            {
                "group": "all",
                "members": {
                    "office": None,
                    "capsule": None,
                    "advisers": {"id": "u-9", "name": "Zoe", "emails": ["zoe@firm.example"]},
                },
            },
        ],
        "links": [],
        "gaps": [],
    }
    shown = office.run()
    assert re.search(r"Anna Berg <anna@firm.example> +A. Berg <ANNA@firm.example> +- ", shown)
    assert "There is no gap" in shown


def test_a_person_whom_a_crm_does_not_know(office: Office) -> None:
    """The gap tells who, where, in how many tasks and why; what to write has her address and dots to fill in."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG)
        office.tasks(unit, [ANNAS_GAP, gap("capsule", "r2", "assignees", ANNA.reference)])
    (told,) = office.json()["gaps"]
    assert told == {
        "connection": "capsule",
        "field": "assignees",
        "value": "office:person:g-1",
        "name": "Anna Berg",
        "tasks": 2,
        "record": "r1",
        "why": "nobody in capsule has the same e-mail address, or more than one",
        "write": {
            "section": "people",
            "entry": {"office": "anna@firm.example", "capsule": "..."},
            "replaces": None,
        },
    }
    shown = office.run()
    assert "people:\n  # Anna Berg\n  - {office: anna@firm.example, capsule: ...}\n" in shown
    assert str(office.file) in shown


def test_gaps_in_several_crms_are_one_entry(office: Office) -> None:
    """Two entries for one person would be refused, so what closes both gaps is one."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA)
        office.tasks(unit, [ANNAS_GAP, gap("advisers", "r1", "assignees", ANNA.reference)])
    entry = {"office": "anna@firm.example", "capsule": "...", "advisers": "..."}
    assert [one["write"]["entry"] for one in office.json()["gaps"]] == [entry, entry]
    assert office.run().count("anna@firm.example, capsule") == 1


def test_one_person_under_two_references_is_one_entry(office: Office) -> None:
    """Tasks name her as the CRM does in which she was put there; whoever lacks her lacks one person."""
    same = person("capsule", "17", "A. Berg", "anna@firm.example")
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, same)
        office.tasks(
            unit, [gap("advisers", f"r{at}", "assignees", one.reference) for at, one in enumerate([ANNA, same])]
        )
    entry = {"office": "anna@firm.example", "capsule": "anna@firm.example", "advisers": "..."}
    assert [one["write"]["entry"] for one in office.json()["gaps"]] == [entry, entry]
    assert office.run().count("- {") == 1


def test_once_it_is_configured_the_next_sync_closes_it(office: Office) -> None:
    """An entry that leads to somebody shows her in one row, and the gap says that it is only waiting for a sync."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG)
        office.tasks(unit, [ANNAS_GAP])
    office.configure("people:\n  - {office: anna@firm.example, capsule: 17}")
    told = office.json()
    assert told["people"][0]["members"]["capsule"]["id"] == "17"
    (one,) = told["gaps"]
    assert (one["why"], one["write"]) == ("it is capsule:person:17: the next sync puts it right", None)
    assert "fill in the dots" not in office.run()


def test_a_configured_name_that_nobody_has(office: Office) -> None:
    """An entry that leads nowhere is named, and what to write goes in its place, with what is right of it."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG)
        office.tasks(unit, [ANNAS_GAP])
    office.configure("people:\n  - {office: anna@firm.example, capsule: 71, advisers: u-5}")
    (one,) = office.json()["gaps"]
    assert one["why"] == "the config says 71, but nobody in capsule has that address or id, or more than one"
    assert one["write"] == {
        "section": "people",
        "entry": {"office": "anna@firm.example", "capsule": "...", "advisers": "u-5"},
        "replaces": {"office": "anna@firm.example", "capsule": "71", "advisers": "u-5"},
    }
    assert "  # Anna Berg; in place of the entry that is there\n" in office.run()


def test_an_address_that_several_have_is_no_name(office: Office) -> None:
    """Somebody who shares an address is called by the id: the address would lead to nobody."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, person("office", "g-2", "Info", "anna@firm.example"))
        office.tasks(unit, [ANNAS_GAP])
    (one,) = office.json()["gaps"]
    assert one["write"]["entry"] == {"office": "g-1", "capsule": "..."}


@pytest.mark.parametrize(
    ("referent", "listed", "why"),
    [
        (ANNA, False, "the people of capsule are not known yet"),
        (person("office", "g-1", "Anna Berg"), True, "office tells no e-mail address"),
        (None, True, "office does not list anybody of that id"),
    ],
)
def test_why_somebody_is_not_known(office: Office, *, referent: Referent | None, listed: bool, why: str) -> None:
    """The reason says what to look at; an entry can close all of them, by her id if need be."""
    with office.mirror.begin() as unit:
        unit.save_people("office", [] if referent is None else [referent], NOW)
        if listed:
            unit.save_people("capsule", [], NOW)
        office.tasks(unit, [ANNAS_GAP])
    (one,) = office.json()["gaps"]
    assert one["why"] == why
    assert one["write"]["entry"]["office"] in {"anna@firm.example", "g-1"}


def test_categories(office: Office) -> None:
    """Who has written the name stands in the entry; a mapping that is configured by now is said to be waiting."""
    with office.mirror.begin() as unit:
        office.tasks(unit, [gap("capsule", "r1", "category", "Call")])
        office.tasks(unit, [gap("office", "r2", "category", "Phone: call")], "capsule")
    first, second = office.json()["gaps"]
    assert (first["why"], first["write"]["entry"]) == (
        "capsule has no category of this name",
        {"office": "Call", "capsule": "..."},
    )
    assert second["write"]["entry"] == {"office": "...", "capsule": "Phone: call"}
    assert '- {office: ..., capsule: "Phone: call"}' in office.run()

    office.configure('categories:\n  - {office: Call, capsule: "Phone: call"}')
    first, second = office.json()["gaps"]
    assert first["why"] == "the config says Phone: call: the next sync puts it right, if capsule has such a category"
    assert first["write"]["replaces"] == {"capsule": "Phone: call"}


@pytest.mark.parametrize(
    ("lacking", "entry"), [(["capsule"], {"office": "Call", "capsule": "..."}), (["office"], None)]
)
def test_a_category_that_nobody_wrote(office: Office, lacking: list[str], entry: dict[str, str] | None) -> None:
    """A name that a person brought back from the history belongs to a connection that has it; if none has, no entry
    can help.
    """
    with office.mirror.begin() as unit:
        gone = [gap(name, "r1", "category", "Call") for name in {*lacking, *(() if entry else ("capsule", "advisers"))}]
        office.tasks(unit, gone, "tasksync")
    for one in office.json()["gaps"]:
        assert (one["write"] and one["write"]["entry"]) == entry


def test_links(office: Office) -> None:
    """Things that correspond stand in one row, also those that the config says; a gap tells the type and the id."""
    with office.mirror.begin() as unit:
        unit.save_referents(
            [
                Referent(reference="office:contact:12", name="Acme"),
                Referent(reference="capsule:contact:345", name="Acme"),
                Referent(reference="office:case:9", name="Renewal", parent="office:contact:12"),
            ]
        )
        unit.save_correspondences(
            [
                found("office:contact:12", "capsule", "capsule:contact:345"),
                found("capsule:contact:345", "office", "office:contact:12"),
                found("office:case:9", "capsule", None),
            ]
        )
        office.tasks(unit, [gap("capsule", "r1", "links", "office:case:9")])
    told = office.json()
    assert told["links"] == [
        {
            "type": "contact",
            "group": "all",
            "members": {
                "office": {"id": "12", "name": "Acme", "emails": []},
                "capsule": {"id": "345", "name": "Acme", "emails": []},
                "advisers": None,
            },
        }
    ]
    assert [(one["name"], one["why"], one["write"]["entry"]) for one in told["gaps"]] == [
        (
            "Renewal",
            "nothing in capsule is it by address, name or contact, or more than one",
            {"type": "case", "office": "9", "capsule": "..."},
        )
    ]
    assert "- {type: case, office: 9, capsule: ...}" in office.run()

    office.configure("links:\n  - {type: contact, office: 12, advisers: u-7}\n  - {type: case, office: 9, capsule: 81}")
    told = office.json()
    assert [[one and one["id"] for one in row["members"].values()] for row in told["links"]] == [
        ["9", "81", None],
        ["12", "345", "u-7"],
    ]
    assert told["gaps"][0]["why"] == "it is capsule:case:81: the next sync puts it right"


def test_what_was_not_looked_for_yet(office: Office) -> None:
    """What no sync has looked for is no task for a person yet, and is said to be none."""
    with office.mirror.begin() as unit:
        office.tasks(unit, [gap("capsule", "r1", "links", "office:contact:12")])
    assert office.json()["gaps"][0]["why"] == "it was not looked for in capsule yet: the next sync does"


def test_a_case_that_is_kept_in_step(office: Office) -> None:
    """Such a case is where its replicas are. Where it has none, the config cannot help, but `explain` can."""
    with office.mirror.begin() as unit:
        unit.save_records([Record(id="c1", kind="case", group="all", versions={})])
        unit.save_replicas(
            Replica(connection=name, kind="case", external_id=id_, record_id="c1", shadow={}, seen_at=NOW)
            for name, id_ in (("office", "9"), ("advisers", "u-3"))
        )
        office.tasks(unit, [gap(name, "r1", "links", "office:case:9") for name in ("capsule", "advisers")])
    assert office.json()["links"] == []
    office.configure("sync: {kinds: [task, case]}")
    told = office.json()
    assert [[one and one["id"] for one in row["members"].values()] for row in told["links"]] == [["9", None, "u-3"]]
    assert [(one["why"], one["write"]) for one in told["gaps"]] == [
        ("it is not in capsule: tasksync explain c1", None),
        ("it is advisers:case:u-3: the next sync puts it right", None),
    ]


def test_a_type_of_link_that_nothing_corresponds_to(office: Office) -> None:
    """No entry is proposed where none would be taken."""
    with office.mirror.begin() as unit:
        office.tasks(unit, [gap("capsule", "r1", "links", "advisers:employee:u-1")])
    (one,) = office.json()["gaps"]
    assert (one["why"], one["write"]) == ("capsule has nothing of the type employee", None)


def test_of_a_connection_that_is_not_configured_any_more(office: Office) -> None:
    """What is left in the mirror of a connection that is gone is shown, and nothing can be written for it."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA)
        office.tasks(unit, [gap("capsule", "r1", "assignees", "gone:person:3"), gap("gone", "r2", "category", "Call")])
    assert [one["write"] for one in office.json()["gaps"]] == [None, None]
    assert "gone:person:3" in office.run()


def test_each_group_is_for_itself(office: Office) -> None:
    """Nobody of another group is a counterpart, nor is it proposed as one."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, person("advisers", "u-1", "Anna Berg", "anna@firm.example"))
    office.configure("groups:\n  one: {connections: [office, capsule]}\n  two: {connections: [advisers]}")
    told = office.json("--suggest")
    assert [(row["group"], list(row["members"])) for row in told["people"]] == [
        ("one", ["office", "capsule"]),
        ("two", ["advisers"]),
    ]
    assert told["suggestions"] == []
    assert "People of group one" in office.run()


def test_nothing_that_a_terminal_obeys(office: Office) -> None:
    """Names from a CRM are shown, never carried out, also in the comments of the YAML."""
    with office.mirror.begin() as unit:
        office.people(unit, person("office", "g-1", "Anna\x1b[2J\n[bold]Berg"))
        office.tasks(unit, [ANNAS_GAP])
    shown = office.run()
    assert "\x1b" not in shown
    assert "[bold]Berg" in shown
    assert "Anna\ufffd[2J [bold]Berg\n" in shown


def test_before_the_first_sync(tmp_path: Path) -> None:
    """Without a mirror there is nothing to show: exit 2, a sentence, and no file appears."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    done = CliRunner().invoke(app, ["--config", str(tmp_path / "config.yaml"), "map"])
    assert "There is no mirror" in str(done.exception)
    assert [one.name for one in tmp_path.iterdir()] == ["config.yaml"]
