"""What tasks, cases, users and categories look like in answers: own members first, `id` last, defaults left out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.sandbox.onlyoffice.people import LOST, Case, Contact
from tasksync.sandbox.onlyoffice.tables import Tables, Task
from tasksync.sandbox.onlyoffice.wire import print_date

_IMAGES = "/Products/CRM/App_Themes/default/images/filetype/32"


def task_shape(portal: Tables, task: Task, *, listed: bool = False) -> dict[str, Any]:
    """onlyoffice.md 2.3. A category tells how many tasks use it, except in lists."""
    contact = portal.contacts.get(task.contact)
    title = portal.entity_title(task.entity_type, task.entity)
    shape = {
        "createBy": user_stub(portal, task.created_by),
        "created": print_date(task.created, portal.zone),
        "contact": email_member(contact) | contact_stub(contact) if contact else None,
        "title": task.title,
        "description": task.description,
        "deadLine": print_date(task.deadline, portal.zone),
        "alertValue": task.alert or None,
        "responsible": user_stub(portal, task.responsible),
        "isClosed": task.closed or None,
        "category": category_shape(portal, task.category, counted=not listed),
        "entity": _entity(task, title) if title is not None else None,
        "canEdit": True,
        "id": task.id,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _entity(task: Task, title: str) -> dict[str, Any]:
    return {"entityType": task.entity_type, "entityId": task.entity, "entityTitle": title}


def category_shape(portal: Tables, number: int, *, counted: bool) -> dict[str, Any] | None:
    """None when there is no such category; `counted`: with the number of tasks that use it."""
    title = portal.categories.get(number)
    if title is None:
        return None
    shape: dict[str, Any] = {
        "imagePath": f"{_IMAGES}/task_category_{title.lower().replace(' ', '_')}.png",
        "title": title,
        "description": "",
        "sortOrder": list(portal.categories).index(number) + 1,
    }
    uses = portal.category_uses(number) if counted else 0
    return shape | ({"relativeItemsCount": uses} if uses else {}) | {"id": number}


def case_shape(portal: Tables, case: Case) -> dict[str, Any]:
    """onlyoffice.md 5.3. Members come without their e-mails (seeds 003), flags always, a list of those who have access
    only while there is one, and custom fields only where they have a value.
    """
    members = [contact_stub(portal.contacts[number]) for number in case.members if number in portal.contacts]
    access = {"accessList": [user_stub(portal, user) for user in case.access]} if case.is_private else {}
    return {
        "members": members,
        "createBy": user_stub(portal, case.created_by),
        "created": print_date(case.created, portal.zone),
        "title": case.title,
        "isClosed": case.closed,
        "isPrivate": case.is_private,
        **access,
        "canEdit": True,
        "customFields": [shape for shape in case_fields(portal, case) if shape["fieldValue"]],
        "id": case.id,
    }


def case_fields(portal: Tables, case: Case | None) -> list[dict[str, Any]]:
    """All custom fields that cases have, with the values in this case; without a case their definitions (5.5)."""
    values = dict(case.custom) if case else {}
    return [
        {
            "entityId": case.id if case else 0,
            "label": label,
            "fieldValue": values.get(number),
            "fieldType": 0,
            "position": position,
            "mask": '{"size":40}',
            "id": number,
        }
        for position, (number, label) in enumerate(portal.case_fields.items(), 1)
    ]


def user_stub(portal: Tables, user_id: str) -> dict[str, Any]:
    """A user who is not set or not known shows as the one whose profile was removed (onlyoffice.md 2.3)."""
    person = portal.people.get(user_id)
    if person is None:
        avatar = "/skins/default/images/default_user_photo_size_32-32.png"
        return {"id": LOST, "displayName": "Profile has been removed", "avatarSmall": avatar, "profileUrl": ""}
    return {
        "id": person.id,
        "displayName": person.name,
        **({"title": person.job} if person.job else {}),
        "avatarSmall": "/skins/default/images/default_user_photo_size_32-32.png",
        "profileUrl": f"/Products/People/Profile.aspx?user={person.user_name}",
    }


def email_shape(contact: Contact) -> dict[str, Any]:
    """Of a contact that has an e-mail."""
    return {
        "infoType": 1,
        "category": 1,
        "data": contact.email,
        "categoryName": "Work",
        "isPrimary": True,
        "id": contact.id + 900,
    }


def email_member(contact: Contact) -> dict[str, Any]:
    """What the stub in a task has before all else, if the contact has an e-mail (onlyoffice.md 2.3)."""
    return {"email": email_shape(contact)} if contact.email else {}


def contact_stub(contact: Contact) -> dict[str, Any]:
    """onlyoffice.md 2.3, without the e-mail."""
    image = "company" if contact.is_company else "people"
    return {
        "smallFotoUrl": f"{_IMAGES}/empty_{image}_logo_40_40.png",
        "mediumFotoUrl": f"{_IMAGES}/empty_{image}_logo_82_82.png",
        "displayName": contact.name,
        "isCompany": contact.is_company,
        "isPrivate": False,
        "isShared": True,
        "shareType": 1,
        "currency": None,
        "canEdit": True,
        "canDelete": True,
        "id": contact.id,
    }


def settings_shape(portal: Tables, now: datetime) -> dict[str, Any]:
    """Zone and culture of the portal (onlyoffice.md 3): the zone as .NET serialises it, or by its bare id."""
    zone: ZoneInfo = portal.zone
    local = now.astimezone(zone)
    offset = local.utcoffset()
    assert offset is not None, "a zone always has an offset"
    minutes = int(offset.total_seconds() // 60)
    hours = f"{'-' if minutes < 0 else ''}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}:00"
    standard = minutes - int((local.dst() or offset * 0).total_seconds() // 60)
    serialised = f"{zone.key};{standard};(UTC{standard // 60:+03}:00) {zone.key};{zone.key};{zone.key};;"
    return {
        "timezone": zone.key if portal.settings.timezone_form == "id" else serialised,
        "trustedDomains": [],
        "trustedDomainsType": 0,
        "culture": "en-GB",
        "utcOffset": hours,
        "utcHoursOffset": minutes / 60,
    }
