"""The laws of Plannr's lenses, and that what they show survives the way there and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.connectors.plannr import mapping
from tasksync.core.lens import KEEP
from tasksync.core.record import TASK, Value

STATUS = {"is_type_completed": False}
# Blanks of all kinds, among them those that only some versions of Laravel trim.
BLANKS = "\0\t\n\v\f \x1c\x1f\x85\xa0\xad\u1680\u180e\u2003\u200b\u200d\u200e\u2028\u2060\u206f\u2800\u3000\u3164\ufeff"
texts = (
    st.text()
    | st.text(alphabet=st.sampled_from(BLANKS + "ab\U0001f600"))
    | st.text("x ", max_size=9).map(lambda end: "x" * 250 + end)
)
canonical_texts = texts.map(lambda text: text.replace("\r", "\n"))
# Around the nights on which London's clocks change, and anywhere else.
changes_of_clocks = st.sampled_from(
    [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(1971, 10, 31, 2, tzinfo=UTC)]
)
near_a_change = st.builds(
    lambda moment, seconds: moment + timedelta(seconds=seconds), changes_of_clocks, st.integers(-100_000, 100_000)
)
# The years 1900 to 2200, in microseconds.
anywhere = st.integers(-2_208_988_800_000_000, 7_258_118_400_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
midnights = st.dates(date(1972, 1, 1), date(2100, 1, 1)).map(
    lambda day: datetime(day.year, day.month, day.day, tzinfo=mapping.LONDON).astimezone(UTC)
)
canonical: dict[str, st.SearchStrategy[Value]] = {
    "title": canonical_texts,
    "body": canonical_texts,
    "due": st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)) | near_a_change | anywhere | midnights,
    "done": st.booleans(),
    "priority": st.sampled_from([None, *mapping.PRIORITIES]),
}
FIELDS = sorted(mapping.LENSES)


def read(**payload: Any) -> Value:
    """What is read of one key of a task that has everything that a task needs."""
    values = mapping.observation({"uuid": "u", "name": "n", "status": STATUS, **payload}).values
    names = {"name": "title", "description": "body", "due_at": "due", "priority": "priority"}
    return values[names[next(iter(payload))]]


wall_clocks = (near_a_change | anywhere).map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S"))
days = st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(date.isoformat)
# Everything that Plannr can show: read, by our own mapping, from whatever may stand in a payload.
remote: dict[str, st.SearchStrategy[Value]] = {
    "title": texts.map(lambda text: read(name=text)).filter(bool),
    "body": texts.map(lambda text: read(description=text)),
    "due": (st.none() | wall_clocks | days).map(lambda text: read(due_at=text)),
    "done": st.booleans(),
    "priority": st.sampled_from(mapping.PRIORITIES),
}


def test_the_fields_are_these() -> None:
    """Category and reminder have no lens: they are neither compared nor planned."""
    assert FIELDS == ["body", "done", "due", "priority", "title"] == sorted(canonical) == sorted(remote)


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_an_edit_arrives_as_it_was_made(name: str, data: st.DataObject) -> None:
    """PutGet: get(put(r, c)) == r."""
    lens = mapping.LENSES[name]
    r, c = data.draw(remote[name]), data.draw(canonical[name])
    assert lens.get(lens.put(r, c)) == r
    TASK.field(name).check(r)


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_what_we_wrote_is_no_edit(name: str, data: st.DataObject) -> None:
    """GetPut: put(get(c), c) == c."""
    lens = mapping.LENSES[name]
    c = data.draw(canonical[name])
    shown = lens.get(c)
    if shown is not KEEP:
        assert lens.put(shown, c) == c
        assert lens.get(shown) == shown


@given(st.data())
def test_what_a_lens_shows_comes_back(data: st.DataObject) -> None:
    """A value that is written and stored as it is comes back as the same remote form."""
    name = data.draw(st.sampled_from(["title", "body", "due", "priority"]))
    shown = mapping.LENSES[name].get(data.draw(canonical[name]))
    if shown is not KEEP:
        assert read(**mapping.changes_body({name: shown})) == shown


@pytest.mark.parametrize(
    "trim",
    [
        pytest.param(lambda text: text.strip(" \n\r\t\v\0"), id="PHP"),
        pytest.param(str.strip, id="Unicode"),
        pytest.param(lambda text: text.strip("\ufeff\u200b\u200e \n\r\t\v\0\xa0\u3000"), id="Laravel 11"),
    ],
)
@given(text=canonical_texts)
def test_no_version_of_laravel_finds_anything_to_trim(trim: Callable[[str], str], text: str) -> None:
    """What we send has ends that stay, whatever the server takes for white space."""
    for name in ("title", "body"):
        shown = mapping.LENSES[name].get(text)
        assert shown is KEEP or trim(str(shown)) == shown


@pytest.mark.parametrize("blank", [*BLANKS, "\xad", "\u115f", "\uffa0", "\U0001d173", "\U000e0020"])
def test_what_the_newest_laravel_trims_is_trimmed(blank: str) -> None:
    """Invisible characters go from the ends, of what is shown and of what is read, and stay inside."""
    text = f"{blank}a{blank}b{blank}"
    assert mapping.LENSES["body"].get(text) == read(description=text) == f"a{blank}b"


def test_a_long_title_is_cut_and_stays_whole_with_us() -> None:
    """The limit does not shorten the title elsewhere, and a blank at the cut does not come to stand at the end."""
    ours = "x" * 254 + " tail"
    lens = mapping.LENSES["title"]
    assert lens.get(ours) == "x" * 254
    assert lens.put("x" * 254, ours) == ours


def test_a_title_of_blanks_has_no_form() -> None:
    """Plannr wants a name, so that a title which trims to nothing leaves the replica as it is."""
    assert mapping.LENSES["title"].get(" \u200b") is KEEP


def test_no_priority_leaves_theirs_alone() -> None:
    """Whether Plannr keeps null is unknown, so that it is not sent."""
    assert mapping.LENSES["priority"].get(None) is KEEP


def test_the_second_of_a_repeated_hour_shows_as_the_first() -> None:
    """01:30 comes twice on the night of 25 October 2026; Plannr cannot tell which."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    lens = mapping.LENSES["due"]
    assert lens.get(second) == second - timedelta(hours=1)
    assert lens.put(second - timedelta(hours=1), second) == second


def test_midnight_in_london_shows_as_a_day() -> None:
    """In summer London's midnight is 23:00 UTC of the day before."""
    assert mapping.LENSES["due"].get(datetime(2026, 6, 30, 23, tzinfo=UTC)) == date(2026, 7, 1)
