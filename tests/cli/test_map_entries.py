"""What `tasksync map` proposes, and that it can be written into the config as it stands."""

from __future__ import annotations

import re
from itertools import count

from mapped import ANNA, ANNAS_GAP, BERG, Office, found, gap, person

from tasksync.core.directory import Referent

AWKWARD = (
    *(
        "yes",
        "No",
        "null",
        "~",
        "12",
        "007",
        "1e5",
        "0x1F",
        "8c2b-7",
        "5$",
        "${HOME}",
        '"',
        "it's",
        "[x]",
        "{",
        "*a",
        "!a",
    ),
    *(
        "a,b",
        "a: b",
        "a #b",
        "- a",
        "tab\there",
        "Call",
        "Phone call",
        " Ü. Ö",
        "a  b",
        "😀",
        "é-\u2028",
        "_",
        "?",
        "x ",
    ),
)


def suggested(office: Office) -> list[dict[str, str]]:
    return [one["entry"] for one in office.json("--suggest")["suggestions"]]


def test_suggestions(office: Office) -> None:
    """Names that are alike are proposed as YAML that the config takes as it stands, over all connections at once; what
    is taken closes the gap, and is not proposed again.
    """
    with office.mirror.begin() as unit:
        people = [ANNA, BERG, person("advisers", "u-1", "Anna-Maria Berg"), person("capsule", "18", "Nobody Else")]
        office.people(unit, *people)
        unit.save_referents(
            [
                Referent(reference="office:contact:12", name="Müller & Söhne GmbH"),
                Referent(reference="capsule:contact:345", name="Müller und Söhne GmbH"),
            ]
        )
        unit.save_correspondences(
            [found("office:contact:12", "capsule", None), found("capsule:contact:345", "office", None)]
        )
        office.tasks(unit, [ANNAS_GAP, gap("capsule", "r2", "category", "Call")])
        office.tasks(unit, [gap("office", "r3", "category", "Phone call")], "capsule")
    yaml = office.run("--suggest")
    assert yaml.startswith("people:\n  # Anna Berg / Berg, Anna / Anna-Maria Berg: alike by ")
    config = office.configure(yaml)
    assert config.correspondences.people == (
        {"office": "anna@firm.example", "capsule": "berg@other.example", "advisers": "u-1"},
    )
    assert config.correspondences.same == (frozenset({"office:contact:12", "capsule:contact:345"}),)
    assert [dict(one.categories) for one in config.connections] == [{"phone call": "Call"}, {"call": "Phone call"}, {}]
    assert "it is capsule:person:17: the next sync puts it right" in office.run()
    assert suggested(office) == []


def test_what_is_not_clear_is_not_suggested(office: Office) -> None:
    """Of two that may be it neither is proposed, and names that are not alike are left alone."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG, person("capsule", "18", "Anna Berg"), person("advisers", "u-1", "Zoe Quill"))
    assert suggested(office) == []
    assert office.run("--suggest") == "# Nothing has names that are alike enough.\n"


def test_of_two_the_one_that_is_clearly_more_alike(office: Office) -> None:
    """A weaker resemblance does not stand in the way of a strong one."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG, person("capsule", "18", "Anna Bauer"))
    assert suggested(office) == [{"office": "anna@firm.example", "capsule": "berg@other.example"}]


def test_what_is_joined_stays_one_of_each_connection(office: Office) -> None:
    """Alike in pairs, all four would be one; then one connection would have two of them."""
    with office.mirror.begin() as unit:
        office.people(
            unit,
            person("office", "g-1", "Anna Berg"),
            person("office", "g-2", "Anna Bergman"),
            person("capsule", "17", "Anna Berg"),
            person("advisers", "u-1", "Anna Bergmann"),
        )
    assert suggested(office) == [{"office": "g-1", "capsule": "17"}, {"office": "g-2", "advisers": "u-1"}]


def test_cases_of_different_contacts_are_not_suggested(office: Office) -> None:
    """Two cases of one name are proposed only if they may belong to the same contact."""
    with office.mirror.begin() as unit:
        unit.save_referents(
            [
                Referent(reference="office:case:1", name="Renewal", parent="office:contact:12"),
                Referent(reference="capsule:case:2", name="Renewal", parent="capsule:contact:345"),
                Referent(reference="office:opportunity:3", name="Boiler"),
                Referent(reference="capsule:case:4", name="Boiler", parent="capsule:contact:345"),
            ]
        )
        unit.save_correspondences(
            [
                found("office:case:1", "capsule", None),
                found("capsule:case:2", "office", None),
                found("office:opportunity:3", "capsule", None),
                found("capsule:case:4", "office", None),
            ]
        )
    assert suggested(office) == []
    office.configure("links:\n  - {type: contact, office: 12, capsule: 345}")
    assert suggested(office) == [{"type": "case", "office": "1", "capsule": "2"}]


def test_an_entry_that_is_there_is_extended(office: Office) -> None:
    """Somebody who stands in the config already gets the proposal in place of that entry."""
    with office.mirror.begin() as unit:
        office.people(unit, ANNA, BERG, person("advisers", "u-1", "Anna Berg"))
    office.configure("people:\n  - {office: anna@firm.example, capsule: 17}")
    (one,) = office.json("--suggest")["suggestions"]
    assert one["entry"] == {"office": "anna@firm.example", "capsule": "berg@other.example", "advisers": "u-1"}
    assert one["replaces"] == {"office": "anna@firm.example", "capsule": "17"}
    assert "in place of the entry that is there" in office.run("--suggest")


def test_any_name_survives_the_way_through_the_config(office: Office) -> None:
    """Whatever a CRM calls a category, what is printed means that name when it is read."""
    with office.mirror.begin() as unit:
        office.tasks(unit, [gap("capsule", f"r{place}", "category", name) for place, name in enumerate(AWKWARD)])
    yaml = office.run().partition(f"{office.file}:\n")[2]
    numbers = count()
    config = office.configure(re.sub(r"\.\.\.", lambda _: f"there {next(numbers)}", yaml))
    wanted = {f"there {place}": name for place, name in enumerate(AWKWARD)}
    assert config.connections[0].categories == wanted
    assert config.connections[1].categories == {name.casefold(): there for there, name in wanted.items()}
