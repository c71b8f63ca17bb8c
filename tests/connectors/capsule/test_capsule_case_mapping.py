"""Cases as v1 and v2 put them on the wire, and as we do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.connectors.capsule import v1_case_mapping, v1_xml, v2_case_mapping
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.core.record import Observation, Value

XML = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><kase><id>17</id><status>CLOSED</status>'
    "<name>Spring launch</name><description>By post</description><partyId>302</partyId>"
    "<closeDate>2017-03-20T00:00:00Z</closeDate><owner>a.singh</owner>"
    "<createdOn>2017-03-14T09:12:44Z</createdOn><updatedOn>2017-03-20T11:20:09Z</updatedOn></kase>"
)
# The keys of a recorded answer, in their order (protocols/capsule.md, 4.4, [REC]).
JSON: dict[str, Any] = {
    "id": 17,
    "owner": {"id": 77, "username": "a.singh"},
    "team": {"id": 12, "name": "Advice"},
    "party": {"id": 302, "type": "person", "firstName": "Jo", "lastName": "Marsh", "pictureURL": "https://x/p.svg"},
    "status": "CLOSED",
    "opportunity": None,
    "stage": {"name": "Build", "id": 3},
    "createdAt": "2017-03-14T09:12:44Z",
    "updatedAt": "2017-03-20T11:20:09Z",
    "description": "By post",
    "name": "Spring launch",
    "closedOn": "2017-03-20",
    "lastContactedAt": None,
    "expectedCloseOn": None,
    "startOn": None,
}
SPRING = Observation(
    external_id="17",
    values={"title": "Spring launch", "closed": True, "members": ("crm:contact:302",)},
    modified=datetime(2017, 3, 20, 11, 20, 9, tzinfo=UTC),
    created=datetime(2017, 3, 14, 9, 12, 44, tzinfo=UTC),
)


def v1(text: str) -> Observation:
    return v1_case_mapping.read_case(v1_xml.parse(text.encode()), "crm")


def v2(**changes: Any) -> Observation:
    return v2_case_mapping.read_case({**JSON, **changes}, "crm")


def test_both_tell_the_same() -> None:
    """Title, state, party and stamps; the day of closing is no moment, and tells none."""
    assert v1(XML) == v2() == SPRING


def test_v1_leaves_out_what_an_early_server_does_not_tell() -> None:
    """No stamps, no state and no party are no answer, not an empty one."""
    found = v1("<kase><id>17</id><name>Spring launch</name></kase>")
    assert found == Observation(external_id="17", values={"title": "Spring launch"})


def test_a_title_has_one_line() -> None:
    """Line ends of either kind turn into blanks."""
    assert v1("<kase><id>1</id><name>a&#xD;\nb</name></kase>").values["title"] == "a b"
    assert v2(name="a\r\nb").values["title"] == "a b"


@pytest.mark.parametrize("party", [None, "Jo"])
def test_v2_tells_no_members_where_it_tells_no_party(party: Any) -> None:
    """Every case has one, so that is nobody's choice."""
    assert dict(v2(party=party).values) == {"title": "Spring launch", "closed": True}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<task><id>17</id></task>", "<task> in place of a <kase>"),
        ("<kase><name>x</name></kase>", "a <kase> with the id ''"),
        ("<kase><id>-1</id><name>x</name></kase>", "the id '-1'"),
        ("<kase><id>17</id></kase>", "case 17: it has no name"),
        ("<kase><id>17</id><name>x</name><partyId>Jo</partyId></kase>", "case 17: its partyId is 'Jo'"),
        ("<kase><id>17</id><name>x</name><updatedOn>now</updatedOn></kase>", "case 17: 'now' is no date with time"),
    ],
)
def test_what_is_no_case_in_v1(text: str, words: str) -> None:
    """The message names the case, and what is wrong with it."""
    with pytest.raises(Unreadable, match=words):
        v1(text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "17"}, "an object with the id '17'"),
        ({"name": None}, "case 17: it has no name or no status"),
        ({"status": None}, "case 17: it has no name or no status"),
        ({"name": 5}, "case 17: its name is no text"),
        ({"party": {"name": "x"}}, "case 17: an object with the id None"),
        ({"updatedAt": "2017-03-20"}, "case 17: '2017-03-20' is no date with time"),
    ],
)
def test_what_is_no_case_in_v2(changes: dict[str, Any], words: str) -> None:
    """The message names the case, and what is wrong with it."""
    with pytest.raises(Unreadable, match=words):
        v2(**changes)


def test_something_else_in_place_of_a_case() -> None:
    """A list is none."""
    with pytest.raises(Unreadable, match="no object"):
        v2_case_mapping.read_case([JSON], "crm")


@pytest.mark.parametrize(
    ("values", "xml", "json"),
    [
        ({"title": "Refit"}, "<kase><name>Refit</name></kase>", {"name": "Refit"}),
        ({"members": ("crm:contact:9",)}, "<kase></kase>", {"party": {"id": 9}}),
        (
            {"title": "a & b", "members": ("crm:contact:9",), "closed": True},
            "<kase><name>a &amp; b</name></kase>",
            {"party": {"id": 9}, "name": "a & b"},
        ),
        ({"closed": True, "members": ()}, "<kase></kase>", {}),
    ],
)
def test_what_is_written(values: dict[str, Value], xml: str, json: dict[str, Any]) -> None:
    """What is to be set and nothing else, neither owner nor team; the party in v1 stands in the path."""
    assert v1_xml.render(v1_case_mapping.write_case(values)).decode().endswith(f"?>\n{xml}")
    assert v2_case_mapping.write_case(values) == json


def test_a_party_that_capsule_cannot_have() -> None:
    """It is named, for whoever wrote it into the config."""
    with pytest.raises(LookupError, match="contact 'Jo'"):
        v2_case_mapping.write_case({"members": ("crm:contact:Jo",)})


def test_the_state_is_written_alone() -> None:
    """In v1 it has no path of its own, unlike that of tasks."""
    closed, opened = (v1_xml.render(v1_case_mapping.write_state(closed=closed)) for closed in (True, False))
    assert closed.endswith(b"<kase><status>CLOSED</status></kase>")
    assert opened.endswith(b"<kase><status>OPEN</status></kase>")
