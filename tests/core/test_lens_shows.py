"""What each lens shows, and what may stand for what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import (
    KEEP,
    Lens,
    basic_plane,
    choice,
    cut,
    cut_bytes,
    due,
    one_line,
    same,
    stripped,
    text,
    wall_clock,
    whole_seconds,
)
from tasksync.core.record import Value, identical

CATEGORIES = ("Call", "E-Mail", "Stra\u00dfe", "Встреча")
TWINS = ("call", "Call", "CALL", "Stra\u00dfe", "Strasse")

texts = st.text() | st.text("a\u00e9 \n\t\u2028\u20ac\ufffd\U0001f600", max_size=12) | st.text().map(lambda t: t * 60)


# --- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lens", "canonical", "shown"),
    [
        pytest.param(same("x"), "a\nb", "a\nb", id="same"),
        pytest.param(text("x"), None, "", id="no text shows as empty"),
        pytest.param(text("x", required=True), "", KEEP, id="an empty text has no form where one is required"),
        pytest.param(text("x", stripped, required=True), " \t", KEEP, id="nor has one that comes out empty"),
        pytest.param(text("x", stripped, cut(3)), " abcd ", "abc", id="filters apply in the order given"),
        pytest.param(text("x", cut(3), stripped), " abcd ", "ab", id="and in the other order"),
        pytest.param(text("x", cut(255)), "x" * 256, "x" * 255, id="one character too many"),
        pytest.param(text("x", cut(255)), "x" * 255, "x" * 255, id="just as many as fit"),
        pytest.param(text("x", one_line), "a\r\nb\nc\rd", "a b c d", id="line breaks become blanks"),
        pytest.param(text("x", one_line), "a\u2028b", "a\u2028b", id="what is no line break stays"),
        pytest.param(text("x", basic_plane), "Call \U0001f600\uffff", "Call \ufffd\uffff", id="an emoji is replaced"),
        pytest.param(text("x", cut_bytes(9)), "a\ud83d", "a?", id="half a surrogate pair is replaced"),
        pytest.param(choice("x", CATEGORIES), "CALL", "Call", id="a name in the CRM's own spelling"),
        pytest.param(choice("x", TWINS), "call", "call", id="an exact name before one of another case"),
        pytest.param(choice("x", TWINS), "cALL", "CALL", id="always the same one of several"),
        pytest.param(choice("x", TWINS[::-1]), "cALL", "CALL", id="in whatever order they come"),
        pytest.param(choice("x", ["Call", "call"]), "Call", "Call", id="an exact name, whichever comes first"),
        pytest.param(choice("x", CATEGORIES), "Fax", KEEP, id="an unknown name has no form"),
        pytest.param(choice("x", CATEGORIES), None, None, id="no name"),
        pytest.param(choice("x", CATEGORIES, clearable=False), None, KEEP, id="no name where it cannot be cleared"),
        pytest.param(choice("x", CATEGORIES, required=True), None, KEEP, id="no name where one is required"),
        pytest.param(due("x", whole_seconds), None, None, id="no due date"),
        pytest.param(due("x", whole_seconds, required=True), None, KEEP, id="no due date where one is required"),
    ],
)
def test_a_lens_shows(lens: Lens, canonical: Value, shown: Value) -> None:
    """Each kind of lens shows a canonical value as its CRM would."""
    assert identical(lens.get(canonical), shown)


@pytest.mark.parametrize(
    "lens",
    [
        same("x", required=True),
        text("x", required=True),
        choice("x", (), required=True),
        due("x", whole_seconds, required=True),
    ],
)
def test_a_lens_knows_its_field_and_whether_a_value_is_required(lens: Lens) -> None:
    """Planning reads both off the lens."""
    assert lens.field == "x"
    assert lens.required
    assert not same("x").required


@given(texts, st.integers(0, 12))
def test_cut_by_bytes_keeps_as_much_as_fits(whole: str, limit: int) -> None:
    """A beginning of the text, of whole characters, to which the next one would be too much."""
    kept = cut_bytes(limit)(whole)
    assert whole.startswith(kept)
    assert len(kept.encode()) <= limit
    assert kept == whole or len(whole[: len(kept) + 1].encode()) > limit


LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        pytest.param("2026-10-25T00:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="the first 01:30"),
        pytest.param("2026-10-25T01:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="the second 01:30"),
        pytest.param("2026-10-25T02:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC), id="02:00 comes once"),
        pytest.param("2026-06-30T23:00:00", date(2026, 7, 1), id="midnight in summer"),
        pytest.param("2026-06-30T23:00:00.900", date(2026, 7, 1), id="fractions of a second are not kept"),
        pytest.param("2026-06-30T23:00:01", datetime(2026, 6, 30, 23, 0, 1, tzinfo=UTC), id="a second later"),
        pytest.param("2026-01-05T00:00:00", date(2026, 1, 5), id="midnight in winter"),
    ],
)
def test_a_wall_clock_in_london(moment: str, shown: date | datetime) -> None:
    """Of two instants with the same local time the first is shown, and local midnight as a day."""
    instant = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert identical(wall_clock(LONDON, midnight_is_all_day=True)(instant), shown)


def test_midnight_that_comes_twice_is_one_day() -> None:
    """In Havana both of the midnights of 1 November 2026 show as that day."""
    show = wall_clock(ZoneInfo("America/Havana"), midnight_is_all_day=True)
    first = datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert show(first) == show(first + timedelta(hours=1)) == date(2026, 11, 1)


def test_a_day_is_not_shifted_by_a_zone() -> None:
    """All-day dates show as they are, however far west the CRM is."""
    lens = due("due", wall_clock(ZoneInfo("Pacific/Apia"), midnight_is_all_day=True))
    assert identical(lens.get(date(2026, 6, 1)), date(2026, 6, 1))
    assert identical(lens.get(date(2011, 12, 30)), date(2011, 12, 30))


# --- the ends of the calendar -----------------------------------------------------------------------------------------

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NEW_YORK, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(("moment", "zone"), [(FIRST, NEW_YORK), (LAST, TOKYO)], ids=["first", "last"])
@pytest.mark.parametrize("midnight_is_all_day", [True, False])
def test_an_instant_that_a_zone_leads_out_of_the_calendar_has_no_form(
    moment: datetime, zone: ZoneInfo, *, midnight_is_all_day: bool
) -> None:
    """A CRM that keeps local time can show no time before the first or after the last there is."""
    lens = due("due", wall_clock(zone, midnight_is_all_day=midnight_is_all_day))
    assert lens.get(moment) is KEEP
    assert identical(lens.get(moment.date()), moment.date())
    assert identical(lens.put(date(2026, 6, 1), moment), date(2026, 6, 1))


@pytest.mark.parametrize(("moment", "zone"), [(FIRST, TOKYO), (LAST, NEW_YORK)], ids=["first", "last"])
def test_an_instant_at_the_very_end_that_stays_inside_is_shown(moment: datetime, zone: ZoneInfo) -> None:
    """On the other side of the world there is still a day for it."""
    assert identical(due("due", wall_clock(zone, midnight_is_all_day=True)).get(moment), moment)


# --- what may stand for what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lens", "remote", "canonical", "default", "stands"),
    [
        pytest.param(same("x"), "Call", "Call", None, True, id="the same"),
        pytest.param(same("x"), "Fax", "Call", None, False, id="another"),
        pytest.param(same("x"), "Fax", "Call", "Fax", False, id="a default, where the value itself can be shown"),
        pytest.param(same("x"), date(2026, 6, 1), FIRST.replace(year=2026, month=6), None, False, id="another type"),
        pytest.param(text("x", cut(4)), "Call", "Call back", None, True, id="its beginning"),
        pytest.param(text("x", cut(4)), "Cal", "Call back", None, False, id="less than its beginning"),
        pytest.param(text("x", cut(4)), "Call back", "Call", None, False, id="more than the value"),
        pytest.param(choice("x", ["Call", "Mail"]), "Call", "call", None, True, id="the CRM's spelling"),
        pytest.param(choice("x", ["Call", "Mail"]), "Call", "Fax", "Call", True, id="the default for what has no form"),
        pytest.param(choice("x", ["Call", "Mail"]), "Mail", "Fax", "Call", False, id="no default, and chosen so"),
        pytest.param(choice("x", ["Call", "Mail"]), None, "Fax", None, True, id="nothing, where there is no default"),
        pytest.param(choice("x", ["Call", "Mail"]), None, "Fax", "Call", False, id="nothing, in place of the default"),
        pytest.param(due("x", whole_seconds, required=True), FIRST, None, FIRST, True, id="a due date for want of one"),
        pytest.param(due("x", whole_seconds, required=True), LAST, None, FIRST, False, id="a due date of its own"),
    ],
)
def test_what_may_be_all_that_a_crm_has_of_a_value(
    lens: Lens, remote: Value, canonical: Value, default: Value, *, stands: bool
) -> None:
    """A remote form stands for a value if it is all that can be shown of it, or the default where nothing can."""
    assert lens.stands_for(remote, canonical, default) is stands


@given(canonical=texts, remote=texts, default=texts)
def test_a_cut_text_stands_for_what_it_was_cut_from(canonical: str, remote: str, default: str) -> None:
    """What a lens shows stands for what it was shown of, and nothing else does, whatever the default."""
    lens = text("x", cut(5))
    shown = lens.get(canonical)
    assert shown is not KEEP
    assert lens.stands_for(shown, canonical, default)
    assert lens.stands_for(remote, canonical, default) is (remote == shown)


def test_keep_says_what_it_is() -> None:
    """In a failed assertion and in a log it reads KEEP."""
    assert repr(KEEP) == "KEEP"
