"""The lens laws for cases in both versions, with the forms that Capsule can show made by reading payloads."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasksync.connectors.capsule import v1_case_mapping, v1_xml, v2_case_mapping
from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import CASE, Value

# What is called what in the connection "crm"; two of the contacts are one, and what is not here is not known there.
KNOWN = {
    "office:contact:jo": "crm:contact:302",
    "advisers:contact:jo": "crm:contact:302",
    "office:contact:zoe": "crm:contact:305",
}


def counterpart(reference: str) -> str | None:
    return reference if reference.startswith("crm:") else KNOWN.get(reference)


def v1_shows(name: str, status: str, party: str) -> Mapping[str, Value]:
    """What the connector reads of a v1 case with these texts on the wire."""
    inside = f"<name>{escape(name, {chr(13): '&#xD;'})}</name><status>{status}</status>{party}"
    return v1_case_mapping.read_case(v1_xml.parse(f"<kase><id>1</id>{inside}</kase>".encode()), "crm").values


def v2_shows(name: str, status: str, party: int | None) -> Mapping[str, Value]:
    """What the connector reads of a v2 case with these values on the wire."""
    about = None if party is None else {"id": party}
    return v2_case_mapping.read_case({"id": 1, "name": name, "status": status, "party": about}, "crm").values


awkward = st.text(st.sampled_from("a \t\n\x00\x0b\x1f\x85\u2028\ufffe\ud800\U0001f600<&>]\"'"))
canonical_text = st.one_of(st.text(), awkward).map(lambda value: value.replace("\r", "\n"))
xml_text = st.text(
    st.one_of(st.characters(min_codepoint=32, max_codepoint=0xD7FF), st.sampled_from("\t\r\n\u2028\U0001f600<&>"))
)
statuses = st.sampled_from(["OPEN", "CLOSED"])
contacts = [*KNOWN, *KNOWN.values(), "office:contact:stranger", "crm:contact:9"]
canonical: Mapping[str, st.SearchStrategy[Value]] = {
    "title": canonical_text,
    "closed": st.booleans(),
    "members": st.lists(st.sampled_from(contacts), unique=True).map(tuple),
}
v1_parties = st.sampled_from(["", "<partyId>9</partyId>", "<partyId>302</partyId>", "<partyId>305</partyId>"])
v1_remote = st.builds(v1_shows, xml_text, statuses, v1_parties)
v2_remote = st.builds(v2_shows, st.one_of(st.text(), awkward), statuses, st.sampled_from([None, 9, 302, 305]))
VERSIONS = pytest.mark.parametrize(
    ("lenses", "remote"),
    [(v1_case_mapping.lenses(counterpart), v1_remote), (v2_case_mapping.lenses(counterpart), v2_remote)],
    ids=["v1", "v2"],
)
FIELDS = pytest.mark.parametrize("name", canonical)


def identical(left: object, right: object) -> bool:
    return left == right and type(left) is type(right)


@VERSIONS
@FIELDS
@given(data=st.data())
def test_put_get(
    name: str, lenses: Mapping[str, Lens], remote: st.SearchStrategy[Mapping[str, Value]], data: st.DataObject
) -> None:
    """What Capsule shows arrives as it is, and would be shown again just so: get(put(r, c)) == r."""
    seen = data.draw(remote)
    assume(seen["title"])  # one of line breaks alone is as good as none
    assume(name in seen)
    shown = seen[name]
    put = lenses[name].put(shown, data.draw(canonical[name]))
    assert identical(lenses[name].get(put, shown), shown)
    CASE.check({name: put})


@VERSIONS
@FIELDS
@given(data=st.data())
def test_get_put(
    name: str, lenses: Mapping[str, Lens], remote: st.SearchStrategy[Mapping[str, Value]], data: st.DataObject
) -> None:
    """What we wrote there ourselves is no edit: put(get(c), c) == c, and showing twice shows the same."""
    ours = data.draw(canonical[name])
    shown = lenses[name].get(ours, data.draw(st.none() | remote.map(lambda seen: seen.get(name))))
    if shown is not KEEP:
        assert identical(lenses[name].put(shown, ours), ours)
        assert identical(lenses[name].get(shown), shown)


def record_shown_by(lenses: Mapping[str, Lens], data: st.DataObject) -> dict[str, Value]:
    """The forms of a whole case, as a create would send them."""
    forms = {name: lenses[name].get(data.draw(canonical[name])) for name in ("title", "members")}
    shown = {name: form for name, form in forms.items() if form is not KEEP}
    assume(len(shown) == 2)
    return shown


@given(data=st.data())
def test_v1_reads_back_what_it_wrote(data: st.DataObject) -> None:
    """No echo: what comes back from a server that stores the request as it is, is what was sent."""
    sent = record_shown_by(v1_case_mapping.lenses(counterpart), data)
    members = sent["members"]
    assert isinstance(members, tuple)
    made = f"<kase><id>1</id><partyId>{members[0].rpartition(':')[2]}</partyId>".encode()
    stored = v1_xml.render(v1_case_mapping.write_case(sent)).replace(b"<kase>", made)
    found = v1_case_mapping.read_case(v1_xml.parse(stored), "crm").values
    assert all(identical(found[name], form) for name, form in sent.items())


@given(data=st.data())
def test_v2_reads_back_what_it_wrote(data: st.DataObject) -> None:
    """No echo in JSON either."""
    sent = record_shown_by(v2_case_mapping.lenses(counterpart), data)
    stored = {"id": 1, "status": "OPEN", **v2_case_mapping.write_case(sent)}
    found = v2_case_mapping.read_case(stored, "crm").values
    assert all(identical(found[name], form) for name, form in sent.items())


@VERSIONS
def test_a_case_of_nobody_whom_capsule_knows_has_no_form(
    lenses: Mapping[str, Lens], remote: st.SearchStrategy[Mapping[str, Value]]
) -> None:
    """A party is needed and never taken away; which is missing is a gap to report."""
    del remote
    lens = lenses["members"]
    assert lens.required
    assert lens.get(()) is lens.get(("office:contact:stranger",)) is KEEP
    assert lens.lacks(("office:contact:stranger", "office:contact:zoe")) == ("office:contact:stranger",)
