"""What can come instead of an answer, as faults of the sandbox (`sandbox.faults`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BROKEN: Mapping[str, Mapping[str, Any]] = {
    "500": {"do": "status", "status": 500},
    "503": {"do": "status", "status": 503},
    "504 after the work": {"do": "status", "status": 504, "work": True},
    "lost before": {"do": "lose_before"},
    "lost after": {"do": "lose_after"},
    "cut": {"do": "cut"},
    "garbage": {"do": "garbage"},
    "html": {"do": "html"},
    "200 without a word": {"do": "status", "status": 200},
    "a teapot": {"do": "status", "status": 418},
}
"""Faults that say nothing about a record."""
WORKING = {"504 after the work", "lost after", "cut", "garbage"}
"""Those after which the request may have been carried out."""
REFUSED: Mapping[str, Mapping[str, Any]] = {
    str(status): {"do": "status", "status": status} for status in (400, 401, 403, 404, 409, 410, 413, 422, 429)
}
"""What a CRM says no with."""
