"""How the simulated Plannr behaves where nobody knows, and what its login may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasksync.sandbox.oauth import OAuthSettings


class PlannrSettings(OAuthSettings):
    """The uncertain points of plannr.md 11, the suggested default first, and the rights of the login.

    `second_login`: the user also has a client account, `second_employee`: a second one as an employee. `name_most`:
    characters in a name (unknown; None: no limit). The others of section 11's kind are about accounts, cases and plans:

    - `ties`: rows that are equal in the order that was asked for come always in the same one, or in another on every
      page, so that paging shows one twice and another not at all (8.1, point 5)
    - `single_include`: what `include` does for a record that is read alone (5)
    - `deprecated_email`: whether accounts still show the `email` that they call deprecated (5.1)
    - `case_completion`: whether a case's `completed_at` and the flag of its status follow each other (7.4, unknown)
    - `case_delete`: cases can be deleted by the convention of such routes, or not at all (no page of it was found)
    - `plan_deletion_s`: how long a deleted plan stays in sight (7.5)
    """

    limit_requests: int = Field(default=500, ge=1)
    limit_per_s: float = Field(default=60.0, gt=0)
    single_wrap: Literal["bare", "data"] = "bare"
    due_at_format: Literal["zoneless", "iso-offset", "date-only"] = "zoneless"
    due_at_granularity: Literal["datetime", "date"] = "datetime"
    offset_input: Literal["keep", "convert"] = "keep"
    missing_account_header: Literal[400, 403, 422] = 400
    put_semantics: Literal["partial", "full"] = "partial"
    unknown_filter: Literal["refuse", "ignore"] = "refuse"
    per_page_over_max: Literal["clamp", "refuse"] = "clamp"
    next_link_keeps_query: bool = False
    assignee_change_touches_updated_at: bool = False
    put_completed_status_sets_completed_at: bool = True
    default_includes: Literal["absent", "present"] = "absent"
    delete_status: Literal[204, 200] = 204
    assigned_to_shape: Literal["list", "single"] = "list"
    ties: Literal["stable", "shuffled"] = "stable"
    single_include: Literal["works", "ignored", "refused"] = "works"
    deprecated_email: Literal["present", "null", "absent"] = "present"
    case_completion: Literal["linked", "apart"] = "linked"
    case_delete: Literal["works", "missing"] = "works"
    plan_deletion_s: float = Field(default=60.0, ge=0)
    name_most: int | None = Field(default=None, ge=1)
    has_write_permission: bool = True
    has_delete_permission: bool = True
    second_login: bool = False
    second_employee: bool = False
