"""What tasks, projects, users, parties and opportunities look like in Capsule's second API, nulls included."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tasksync.sandbox.capsule.records import Kase, Opportunity, Party, Ref, Task, User
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_wire import print_instant

_COLOURS = ("#d16c1a", "#1a7fd1", "#d11a4b", "#7a1ad1", "#d1c21a", "#1ad16c")
_PICTURES = "https://capsulecrm.example/pictures"


def task_shape(account: Tables, row: Task, embed: Collection[str] = ()) -> dict[str, Any]:
    """All keys in the recorded order (capsule.md 3.3, [REC]). What is in `embed` comes as the full record."""
    day, clock = account.wall_clock(row.due)
    about = {row.about.kind: _linked(account, row.about, embed)} if row.about else {}
    owner = account.users[row.owner]
    return {
        "id": row.id,
        "category": None if row.category is None else category_shape(account, row.category),
        "description": row.description,
        "detail": row.detail,
        "dueTime": clock.strftime("%H:%M:%S") if clock is not None else None,
        "status": row.status,
        "party": about.get("party"),
        "opportunity": about.get("opportunity"),
        "owner": user_shape(account, owner) if "owner" in embed else short_user(owner),
        "daysAfter": None,
        "taskDelayRule": None,
        "nextTask": None,
        "active": True,
        "createdAt": print_instant(row.created),
        "updatedAt": print_instant(row.updated),
        "dueOn": day.isoformat(),
        "completedBy": row.completed_by,
        "completedAt": print_instant(row.completed) if row.completed else None,
        "kase": about.get("kase"),
        "taskDayDelayRule": "TRACK_DAYS",
        "overrideToCurrentUser": None,
        "repeat": None,
        "hasTrack": False,
    }


def _linked(account: Tables, ref: Ref, embed: Collection[str]) -> dict[str, Any]:
    full = ref.kind in embed
    match ref.kind:
        case "party":
            party = account.parties[ref.id]
            return party_shape(account, party) if full else short_party(party)
        case "opportunity":
            one = account.opportunities[ref.id]
            return opportunity_shape(account, one) if full else {"id": one.id, "name": one.name}
        case "kase":
            kase = account.kase(ref.id)
            assert kase is not None, "the tasks of a project go with it"
            return kase_shape(account, kase) if full else {"id": kase.id, "name": kase.name}


def kase_shape(account: Tables, row: Kase, embed: Collection[str] = ()) -> dict[str, Any]:
    """All keys in the recorded order (capsule.md 4.4, [REC])."""
    opportunity = None if row.opportunity is None else account.opportunities[row.opportunity]
    party = account.parties[row.party]
    return {
        "id": row.id,
        "owner": None if row.owner is None else short_user(account.users[row.owner]),
        "team": None if row.team is None else {"id": row.team, "name": account.teams[row.team]},
        "party": party_shape(account, party) if "party" in embed else short_party(party),
        "status": row.status,
        "opportunity": None if opportunity is None else {"id": opportunity.id, "name": opportunity.name},
        "stage": None,
        "createdAt": print_instant(row.created),
        "updatedAt": print_instant(row.updated),
        "description": row.description,
        "name": row.name,
        "closedOn": row.closed.isoformat() if row.closed else None,
        "lastContactedAt": None,
        "expectedCloseOn": None,
        "startOn": None,
    }


def short_party(party: Party) -> dict[str, Any]:
    """capsule.md 3.3."""
    picture = f"{_PICTURES}/party-{party.id}.svg"
    if not party.is_person:
        return {"id": party.id, "type": "organisation", "name": party.name, "pictureURL": picture}
    names = {"firstName": party.first, "lastName": party.last}
    return {"id": party.id, "type": "person", **names, "pictureURL": picture}


def party_shape(account: Tables, party: Party) -> dict[str, Any]:
    """The recorded keys in their order, which tells a person from an organisation (source S9, `first-page.json`)."""
    picture = f"{_PICTURES}/party-{party.id}.svg"
    stamps = {"createdAt": print_instant(party.created), "updatedAt": print_instant(party.updated)}
    if party.is_person:
        organisation = None if party.organisation is None else short_party(account.parties[party.organisation])
        own = {
            "type": "person",
            "about": None,
            "firstName": party.first,
            "lastName": party.last,
            "jobTitle": None,
            **stamps,
            "organisation": organisation,
            "lastContactedAt": None,
            "pictureURL": picture,
            "title": None,
        }
    else:
        own = {"type": "organisation", "about": None, "name": party.name, **stamps}
        own |= {"lastContactedAt": None, "pictureURL": picture}
    emails = [{"id": party.id + 500_000, "type": None, "address": party.email}] if party.email else []
    lists: dict[str, Any] = {"phoneNumbers": [], "addresses": [], "emailAddresses": emails, "websites": []}
    return {"id": party.id, "owner": None, "team": None, **own, "enrichment": None, **lists}


def opportunity_shape(account: Tables, one: Opportunity) -> dict[str, Any]:
    """What the model's page names (capsule.md 4.4), as far as links need it."""
    return {
        "id": one.id,
        "owner": short_user(account.users[one.owner]),
        "team": None,
        "party": short_party(account.parties[one.party]),
        "milestone": {"id": 1, "name": "New"},
        "value": None,
        "createdAt": print_instant(one.created),
        "updatedAt": print_instant(one.updated),
        "description": None,
        "name": one.name,
        "expectedCloseOn": None,
        "closedOn": None,
        "lostReason": None,
    }


def short_user(user: User) -> dict[str, Any]:
    """capsule.md 3.3."""
    picture = f"{_PICTURES}/user-{user.id}.svg"
    return {"id": user.id, "deleted": user.deleted, "username": user.username, "pictureURL": picture, "name": user.name}


def user_shape(account: Tables, user: User, embed: Collection[str] = ()) -> dict[str, Any]:
    """The e-mail is not here but on the party, which is short unless embedded (capsule.md 4.2)."""
    party = None if user.party is None else account.parties[user.party]
    full = "party" in embed
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "status": "ACTIVE",
        "timezone": account.settings.zone,
        "locale": "en-GB",
        "currency": "GBP",
        "lastLoginAt": None,
        "taskReminder": True,
        "party": None if party is None else party_shape(account, party) if full else short_party(party),
    }


def category_shape(account: Tables, number: int) -> dict[str, Any] | None:
    """None when there is no such category."""
    name = account.categories.get(number)
    return None if name is None else {"id": number, "name": name, "colour": _COLOURS[number % len(_COLOURS)]}
