"""The rows of a listing as sightings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasksync.connectors import sightings as module
from tasksync.connectors.sightings import json_form, sightings
from tasksync.core.record import Observation

ROW: dict[str, Any] = {"id": 7, "title": "Ring Bob", "owner": {"id": 3}, "tags": [1, 2], "done": False}


def digest(row: object, context: object = "office") -> str:
    """Of a row alone."""

    def read(_: object) -> Observation:
        raise AssertionError("nobody wanted it to be read")

    [one] = sightings([row], id_of=lambda _: "7", read=read, form=json_form, context=context)
    assert one.external_id == "7"
    return one.digest


def test_the_same_row_has_the_same_digest() -> None:
    """Also when it comes another time, in a process of its own."""
    assert digest(json.loads(json.dumps(ROW))) == digest(ROW) != ""


@pytest.mark.parametrize(
    "change",
    [
        {"id": 8},
        {"title": "Ring Rob"},
        {"owner": {"id": 4}},
        {"tags": [2, 1]},
        {"done": 0},
        {"done": None},
        {"new": ""},
    ],
    ids=repr,
)
def test_any_change_of_the_row_shows(change: dict[str, Any]) -> None:
    """Whatever it is in, and be it only the type."""
    assert digest({**ROW, **change}) != digest(ROW)


def test_what_a_row_is_read_by_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another zone, another name of the connection, another version of tasksync: the row has to be read again."""
    before = digest(ROW)
    assert digest(ROW, "capsule") != before
    monkeypatch.setattr(module, "__version__", "99.0")
    assert digest(ROW) != before


def test_half_a_character_has_no_digest() -> None:
    """A text that a CRM has cut within a character can be read, if not told apart."""
    assert digest({**ROW, "title": "Ring \ud83d"}) == ""


def test_reading_waits_until_it_is_wanted() -> None:
    """Each sighting reads its own row."""
    found = sightings(
        [1, 2],
        id_of=str,
        read=lambda row: Observation(external_id=str(row), values={"title": f"row {row}"}),
        form=json_form,
        context="",
    )
    assert [one.read().values["title"] for one in reversed(found)] == ["row 2", "row 1"]
