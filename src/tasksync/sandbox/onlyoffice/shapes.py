"""What tasks, users, contacts and categories look like in answers: own members first, `id` last, defaults left out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.sandbox.onlyoffice.people import CONTACTS, ENTITIES, LOST, PEOPLE, Contact, Person
from tasksync.sandbox.onlyoffice.portal import Onlyoffice, Task
from tasksync.sandbox.onlyoffice.wire import print_date

_IMAGES = "/Products/CRM/App_Themes/default/images/filetype/32"


def task_shape(portal: Onlyoffice, task: Task, *, listed: bool = False) -> dict[str, Any]:
    """onlyoffice.md 2.3. A category tells how many tasks use it, except in lists."""
    contact = CONTACTS.get(task.contact)
    entity = ENTITIES.get((task.entity_type, task.entity))
    shape = {
        "createBy": user_stub(task.created_by),
        "created": print_date(task.created, portal.zone),
        "contact": contact_stub(contact) if contact else None,
        "title": task.title,
        "description": task.description,
        "deadLine": print_date(task.deadline, portal.zone),
        "alertValue": task.alert or None,
        "responsible": user_stub(task.responsible),
        "isClosed": task.closed or None,
        "category": category_shape(portal, task.category, counted=not listed),
        "entity": _entity(task, entity) if entity else None,
        "canEdit": True,
        "id": task.id,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _entity(task: Task, title: str) -> dict[str, Any]:
    return {"entityType": task.entity_type, "entityId": task.entity, "entityTitle": title}


def category_shape(portal: Onlyoffice, number: int, *, counted: bool) -> dict[str, Any] | None:
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


def user_stub(user_id: str) -> dict[str, Any]:
    """A user who is not set or not known shows as the one whose profile was removed."""
    person = PEOPLE.get(user_id)
    if person is None:
        avatar = "/skins/default/images/default_user_photo_size_32-32.png"
        return {"id": LOST, "displayName": "Profile has been removed", "avatarSmall": avatar, "profileUrl": ""}
    return {
        "id": person.id,
        "displayName": person.name,
        "title": person.job,
        "avatarSmall": "/skins/default/images/default_user_photo_size_32-32.png",
        "profileUrl": f"/Products/People/Profile.aspx?user={person.user_name}",
    }


def user_shape(person: Person) -> dict[str, Any]:
    """onlyoffice.md 5.1."""
    stub = user_stub(person.id)
    return {
        "id": person.id,
        "userName": person.user_name,
        "isVisitor": False,
        "firstName": person.first,
        "lastName": person.last,
        "email": person.email,
        "status": 1,
        "activationStatus": 1,
        "terminated": None,
        "displayName": person.name,
        "title": person.job,
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


def contact_stub(contact: Contact) -> dict[str, Any]:
    """onlyoffice.md 2.3."""
    image = "company" if contact.is_company else "people"
    return {
        "email": {
            "infoType": 1,
            "category": 1,
            "data": contact.email,
            "categoryName": "Work",
            "isPrimary": True,
            "id": contact.id + 900,
        },
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


def settings_shape(portal: Onlyoffice, now: datetime) -> dict[str, Any]:
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
