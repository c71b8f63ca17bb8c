"""How values look to people and to programs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from tasksync.cli import forms, show
from tasksync.core.record import Value, identical

NOON = datetime(2026, 6, 1, 12, 30, 15, 999_999, tzinfo=UTC)
PEOPLE = ("office:person:1", "capsule:person:cleo")


@pytest.mark.parametrize(
    ("value", "for_people", "for_programs"),
    [
        pytest.param(None, "-", None, id="none"),
        pytest.param("", "-", "", id="empty text"),
        pytest.param("line\none", "line\none", "line\none", id="text"),
        pytest.param("beep \a\x1b[2J", "beep \ufffd\ufffd[2J", "beep \a\x1b[2J", id="what a terminal would obey"),
        pytest.param(True, "yes", True, id="yes"),
        pytest.param(False, "no", False, id="no"),
        pytest.param(15, "15", 15, id="minutes"),
        pytest.param(date(2026, 6, 1), "2026-06-01", "2026-06-01", id="a day"),
        pytest.param(NOON, "2026-06-01T12:30:15Z", "2026-06-01T12:30:15Z", id="an instant"),
        pytest.param((), "-", [], id="nobody"),
        pytest.param(PEOPLE[:1], "office:person:1", ["office:person:1"], id="one reference"),
        pytest.param(PEOPLE, "office:person:1, capsule:person:cleo", list(PEOPLE), id="several references"),
        pytest.param(("a:person:\x1b",), "a:person:\ufffd", ["a:person:\x1b"], id="a reference a terminal would obey"),
    ],
)
def test_a_value_has_a_form_for_people_and_one_for_programs(
    value: Value, for_people: str, for_programs: object
) -> None:
    """People read one text, programs get what JSON knows: references as a list."""
    assert show.whole(value) == for_people
    assert identical(forms.jsonable(value), for_programs)
    assert json.loads(json.dumps(forms.plain({"x": value}))) == {"x": for_programs}


def test_a_brief_value_is_one_short_line() -> None:
    """Line breaks become blanks, and what is too long for a table is cut with a mark, also references."""
    assert show.brief("two\n  lines") == "two lines"
    assert show.brief("x" * 60) == "x" * 60
    assert show.brief("x" * 61) == "x" * 59 + "…"
    many = tuple(f"office:person:{number}" for number in range(9))
    assert show.brief(many[:2]) == "office:person:0, office:person:1"
    assert show.brief(many) == ", ".join(many)[:59] + "…"
