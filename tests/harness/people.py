"""What people do in the three CRMs, as rules of a state machine: the part of it that nobody can go wrong in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from forms import CAPSULES_OWN, tag_of
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)
from lying import lying_firm, rows
from oracle import Book

CRMS = ("onlyoffice", "capsule", "plannr")
DAYS = (
    date(2026, 3, 20),
    date(2026, 4, 1),
    datetime(2026, 3, 25, 9, 30, tzinfo=UTC),
    datetime(2026, 7, 1, 14, 0, tzinfo=UTC),
)
CATEGORIES = {
    "onlyoffice": ("Call", "Deal", "Email", "Meeting"),
    "capsule": ("Call", "Email", "Milestone", CAPSULES_OWN, None),
}
MOST_TASKS = 8
crms = st.sampled_from(CRMS)
styles = st.sampled_from(("plain", "long", "emoji"))


class People(RuleBasedStateMachine):
    """A firm, its people, and the book of what they do. `api` is Capsule's protocol."""

    api = "v2"
    tags: Bundle[str] = Bundle("tags")

    def __init__(self) -> None:
        super().__init__()
        self.firm = lying_firm(self.api)
        self.book = Book(self.firm.crms)
        self.words = 0
        self.tasks = 0
        self.origin: dict[str, str] = {}
        self.changed: dict[tuple[str, str], str] = {}

    def text(self, style: str) -> str:
        self.words += 1
        extra = {"plain": "", "long": "-and-so-on" * 40, "emoji": "\U0001f382 cake"}
        return f"words {self.words}{extra[style]}"

    def _pause(self) -> None:
        self.firm.clock.tick(seconds=7)

    @initialize(target=tags, first=crms, second=crms)
    def begin(self, first: str, second: str) -> MultipleResults[str]:
        """Two tasks to begin with."""
        return multiple(self._type_in(first, "plain", DAYS[0]), self._type_in(second, "plain", DAYS[0]))

    @precondition(lambda self: self.tasks < MOST_TASKS)
    @rule(target=tags, crm=crms, style=styles, due=st.sampled_from(DAYS))
    def type_in(self, crm: str, style: str, due: date) -> str:
        """Somebody types a new task into a CRM."""
        return self._type_in(crm, style, due)

    def _type_in(self, crm: str, style: str, due: date) -> str:
        self._pause()
        self.tasks += 1
        tag = f"T{self.tasks}"
        self.origin[tag] = crm
        self.book.add(tag, crm, title=f"{tag} {self.text(style)}", body=self.text("plain"), due=due)
        return tag

    def change(self, tag: str, crm: str, **fields: Any) -> None:
        self._pause()
        if self._recognisable(tag, crm, fields):
            self.book.edit(tag, crm, **fields)

    def _recognisable(self, tag: str, crm: str, fields: Mapping[str, Any]) -> bool:
        """Whether what the edit leaves of the task still tells whose it is, should it have been made by a create whose
        answer was lost: its title, or else its text and day. Without either it is another task, and a second one is
        made (design.md 5.3); people are not that quick here.
        """
        changes = {"title" if name == "title" else "text" for name in fields if name in {"title", "body", "due"}}
        if changes and (tag, crm) in self.doubtful():
            return self.changed.setdefault((tag, crm), *changes) in changes
        return True

    def doubtful(self) -> set[tuple[str, str]]:
        """The tasks that somebody made, and the mirror does not know: tag and CRM."""
        known = {(crm, id_) for crm, id_ in rows(self.firm.mirror, "SELECT connection, external_id FROM replica")}
        found = {
            (tag_of(task["title"]), crm, task["id"]) for crm, one in self.firm.crms.items() for task in one.tasks()
        }
        return {(tag, crm) for tag, crm, id_ in found if (crm, id_) not in known and self.origin[tag] != crm}

    @rule(tag=tags, crm=crms, style=styles)
    def retitle(self, tag: str, crm: str, style: str) -> None:
        self.change(tag, crm, title=f"{tag} {self.text(style)}")

    @rule(tag=tags, crm=crms, style=st.sampled_from(("plain", "emoji")))
    def rewrite(self, tag: str, crm: str, style: str) -> None:
        self.change(tag, crm, body=self.text(style))

    @rule(tag=tags, crm=crms, due=st.sampled_from(DAYS))
    def move(self, tag: str, crm: str, due: date) -> None:
        self.change(tag, crm, due=due)

    @rule(tag=tags, crm=crms)
    def complete(self, tag: str, crm: str) -> None:
        self.change(tag, crm, done=True)

    @rule(tag=tags, crm=crms)
    def reopen(self, tag: str, crm: str) -> None:
        self.change(tag, crm, done=False)

    @rule(tag=tags, crm=st.sampled_from(sorted(CATEGORIES)), index=st.integers(0, 3))
    def sort(self, tag: str, crm: str, index: int) -> None:
        self.change(tag, crm, category=CATEGORIES[crm][index])

    @rule(tag=tags, priority=st.sampled_from(("low", "high")))
    def prioritise(self, tag: str, priority: str) -> None:
        self.change(tag, "plannr", priority=priority)

    @rule(tag=tags, minutes=st.sampled_from((15, 30, None)))
    def remind(self, tag: str, minutes: int | None) -> None:
        self.change(tag, "onlyoffice", reminder=minutes)

    @rule(tag=tags, crm=crms)
    def delete(self, tag: str, crm: str) -> None:
        self._pause()
        self.book.delete(tag, crm)
