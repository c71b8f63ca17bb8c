"""What a client sends to create or change something, checked as Laravel does: every field that is wrong is reported
(plannr.md 3.6, [F]).
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

from tasksync.sandbox.plannr.replies import refuse_fields
from tasksync.sandbox.plannr.tables import LONDON, Tables, wall_clock

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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


class Reader:
    """Collects new values by their names in the row, and what is wrong by its name in the body. Unknown keys are not
    looked at. `creating`: what is required has to be there; else it only must not be null.
    """

    def __init__(self, firm: Tables, sent: Mapping[str, Any], *, creating: bool) -> None:
        self._firm = firm
        self._sent = sent
        self._creating = creating
        self._changes: dict[str, Any] = {}
        self._errors: dict[str, list[str]] = {}

    def finish(self) -> dict[str, Any]:
        """The new values. Raises Refusal (422) if anything was wrong."""
        if self._errors:
            raise refuse_fields(self._errors)
        return self._changes

    def wrong(self, field: str, text: str) -> None:
        self._errors.setdefault(field, []).append(text)

    def required(self, field: str) -> bool:
        """Whether there is a value to look at; reports a missing one where one is needed."""
        if self._sent.get(field) is not None:
            return True
        if self._creating or field in self._sent:
            self.wrong(field, f"The {_words(field)} field is required.")
        return False

    def read_name(self) -> None:
        most = self._firm.settings.name_most
        if self.required("name"):
            name = self._sent["name"]
            if not isinstance(name, str):
                self.wrong("name", "The name field must be a string.")
            elif most is not None and len(name) > most:
                self.wrong("name", f"The name field must not be greater than {most} characters.")
            self._changes["name"] = name

    def read_text(self, field: str, column: str) -> None:
        if field in self._sent:
            if not isinstance(self._sent[field], str | None):
                self.wrong(field, f"The {_words(field)} field must be a string.")
            self._changes[column] = self._sent[field]

    def read_whole(self, field: str, column: str) -> None:
        if field in self._sent:
            if type(self._sent[field]) not in {int, type(None)}:
                self.wrong(field, f"The {_words(field)} field must be an integer.")
            self._changes[column] = self._sent[field]

    def read_moment(self, field: str, column: str, *, day_only: bool = False) -> None:
        if field in self._sent:
            try:
                self._changes[column] = self._moment(self._sent[field], day_only=day_only)
            except ValueError:
                self.wrong(field, f"The {_words(field)} field must be a valid date.")

    def _moment(self, value: Any, *, day_only: bool) -> datetime | None:
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
        if day_only:
            moment = moment.replace(hour=0, minute=0, second=0)
        kept = moment.replace(tzinfo=LONDON, fold=0)
        return wall_clock(datetime.fromtimestamp(kept.timestamp(), LONDON))

    def read_uuids(self, field: str, column: str, known: Container[str]) -> None:
        """A list replaces what is there, and null or an empty one leaves nothing (plannr.md 4.3, [I])."""
        if field not in self._sent:
            return
        value = self._sent[field]
        if not isinstance(value, list | None):
            self.wrong(field, f"The {_words(field)} field must be an array.")
            return
        uuids = [self.uuid(f"{field}.{number}", item) for number, item in enumerate(value or [])]
        for number, uuid in enumerate(uuids):
            if uuid and uuid not in known:
                self.wrong(f"{field}.{number}", f"The selected {field}.{number} is invalid.")
        self._changes[column] = tuple(dict.fromkeys(uuids))

    def read_uuid(self, field: str, column: str, known: Container[str]) -> None:
        """One uuid of those, or null if it is not required."""
        value = self._sent[field]
        uuid = None if value is None else self.uuid(field, value)
        if uuid and uuid not in known:
            self.wrong(field, f"The selected {_words(field)} is invalid.")
        self._changes[column] = uuid

    def uuid(self, field: str, value: Any) -> str | None:
        if isinstance(value, str) and _UUID.fullmatch(value):
            return str(UUID(value))
        self.wrong(field, f"The {_words(field)} field must be a valid UUID.")
        return None


def _words(field: str) -> str:
    return field if "." in field else field.replace("_", " ")
