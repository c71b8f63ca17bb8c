"""How a category is found by its name."""

from __future__ import annotations

import pytest

from tasksync.connectors.categories import find_category

KNOWN = ("Call", "call", "Meeting", "Straße")
ALIASES = {
    "call": "Meeting",
    "phone": "call",
    "visit": "MEETING",
    "lunch": "Party",
    "strasse": "Call",
    "meeting": "Gone",
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Call", "Call"),  # an own name, whatever the config says of it
        ("call", "call"),
        ("CALL", "Meeting"),  # no own name, so what the config says comes before what is alike
        ("Phone", "call"),
        ("PHONE", "call"),
        ("Visit", "Meeting"),  # the config may spell it otherwise
        ("STRASSE", "Call"),
        ("MEETING", "Meeting"),  # what the config names is not there, the name itself is
        ("Lunch", None),  # what the config names is not there
        ("Dinner", None),
        ("", None),
    ],
)
def test_exact_then_configured_then_but_for_case(wanted: str, found: str | None) -> None:
    """A category is the one of its exact name, else the configured one, else one that is called the same but for case;
    and what was found stands for itself.
    """
    assert find_category(wanted, KNOWN, ALIASES) == found
    if found is not None:
        assert find_category(found, KNOWN, ALIASES) == found


def test_without_aliases_only_names_count() -> None:
    """Where the config says nothing, a name is found as it is, else without regard to case, the first of several."""
    assert [find_category(one, KNOWN) for one in ("call", "CALL", "STRASSE", "Phone")] == [
        "call",
        "Call",
        "Straße",
        None,
    ]
