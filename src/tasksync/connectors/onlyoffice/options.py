"""What the config can say of an ONLYOFFICE connection, and whether it fits the portal. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from tasksync.connectors.base import DaysAhead, written_ahead
from tasksync.connectors.manifest import Options
from tasksync.connectors.onlyoffice.mapping import Portal, category_form
from tasksync.core.lens import KEEP
from tasksync.core.record import Value
from tasksync.ports import Finding


class Defaults(BaseModel):
    """What steps in at a create where a record lacks what ONLYOFFICE needs.

    `category` is the title of a task category of the portal; `due` the days from the create to the due day.
    """

    model_config = Options.model_config

    category: Annotated[str, Field(min_length=1)] | None = None
    due: DaysAhead | None = None

    def values(self, portal: Portal, now: datetime) -> dict[str, Value]:
        """As remote forms. An unknown category stays as configured, so that the refusal can name it. The due day is
        all-day, and counted by the portal's wall clock.
        """
        values: dict[str, Value] = {}
        if self.category is not None:
            shown = category_form(self.category, portal)
            values["category"] = self.category if shown is KEEP else shown
        if self.due is not None:
            values["due"] = now.astimezone(portal.zone).date() + self.due
        return values

    def findings(self, portal: Portal) -> tuple[Finding, Finding]:
        """For `tasksync check`: whether each default is there, and can be used."""
        known = ", ".join(portal.categories) or "none: create one in the CRM's settings"
        if self.category is None:
            category = Finding(
                subject="defaults.category",
                ok=False,
                message="No default category: a task without a category that the portal knows is held.",
                advice=f"Set defaults.category to one of the portal's categories: {known}.",
            )
        elif category_form(self.category, portal) is KEEP:
            category = Finding(
                subject="defaults.category",
                ok=False,
                message=f"The portal has no task category {self.category!r}.",
                advice=f"Set defaults.category to one that it has: {known}.",
            )
        else:
            category = Finding(
                subject="defaults.category", ok=True, message=f"Tasks without a category become {self.category!r}."
            )
        return category, self._due_finding()

    def _due_finding(self) -> Finding:
        if self.due is None:
            return Finding(
                subject="defaults.due",
                ok=False,
                message="No default due day: a task without one is held.",
                advice="Set defaults.due to a number of days, such as +7d.",
            )
        message = f"Tasks without a due day get one at {written_ahead(self.due)}."
        return Finding(subject="defaults.due", ok=True, message=message)


class OnlyofficeOptions(Options):
    """The keys that only this CRM knows (design.md, 7)."""

    defaults: Defaults = Defaults()
