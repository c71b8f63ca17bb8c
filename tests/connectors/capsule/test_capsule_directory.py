"""Users, parties, opportunities and cases as referents, in both versions."""

from __future__ import annotations

from typing import Any

import pytest

from tasksync.connectors.capsule import v1_directory, v1_xml, v2_directory
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.connectors.capsule.references import Table, resembles
from tasksync.core.directory import Referent

# In the shape of the recordings (protocols/capsule.md, fixture index); the names and addresses are made up.
PERSON = (
    b"<person><id>302</id><contacts><address><id>1</id><street>1 High Street&#xD;\nAnytown</street></address>"
    b"<email><id>2</id><type>Work</type><emailAddress>jo@marsh.example</emailAddress></email>"
    b"<email><id>3</id><emailAddress> jo.marsh@home.example </emailAddress></email>"
    b"<email><id>4</id><emailAddress>jo@marsh.example</emailAddress></email><email><id>5</id></email>"
    b"<phone><id>6</id><phoneNumber>12345</phoneNumber></phone></contacts><pictureURL>p.png</pictureURL>"
    b"<title>Ms</title><firstName>Jo</firstName><lastName>Marsh</lastName><organisationId>303</organisationId>"
    b"<organisationName>Marsh Ltd</organisationName></person>"
)
ORGANISATION = (
    b"<organisation><id>303</id><contacts/><pictureURL>o.png</pictureURL><name>Marsh Ltd</name></organisation>"
)
OPPORTUNITY = b"<opportunity><id>88</id><name>Warehouse refit</name><partyId>302</partyId></opportunity>"
KASE = b"<kase><id>17</id><status>OPEN</status><name>Spring launch</name><partyId>303</partyId></kase>"
USERS = (
    b"<users><user><id>76</id><username>m.keller</username><name>M Keller</name><partyId>301</partyId></user>"
    b"<user><username>phillip</username></user></users>"
)

JO = Referent(reference="crm:contact:302", name="Jo Marsh", emails=("jo@marsh.example", "jo.marsh@home.example"))
REFIT = Referent(reference="crm:opportunity:88", name="Warehouse refit", parent="crm:contact:302")


# --- v1 ---


@pytest.mark.parametrize(
    ("document", "referent"),
    [
        (PERSON, JO),
        (ORGANISATION, Referent(reference="crm:contact:303", name="Marsh Ltd")),
        (OPPORTUNITY, REFIT),
        (KASE, Referent(reference="crm:case:17", name="Spring launch", parent="crm:contact:303")),
        (b"<person><id>1</id><lastName>Marsh</lastName></person>", Referent(reference="crm:contact:1", name="Marsh")),
        (b"<kase><id>17</id><name>a&#xD;\nb</name><partyId/></kase>", Referent(reference="crm:case:17", name="a b")),
    ],
)
def test_v1_elements_are_referents(document: bytes, referent: Referent) -> None:
    """The tag names the type; addresses come once each, in their order; the contact of a case is its parent."""
    assert v1_directory.read_referent(v1_xml.parse(document), "crm") == referent


def test_v1_users_are_people_by_user_name() -> None:
    """An early server tells neither name nor party."""
    assert v1_directory.read_people(v1_xml.parse(USERS), "crm") == (
        (Referent(reference="crm:person:m.keller", name="M Keller"), "301"),
        (Referent(reference="crm:person:phillip", name="phillip"), None),
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<html/>", "<html> in place of a party"),
        (b"<person/>", "a <person> with the id ''"),
        (b"<kase><id>17a</id></kase>", "a <kase> with the id '17a'"),
    ],
)
def test_what_is_no_v1_referent_is_refused(document: bytes, message: str) -> None:
    """What a task refers to has an id, and a tag that is known."""
    with pytest.raises(Unreadable, match=message):
        v1_directory.read_referent(v1_xml.parse(document), "crm")


@pytest.mark.parametrize("document", [b"<html/>", b"<users><user><name>Nobody</name></user></users>"])
def test_what_is_no_list_of_v1_users_is_refused(document: bytes) -> None:
    """A user without a user name cannot be referred to."""
    with pytest.raises(Unreadable):
        v1_directory.read_people(v1_xml.parse(document), "crm")


# --- v2 ---

PARTY: dict[str, Any] = {
    "id": 302,
    "type": "person",
    "firstName": "Jo",
    "lastName": "Marsh",
    "title": None,
    "organisation": {"id": 303, "type": "organisation", "name": "Marsh Ltd"},
    "emailAddresses": [
        {"id": 2, "type": "Work", "address": "jo@marsh.example"},
        {"id": 3, "type": None, "address": " jo.marsh@home.example "},
        {"id": 4, "type": None, "address": "jo@marsh.example"},
        {"id": 5, "type": None, "address": None},
    ],
}


@pytest.mark.parametrize(
    ("table", "found", "referent"),
    [
        ("party", PARTY, JO),
        ("party", {"id": 303, "name": "Marsh Ltd"}, Referent(reference="crm:contact:303", name="Marsh Ltd")),
        ("party", {"id": 1, "firstName": None, "lastName": "Marsh"}, Referent(reference="crm:contact:1", name="Marsh")),
        ("party", {"id": 1, "emailAddresses": ["?"]}, Referent(reference="crm:contact:1")),
        ("opportunity", {"id": 88, "name": " Warehouse\r\nrefit", "party": {"id": 302}}, REFIT),
        ("kase", {"id": 17, "name": "Spring", "party": None}, Referent(reference="crm:case:17", name="Spring")),
    ],
)
def test_v2_objects_are_referents(table: Table, found: dict[str, Any], referent: Referent) -> None:
    """The same referents as in v1; what is null or absent is empty."""
    assert v2_directory.read_referent(found, table, "crm") == referent


def test_v2_users_are_people_by_id() -> None:
    """With the addresses of an embedded party; who was deleted can be assigned no task."""
    users = [
        {"id": 77, "username": "a.singh", "name": "A Singh", "party": PARTY},
        {"id": 78, "username": "n.york", "name": None, "party": {"id": 9, "type": "person", "lastName": "York"}},
        {"id": 79, "username": "former", "name": "F Ormer", "deleted": True, "party": None},
        {"id": 80, "deleted": False},
    ]
    assert v2_directory.read_people(users, "crm") == (
        Referent(reference="crm:person:77", name="A Singh", emails=JO.emails),
        Referent(reference="crm:person:78", name="n.york"),
        Referent(reference="crm:person:80"),
    )


@pytest.mark.parametrize("found", ["Jo", None, {}, {"id": "302"}])
def test_what_is_no_v2_referent_is_refused(found: Any) -> None:
    """An object with an id, or an error."""
    with pytest.raises(Unreadable):
        v2_directory.read_referent(found, "party", "crm")
    with pytest.raises(Unreadable):
        v2_directory.read_people([found], "crm")


# --- both ---


@pytest.mark.parametrize(
    ("name", "emails", "alike"),
    [
        ("jo  MARSH ", (), True),
        ("Jo Marsh junior", (), False),
        ("Somebody", ("x@y.example", "JO@marsh.example"), True),
        ("Somebody", ("x@y.example",), False),
        ("", (), False),
    ],
)
def test_what_looks_alike(name: str, emails: tuple[str, ...], *, alike: bool) -> None:
    """One address or the name, without regard to case and blanks; two nameless ones are not alike."""
    one = Referent(reference="office:contact:5", name=name, emails=emails)
    assert resembles(JO, one) is alike
    assert resembles(one, JO) is alike


def test_the_nameless_are_not_alike() -> None:
    """That both lack a name says nothing."""
    nobody = Referent(reference="crm:contact:1")
    assert not resembles(nobody, Referent(reference="office:contact:5"))
