"""The sections `people`, `categories` and `links`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tasksync.config import Config
from tasksync.core.directory import NOTHING_CONFIGURED
from tasksync.errors import ConfigError

THREE = """\
connections:
  office: {type: office, url: https://crm.example, token: t1}
  capsule: {type: ledger, url: https://one.example, token: t2}
  advisers: {type: ledger, url: https://two.example, token: t3}
"""

# what follows the four lines of the connections | line | key | words of the message, in their order
WRONG: list[tuple[str, int, str, tuple[str, ...]]] = [
    ("people: {office: a}", 5, "people", ("needs a list of entries, such as {office:",)),
    ("people: anna", 5, "people", ("needs a list of entries",)),
    ("people:\n  - anna", 6, "people[0]", ("needs names of connections",)),
    ("people:\n  - {office: a}", 6, "people[0]", ("needs two connections or more",)),
    ("people:\n  - {office: a, capsule: }", 6, "people[0]", ("needs two connections or more",)),
    ("people:\n  - {}", 6, "people[0]", ("needs two connections or more",)),
    ("people:\n  - {office: a, capsul: b}", 6, "people[0].capsul", ("no connection of this", "did you mean capsule?")),
    ("people:\n  - {office: a, other: b}", 6, "people[0].other", ("known are: advisers, capsule, office",)),
    ("people:\n  - {office: a, type: person}", 6, "people[0].type", ("there is no connection of this name",)),
    ("people:\n  - {office: a, capsule: [b]}", 6, "people[0].capsule", ("needs text, or a whole number",)),
    ("people:\n  - {office: a, capsule: true}", 6, "people[0].capsule", ("needs text, or a whole number",)),
    ("people:\n  - {office: a, capsule: 1.5}", 6, "people[0].capsule", ("needs text, or a whole number",)),
    ("people:\n  - {office: a, capsule: ' '}", 6, "people[0].capsule", ("must not be empty",)),
    ("people:\n  - {office: a, capsule: ...}", 6, "people[0].capsule", ("has three dots where you have to write",)),
    (
        "people:\n  - {office: a@x.example, capsule: b}\n  - {advisers: c, office: ' A@X.example'}",
        7,
        "people[1].office",
        ("stands in people[0] already",),
    ),
    (
        "categories:\n  - {office: Call, capsule: Phone}\n  - office: call\n    advisers: Ring",
        7,
        "categories[1].office",
        ("stands in categories[0] already; put all that means the same into one entry",),
    ),
    # capsule could not tell which of its own to take for Call
    (
        "categories:\n  - {office: Call, capsule: Phone}\n  - {advisers: call, capsule: Visit}",
        7,
        "categories[1].advisers",
        ("stands in categories[0] already",),
    ),
    # capsule's own Call would be taken for the Call of office
    (
        "categories:\n  - {office: Call, capsule: Phone}\n  - {advisers: Ring, capsule: Call}",
        7,
        "categories[1].capsule",
        ("stands in categories[0] already",),
    ),
    ("links:\n  - {office: 1, capsule: 2}", 6, "links[0].type", ("is missing; known are: contact, opportunity, case",)),
    ("links:\n  - {type: task, office: 1, capsule: 2}", 6, "links[0].type", ("unknown type; known are: contact",)),
    ("links:\n  - {type: [case], office: 1, capsule: 2}", 6, "links[0].type", ("unknown type",)),
    ("links:\n  - {type: contact, office: 1}", 6, "links[0]", ("needs two connections or more",)),
    (
        "links:\n  - {type: case, office: 1, capsule: 2}\n  - {type: case, office: '1', capsule: 3}",
        7,
        "links[1].office",
        ("stands in links[0] already",),
    ),
]


@pytest.mark.parametrize(("text", "line", "key", "words"), WRONG)
def test_wrong_entry(
    load: Callable[..., Config], tmp_path: Path, text: str, line: int, key: str, words: tuple[str, ...]
) -> None:
    """What is wrong in an entry is one message with file, line and key."""
    with pytest.raises(ConfigError) as caught:
        load(f"{THREE}{text}\n")
    (message,) = str(caught.value).splitlines()
    place, told = f"{tmp_path}/config.yaml:{line}: {key}: ", str(caught.value)
    assert message.startswith(place)
    at = len(place)
    for word in words:
        at = told.index(word, at)


def test_nothing_said(load: Callable[..., Config]) -> None:
    """Without the sections nothing corresponds but by its name or address."""
    for text in ("", "people:\ncategories: []\nlinks: []\n"):
        config = load(f"{THREE}{text}")
        assert config.correspondences == NOTHING_CONFIGURED
        assert [dict(one.categories) for one in config.connections] == [{}, {}, {}]


def test_people(load: Callable[..., Config]) -> None:
    """A person is called by address or id, in each connection that the entry names; an id may be a number."""
    said = load(
        f"{THREE}people:\n"
        "  - {office: anna@firm.example, capsule: 12, advisers: 0b0b-77}\n"
        "  - {capsule: ' bob@firm.example ', advisers: '${BOB:-bob}', office: }\n"
    ).correspondences
    assert said.people == (
        {"office": "anna@firm.example", "capsule": "12", "advisers": "0b0b-77"},
        {"capsule": " bob@firm.example ", "advisers": "bob"},
    )
    named = [("office", "Anna@firm.example")]
    assert said.counterpart("office:person:77", "capsule", named) == "12"
    assert said.counterpart("capsule:person:9", "advisers", [("capsule", "BOB@firm.example")]) == "bob"


def test_links(load: Callable[..., Config]) -> None:
    """Of each type, ids that mean the same; the same id can be that of a contact and of a case."""
    said = load(
        f"{THREE}links:\n"
        "  - {type: contact, office: 12, capsule: 345, advisers: 8c2b-1}\n"
        "  - {type: case, office: 12, capsule: 345}\n"
    ).correspondences
    assert said.same == (
        frozenset({"office:contact:12", "capsule:contact:345", "advisers:contact:8c2b-1"}),
        frozenset({"office:case:12", "capsule:case:345"}),
    )
    assert said.counterpart("capsule:contact:345", "advisers") == "advisers:contact:8c2b-1"
    assert said.counterpart("capsule:case:345", "advisers") is None


def test_categories(load: Callable[..., Config]) -> None:
    """Each connection is told its own names of what the others call otherwise; one name may serve two of them."""
    config = load(
        f"{THREE}categories:\n"
        "  - {office: Call, capsule: Phone call, advisers: Call}\n"
        "  - {office: 2026, capsule: STRASSE}\n"
    )
    found = {one.name: dict(one.categories) for one in config.connections}
    assert found == {
        "office": {"phone call": "Call", "call": "Call", "strasse": "2026"},
        "capsule": {"call": "Phone call", "2026": "STRASSE"},
        "advisers": {"call": "Call", "phone call": "Call"},
    }


def test_categories_of_groups_that_have_nothing_in_common(load: Callable[..., Config]) -> None:
    """Two entries may have the same name if no connection could mistake one for the other."""
    fourth = "  archive: {type: ledger, url: https://three.example, token: t4}\n"
    config = load(f"{THREE}{fourth}categories:\n  - {{office: Call, capsule: A}}\n  - {{advisers: Call, archive: B}}\n")
    found = {one.name: dict(one.categories) for one in config.connections}
    assert found == {
        "office": {"a": "Call"},
        "capsule": {"call": "A"},
        "advisers": {"b": "Call"},
        "archive": {"call": "B"},
    }


def test_all_entries_are_looked_at(load: Callable[..., Config], tmp_path: Path) -> None:
    """What is wrong with one entry hides nothing of the others, and no message shows what stands there."""
    text = dedent(
        """\
        people:
          - {office: hunter2, capsule: ...}
          - {office: hunter2, capsul: hunter2}
        categories: hunter2
        links:
          - {type: hunter2, office: hunter2, capsule: [hunter2]}
        """
    )
    with pytest.raises(ConfigError) as caught:
        load(f"{THREE}{text}")
    found = [line.removeprefix(f"{tmp_path}/config.yaml:").split(": ")[:2] for line in str(caught.value).splitlines()]
    assert found == [
        ["6", "people[0].capsule"],
        ["7", "people[1].capsul"],
        ["8", "categories"],
        ["10", "links[0].capsule"],
        ["10", "links[0].type"],
    ]
    assert "hunter2" not in str(caught.value)


def test_without_connections_only_that_is_told(load: Callable[..., Config]) -> None:
    """Where no connection is known, what the entries call them is no second mistake."""
    with pytest.raises(ConfigError) as caught:
        load("people:\n  - {office: a, capsule: b}\n")
    assert len(str(caught.value).splitlines()) == 1
