"""What a client sends to create or change a task, checked as Laravel does: every field that is wrong is reported
(plannr.md 3.6, 4.2, 4.3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.plannr.firm import LONDON, Plannr, Task, wall_clock
from tasksync.sandbox.plannr.records import ACCOUNTS, CUSTOM_FIELDS, STATUSES, taskable_name

PRIORITIES = ("low", "medium", "high", "highest")
TASKABLES = ("client", "employee", "case", "plan")
FREQUENCIES = (
    "daily",
    "weekly",
    "fortnightly",
    "four_weekly",
    "monthly",
    "bimonthly",
    "quarterly",
    "biannually",
    "annually",
    "weekdays",
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")


def refuse_fields(errors: Mapping[str, list[str]]) -> Refusal:
    """422: the first text of all, how many more there are, and all of them by field."""
    texts = [text for several in errors.values() for text in several]
    rest = len(texts) - 1
    more = f" (and {rest} more error{'s' if rest > 1 else ''})" if rest else ""
    return Refusal(JSONResponse({"message": texts[0] + more, "errors": dict(errors)}, 422))


async def read_body(request: Request) -> dict[str, Any]:
    """A body that is no JSON object counts as empty, as it does there. Ends of strings are trimmed, and empty strings
    become null.
    """
    try:
        data = json.loads(await request.body())
    except ValueError:
        return {}
    cleaned = _clean(data)
    return cleaned if isinstance(cleaned, dict) else {}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    return value


def read_changes(firm: Plannr, sent: Mapping[str, Any], row: Task | None) -> dict[str, Any]:
    """New values by their names in `Task`; `row` is None for a create. Unknown keys are not looked at. Raises Refusal
    (422).
    """
    reader = _Reader(firm, sent, row)
    changes = reader.read()
    if reader.errors:
        raise refuse_fields(reader.errors)
    return changes


class _Reader:
    """One method per group of fields, run in the order in which errors are reported."""

    def __init__(self, firm: Plannr, sent: Mapping[str, Any], row: Task | None) -> None:
        self.errors: dict[str, list[str]] = {}
        self._firm = firm
        self._sent = sent
        self._row = row
        self._changes: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        if self._row is not None and self._firm.settings.put_semantics == "full":
            blank = {"description": None, "priority": None, "due": None, "parent": None, "assignees": ()}
            self._changes |= blank
        self._read_texts()
        self._read_due()
        self._read_link()
        self._read_status()
        self._read_parent()
        self._read_assignees()
        self._read_custom_fields()
        self._read_recurrence()
        return self._changes

    def _wrong(self, field: str, text: str) -> None:
        self.errors.setdefault(field, []).append(text)

    def _required(self, field: str) -> bool:
        """Whether there is a value to look at; reports a missing one where one is needed."""
        if self._sent.get(field) is not None:
            return True
        if self._row is None or field in self._sent:
            self._wrong(field, f"The {_words(field)} field is required.")
        return False

    def _read_texts(self) -> None:
        most = self._firm.settings.name_most
        if self._required("name"):
            name = self._sent["name"]
            if not isinstance(name, str):
                self._wrong("name", "The name field must be a string.")
            elif most is not None and len(name) > most:
                self._wrong("name", f"The name field must not be greater than {most} characters.")
            self._changes["name"] = name
        if "description" in self._sent:
            if not isinstance(self._sent["description"], str | None):
                self._wrong("description", "The description field must be a string.")
            self._changes["description"] = self._sent["description"]
        if "priority" in self._sent:
            if self._sent["priority"] not in {*PRIORITIES, None}:
                self._wrong("priority", "The selected priority is invalid.")
            self._changes["priority"] = self._sent["priority"]

    def _read_due(self) -> None:
        if "due_at" not in self._sent:
            return
        try:
            self._changes["due"] = self._due(self._sent["due_at"])
        except ValueError:
            self._wrong("due_at", "The due at field must be a valid date.")

    def _due(self, value: Any) -> datetime | None:
        """The fields of an offset's wall clock are kept and the offset is dropped, unless it is set to convert; a time
        that the clock change skips moves on with it (plannr.md 6).
        """
        if value is None:
            return None
        if not isinstance(value, str) or _DATE.fullmatch(value) is None:
            raise ValueError("not a date")
        moment = datetime.fromisoformat(value).replace(microsecond=0)
        if moment.tzinfo is not None and self._firm.settings.offset_input == "convert":
            moment = wall_clock(moment)
        if self._firm.settings.due_at_granularity == "date":
            moment = moment.replace(hour=0, minute=0, second=0)
        kept = moment.replace(tzinfo=LONDON, fold=0)
        return wall_clock(datetime.fromtimestamp(kept.timestamp(), LONDON))

    def _read_link(self) -> None:
        kind = self._row.taskable_type if self._row else None
        if self._required("taskable_type"):
            kind = self._sent["taskable_type"]
            if kind not in TASKABLES:
                self._wrong("taskable_type", "The selected taskable type is invalid.")
                kind = None
            self._changes["taskable_type"] = kind
        if self._required("taskable_uuid"):
            uuid = self._uuid("taskable_uuid", self._sent["taskable_uuid"])
            if uuid and kind and taskable_name(kind, uuid) is None:
                self._wrong("taskable_uuid", "The selected taskable uuid is invalid.")
            self._changes["taskable"] = uuid

    def _read_status(self) -> None:
        if not self._required("task_status_uuid"):
            return
        uuid = self._uuid("task_status_uuid", self._sent["task_status_uuid"])
        if uuid and uuid not in STATUSES:
            self._wrong("task_status_uuid", "The selected task status uuid is invalid.")
        self._changes["status"] = uuid

    def _read_parent(self) -> None:
        if "parent_task_uuid" not in self._sent:
            return
        value = self._sent["parent_task_uuid"]
        uuid = None if value is None else self._uuid("parent_task_uuid", value)
        if uuid and self._firm.row(uuid) is None:
            self._wrong("parent_task_uuid", "The selected parent task uuid is invalid.")
        self._changes["parent"] = uuid

    def _read_assignees(self) -> None:
        if "assigned_to_uuids" not in self._sent:
            return
        value = self._sent["assigned_to_uuids"]
        if not isinstance(value, list | None):
            self._wrong("assigned_to_uuids", "The assigned to uuids field must be an array.")
            return
        uuids = [self._uuid(f"assigned_to_uuids.{number}", item) for number, item in enumerate(value or [])]
        for number, uuid in enumerate(uuids):
            if uuid and uuid not in ACCOUNTS:
                self._wrong(f"assigned_to_uuids.{number}", f"The selected assigned_to_uuids.{number} is invalid.")
        self._changes["assignees"] = tuple(dict.fromkeys(uuids))

    def _read_custom_fields(self) -> None:
        """An object by reference, or in the older form an array of objects with one key each."""
        value = self._sent.get("custom_fields")
        if value is None:
            return
        pairs = [value] if isinstance(value, dict) else value
        if not isinstance(pairs, list) or not all(isinstance(item, dict) for item in pairs):
            self._wrong("custom_fields", "The custom fields field must be an array.")
            return
        given = {name: item[name] for item in pairs for name in item if name in CUSTOM_FIELDS}
        self._changes["custom"] = tuple((dict(self._row.custom if self._row else ()) | given).items())

    def _read_recurrence(self) -> None:
        recurring = self._sent.get("is_recurring")
        frequency = self._sent.get("recurring_frequency")
        if recurring not in {True, False, None}:
            self._wrong("is_recurring", "The is recurring field must be true or false.")
        if recurring is True and frequency is None:
            text = "The recurring frequency field is required when is recurring is true."
            self._wrong("recurring_frequency", text)
        elif frequency not in {*FREQUENCIES, None}:
            self._wrong("recurring_frequency", "The selected recurring frequency is invalid.")
        if recurring is not None:
            self._changes |= {"is_recurring": recurring, "frequency": frequency if recurring else None}

    def _uuid(self, field: str, value: Any) -> str | None:
        if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
            return str(UUID(value))
        self._wrong(field, f"The {_words(field)} field must be a valid UUID.")
        return None


def _words(field: str) -> str:
    return field if "." in field else field.replace("_", " ")
