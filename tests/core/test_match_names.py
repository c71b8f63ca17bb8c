"""What two tasks have to have in common to be compared at all: the name and the day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import basic_plane, cut, stripped
from tasksync.core.match import COMPARED, alike, day_of
from tasksync.core.record import Value

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
LONDON, NEW_YORK, TOKYO = map(ZoneInfo, ("Europe/London", "America/New_York", "Asia/Tokyo"))


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("Call Mr Jones", "call mr JONES", id="case"),
        pytest.param("Stra\u00dfe", "STRASSE", id="case of more than one letter"),
        pytest.param("  Call \t Mr\n\u00a0Jones ", "Call Mr Jones", id="white space"),
        pytest.param("Caf\u00e9", "Cafe\u0301", id="composed and not"),
        pytest.param("\uff23\uff41\uff4c\uff4c \ufb01rm", "Call firm", id="full width and ligatures"),
        pytest.param("Call \U0001f600 Jones", "Call Jones", id="an emoji"),
        pytest.param("Call \U0001f600 Jones", "Call \ufffd Jones", id="an emoji, replaced"),
        pytest.param("\U0001d400 plan", "plan", id="letters beyond the basic plane"),
        pytest.param("\U0001d400 plan", "\ufffd plan", id="letters beyond the basic plane, replaced"),
        pytest.param("x" * 300, "x" * 255, id="cut"),
        pytest.param("x" * 199 + " y" * 50, "x" * 199, id="cut before a blank"),
        pytest.param("\u00df" * 300, "s" * 200, id="cut after case was folded"),
    ],
)
def test_titles_that_are_alike(left: str, right: str) -> None:
    """Titles are compared without what people and CRMs do to them."""
    assert alike(left) == alike(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("Call Jones", "Call Johns", id="letters"),
        pytest.param("Call Jones", "CallJones", id="a blank"),
        pytest.param("Call", "Call!", id="punctuation"),
        pytest.param("x" * 199 + "a", "x" * 199 + "b", id="the last character that is compared"),
        pytest.param("\uffff", "", id="the last character of the basic plane"),
    ],
)
def test_titles_that_are_not_alike(left: str, right: str) -> None:
    """Any other difference is one."""
    assert alike(left) != alike(right)


@given(st.text(st.characters(max_codepoint=0x2FF) | st.sampled_from(" \U0001f600\U0001d400\U0001f130\U0002f800")))
def test_what_a_crm_does_to_a_title_does_not_matter(title: str) -> None:
    """Stripped, in other letters, its emoji replaced: it is the same name, and a name is its own."""
    assert alike(basic_plane(stripped(title))) == alike(title)
    assert alike(title.lower()) == alike(alike(title)) == alike(title)
    assert len(alike(title)) <= COMPARED


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Zs", "Cc"]), min_size=255))
def test_a_title_cut_elsewhere_has_the_same_name(title: str) -> None:
    """A limit of 255 characters is beyond what is compared."""
    assert alike(cut(255)(title)) == alike(title)


@pytest.mark.parametrize("title", [None, "", " \u00a0", "\U0001f600", "\ufffd"])
def test_what_says_nothing_has_an_empty_name(title: Value) -> None:
    """A missing title is like an empty one, and like one that some CRM cannot store at all."""
    assert not alike(title)


# --- days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "zone", "day"),
    [
        pytest.param(None, LONDON, None, id="none"),
        pytest.param(MONDAY, LONDON, MONDAY, id="a day is itself"),
        pytest.param(datetime(2026, 6, 1, 22, 59, 59, tzinfo=UTC), LONDON, MONDAY, id="a second before midnight"),
        pytest.param(datetime(2026, 6, 1, 23, tzinfo=UTC), LONDON, TUESDAY, id="midnight by the zone's clocks"),
        pytest.param(datetime(2026, 6, 2, 3, tzinfo=UTC), NEW_YORK, MONDAY, id="west of UTC"),
        pytest.param("2026-06-01", LONDON, None, id="what is no due value"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), NEW_YORK, date(1, 1, 1), id="the first day there is"),
        pytest.param(datetime(9999, 12, 31, 23, tzinfo=UTC), TOKYO, date(9999, 12, 31), id="the last day there is"),
        pytest.param(date(1, 1, 1), NEW_YORK, date(1, 1, 1), id="an all-day one needs no zone"),
    ],
)
def test_the_day_of_a_due_value(value: Value, zone: ZoneInfo, day: date | None) -> None:
    """An instant's day is read off the clocks of the zone, unless they lead beyond the calendar."""
    assert day_of(value, zone) == day
