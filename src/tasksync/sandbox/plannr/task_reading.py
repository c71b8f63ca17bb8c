"""What a client sends to create or change a task (plannr.md 4.2, 4.3). The names differ from those that are read
(5.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasksync.sandbox.plannr.initial import CUSTOM_FIELDS
from tasksync.sandbox.plannr.reading import Reader
from tasksync.sandbox.plannr.records import Task
from tasksync.sandbox.plannr.tables import Tables

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


def read_task(firm: Tables, sent: Mapping[str, Any], row: Task | None) -> dict[str, Any]:
    """New values by their names in `Task`; `row` is None for a create. `group_uuids` is not even looked at: nothing
    that can be read tells it. Raises Refusal (422).
    """
    return _TaskReader(firm, sent, row).read()


class _TaskReader(Reader):
    """One method per group of fields, run in the order in which errors are reported."""

    def __init__(self, firm: Tables, sent: Mapping[str, Any], row: Task | None) -> None:
        super().__init__(firm, sent, creating=row is None)
        self._row = row

    def read(self) -> dict[str, Any]:
        if self._row is not None and self._firm.settings.put_semantics == "full":
            blank = {"description": None, "priority": None, "due": None, "parent": None, "assignees": ()}
            self._changes |= blank
        self.read_name()
        self.read_text("description", "description")
        self._read_priority()
        self.read_moment("due_at", "due", day_only=self._firm.settings.due_at_granularity == "date")
        self._read_link()
        if self.required("task_status_uuid"):
            self.read_uuid("task_status_uuid", "status", self._firm.statuses)
        if "parent_task_uuid" in self._sent:
            self.read_uuid("parent_task_uuid", "parent", {row.uuid for row in self._firm.rows()})
        self.read_uuids("assigned_to_uuids", "assignees", self._firm.accounts)
        self._read_custom_fields()
        self._read_recurrence()
        return self.finish()

    def _read_priority(self) -> None:
        if "priority" in self._sent:
            if self._sent["priority"] not in {*PRIORITIES, None}:
                self.wrong("priority", "The selected priority is invalid.")
            self._changes["priority"] = self._sent["priority"]

    def _read_link(self) -> None:
        kind = self._row.taskable_type if self._row else None
        if self.required("taskable_type"):
            kind = self._sent["taskable_type"]
            if kind not in TASKABLES:
                self.wrong("taskable_type", "The selected taskable type is invalid.")
                kind = None
            self._changes["taskable_type"] = kind
        if self.required("taskable_uuid"):
            uuid = self.uuid("taskable_uuid", self._sent["taskable_uuid"])
            if uuid and kind and self._firm.linked(kind, uuid) is None:
                self.wrong("taskable_uuid", "The selected taskable uuid is invalid.")
            self._changes["taskable"] = uuid

    def _read_custom_fields(self) -> None:
        """An object by reference, or in the older form an array of objects with one key each."""
        value = self._sent.get("custom_fields")
        if value is None:
            return
        pairs = [value] if isinstance(value, dict) else value
        if not isinstance(pairs, list) or not all(isinstance(item, dict) for item in pairs):
            self.wrong("custom_fields", "The custom fields field must be an array.")
            return
        given = {name: item[name] for item in pairs for name in item if name in CUSTOM_FIELDS}
        self._changes["custom"] = tuple((dict(self._row.custom if self._row else ()) | given).items())

    def _read_recurrence(self) -> None:
        recurring = self._sent.get("is_recurring")
        frequency = self._sent.get("recurring_frequency")
        if recurring not in {True, False, None}:
            self.wrong("is_recurring", "The is recurring field must be true or false.")
        if recurring is True and frequency is None:
            text = "The recurring frequency field is required when is recurring is true."
            self.wrong("recurring_frequency", text)
        elif frequency not in {*FREQUENCIES, None}:
            self.wrong("recurring_frequency", "The selected recurring frequency is invalid.")
        if recurring is not None:
            self._changes |= {"is_recurring": recurring, "frequency": frequency if recurring else None}
