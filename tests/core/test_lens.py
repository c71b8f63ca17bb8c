"""The laws of every way to build a lens, and what each of them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

# The nights of each zone on which its clocks are put forward or back, or a day is left out, in UTC.
NIGHTS = {
    "Europe/London": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),  # by half an hour
    "America/Sao_Paulo": ("2018-11-04T03:00", "2018-02-18T02:00"),  # at midnight: 00:00 is missing, 23:00 comes twice
    "Asia/Beirut": ("2026-03-28T22:00", "2026-10-24T21:00"),  # likewise
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),  # 00:00 is missing, 00:00 comes twice
    "Pacific/Apia": ("2011-12-30T10:00",),  # a whole day is missing
}
ZONES = sorted(NIGHTS)
CATEGORIES = ("Call", "E-Mail", "Stra\u00dfe", "Встреча")
TWINS = ("call", "Call", "CALL", "Stra\u00dfe", "Strasse")

texts = st.text() | st.text("a\u00e9 \n\t\u2028\u20ac\ufffd\U0001f600", max_size=12) | st.text().map(lambda t: t * 60)
days = st.dates(date(1900, 1, 1), date(2200, 1, 1))
anywhere = st.timedeltas(timedelta(days=-25_000), timedelta(days=84_000)).map(
    lambda since: datetime(1970, 1, 1, tzinfo=UTC) + since
)
names = st.sampled_from([*CATEGORIES, "call", "CALL", "STRASSE", "встреча", "Fax", ""])


def changes_of(zone: str) -> list[datetime]:
    return [datetime.fromisoformat(night).replace(tzinfo=UTC) for night in NIGHTS[zone]]


def near_changes_of(zone: str) -> st.SearchStrategy[datetime]:
    """Instants within a day of a change of clocks, with and without fractions of a second."""
    return st.builds(
        lambda change, us: change + timedelta(microseconds=us),
        st.sampled_from(changes_of(zone)),
        st.integers(-100_000, 100_000).map(lambda s: s * 1_000_000) | st.integers(-(10**11), 10**11),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A lens, with canonical values of its field and every remote form that its CRM can show."""

    name: str
    lens: Lens
    canonical: st.SearchStrategy[Value]
    remote: st.SearchStrategy[Value]


def text_case(name: str, *filters: Callable[[str], str], required: bool = False) -> Case:
    def kept(value: str) -> str:
        for change in filters:
            value = change(value)
        return value

    remote = texts.map(kept)
    if required:
        remote = remote.filter(bool)
    lens = text("title", *filters, required=required)
    return Case(name=name, lens=lens, canonical=texts | st.none(), remote=remote)


def wall_clock_case(zone: str, *, midnight_is_all_day: bool) -> Case:
    """What is shown there is what a reader makes of a local time: it takes the first of two, and midnight as a day."""
    here = ZoneInfo(zone)

    def read(moment: datetime) -> Value:
        local = moment.astimezone(here).replace(microsecond=0)
        if midnight_is_all_day and (local.hour, local.minute, local.second) == (0, 0, 0):
            return local.date()
        return local.replace(fold=0).astimezone(UTC)

    moments = near_changes_of(zone) | anywhere
    midnights = days.map(lambda day: datetime(day.year, day.month, day.day, tzinfo=here).astimezone(UTC))
    return Case(
        name=f"{zone}, midnight is {'all-day' if midnight_is_all_day else 'a time'}",
        lens=due("due", wall_clock(here, midnight_is_all_day=midnight_is_all_day)),
        canonical=st.none() | days | moments | midnights,
        remote=st.none() | days | moments.map(read) | midnights.map(read),
    )


dues = st.none() | days | anywhere
whole_dues = st.none() | days | anywhere.map(whole_seconds)
known = st.sampled_from(CATEGORIES)
CASES = [
    Case(name="same", lens=same("x"), canonical=texts | dues | st.booleans(), remote=texts | dues | st.booleans()),
    text_case("text as it is"),
    text_case("text, required", required=True),
    text_case("cut", cut(5)),
    text_case("cut at 255", cut(255)),
    text_case("cut by bytes", cut_bytes(7)),
    text_case("stripped", stripped),
    text_case("stripped, required", stripped, required=True),
    text_case("basic plane", basic_plane),
    text_case("one line", one_line),
    text_case("several filters", basic_plane, one_line, cut(9), stripped, required=True),
    Case(name="choice", lens=choice("x", CATEGORIES), canonical=names | st.none(), remote=known | st.none()),
    Case(
        name="choice, names that differ in case",
        lens=choice("x", TWINS),
        canonical=st.sampled_from([*TWINS, "cALL", "STRASSE", None]),
        remote=st.sampled_from([*TWINS, None]),
    ),
    Case(
        name="choice, not clearable",
        lens=choice("x", CATEGORIES, clearable=False),
        canonical=names | st.none(),
        remote=known,
    ),
    Case(
        name="choice, required",
        lens=choice("x", CATEGORIES, required=True),
        canonical=names | st.none(),
        remote=known,
    ),
    Case(name="whole seconds", lens=due("due", whole_seconds), canonical=dues, remote=whole_dues),
    Case(
        name="whole seconds, required",
        lens=due("due", whole_seconds, required=True),
        canonical=dues,
        remote=days | anywhere.map(whole_seconds),
    ),
    *(wall_clock_case(zone, midnight_is_all_day=flag) for zone in ZONES for flag in (False, True)),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


# --- the laws ---------------------------------------------------------------------------------------------------------


@every_case
@given(data=st.data())
def test_an_edit_arrives_as_it_was_made(case: Case, data: st.DataObject) -> None:
    """PutGet: get(put(r, c)) == r."""
    remote, canonical = data.draw(case.remote), data.draw(case.canonical)
    assert identical(case.lens.get(case.lens.put(remote, canonical)), remote)


@every_case
@given(data=st.data())
def test_what_we_wrote_is_no_edit(case: Case, data: st.DataObject) -> None:
    """GetPut: put(get(c), c) == c, and what is shown shows as itself."""
    canonical = data.draw(case.canonical)
    shown = case.lens.get(canonical)
    if shown is not KEEP:
        assert identical(case.lens.put(shown, canonical), canonical)
        assert identical(case.lens.get(shown), shown)


@every_case
@given(data=st.data())
def test_an_edit_is_taken_as_it_is_or_ours_stays(case: Case, data: st.DataObject) -> None:
    """Put makes up no value: it is what was found there, unless ours already shows as just that."""
    remote, canonical = data.draw(case.remote), data.draw(case.canonical)
    became = case.lens.put(remote, canonical)
    ours = identical(case.lens.get(canonical), remote)
    assert identical(became, canonical if ours else remote)


def test_a_value_of_another_type_is_an_edit() -> None:
    """Ours stays only for the very same remote form: True in place of 1 is taken."""
    assert same("x").put(True, 1) is True


@pytest.mark.parametrize("zone", ZONES)
def test_the_nights_are_changes_of_clocks(zone: str) -> None:
    """The zone's offset is another one a second before each of the moments above."""
    for change in changes_of(zone):
        before, after = ((change - timedelta(seconds=ago)).astimezone(ZoneInfo(zone)) for ago in (1, 0))
        assert before.utcoffset() != after.utcoffset()


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


def test_keep_says_what_it_is() -> None:
    """In a failed assertion and in a log it reads KEEP."""
    assert repr(KEEP) == "KEEP"
