"""What people, contacts and opportunities look like where an answer is about them (onlyoffice.md 5)."""

from __future__ import annotations

from typing import Any

from tasksync.sandbox.onlyoffice.people import ME, Contact, Opportunity, Person
from tasksync.sandbox.onlyoffice.shapes import contact_stub, email_shape, user_stub
from tasksync.sandbox.onlyoffice.tables import Tables
from tasksync.sandbox.onlyoffice.wire import print_date

_UNSET = "0001-01-01T00:00:00.0000000Z"


def user_shape(portal: Tables, person: Person) -> dict[str, Any]:
    """onlyoffice.md 5.1. Who may not see somebody's e-mail gets null."""
    stub = user_stub(portal, person.id)
    hidden = portal.settings.people_module == "disabled" and person.id != ME.id
    return {
        "id": person.id,
        "userName": person.user_name,
        "isVisitor": False,
        "firstName": person.first,
        "lastName": person.last,
        "email": None if hidden else person.email or None,
        "status": 2 if person.terminated else 1,
        "activationStatus": 1,
        "terminated": print_date(person.terminated, portal.zone) if person.terminated else None,
        "displayName": person.name,
        **({"title": person.job} if person.job else {}),
        "avatarSmall": stub["avatarSmall"],
        "avatarMedium": stub["avatarSmall"],
        "avatar": stub["avatarSmall"],
        "isAdmin": True,
        "isLDAP": False,
        "isOwner": False,
        "isSSO": False,
        "cultureName": "en-GB",
        "profileUrl": stub["profileUrl"],
        "quotaLimit": 0,
        "usedSpace": 0,
    }


def contact_shape(portal: Tables, contact: Contact) -> dict[str, Any]:
    """onlyoffice.md 5.2: the e-mail stands among the common data, not in a member of its own."""
    tasks = [task for task in portal.rows() if task.contact == contact.id and not task.closed]
    return {
        **(_company(portal, contact) if contact.is_company else _person(portal, contact)),
        "addresses": [],
        "createBy": user_stub(portal, ME.id),
        "created": print_date(contact.created, portal.zone),
        "about": "",
        "industry": "",
        "commonData": [email_shape(contact)] if contact.email else [],
        "customFields": [],
        "tags": [],
        **({"taskCount": len(tasks)} if tasks else {}),
        "haveLateTasks": any(task.deadline < portal.now() for task in tasks),
        **contact_stub(contact),
    }


def _person(portal: Tables, contact: Contact) -> dict[str, Any]:
    first, _, last = contact.name.partition(" ")
    company = portal.contacts.get(contact.company)
    return {"firstName": first, "lastName": last, **({"company": contact_stub(company)} if company else {})}


def _company(portal: Tables, contact: Contact) -> dict[str, Any]:
    persons = [contact_stub(one) for one in portal.contacts.values() if one.company == contact.id]
    return {
        "companyName": contact.name,
        "persons": persons,
        **({"personsCount": len(persons)} if persons else {}),
    }


def opportunity_shape(portal: Tables, one: Opportunity) -> dict[str, Any]:
    """onlyoffice.md 5.4; a day that is not set is that of the year 1."""
    contact = portal.contacts.get(one.contact)
    stub = {"contact": contact_stub(contact)} if contact else {}
    return {
        "createBy": user_stub(portal, one.responsible),
        "created": print_date(one.created, portal.zone),
        "members": list(stub.values()),
        **stub,
        "title": one.title,
        "responsible": user_stub(portal, one.responsible),
        "actualCloseDate": _UNSET,
        "expectedCloseDate": _UNSET,
        "isPrivate": False,
        "canEdit": True,
        "customFields": [],
        "id": one.id,
    }
