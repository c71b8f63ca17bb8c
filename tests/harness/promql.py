"""Which metrics and labels an expression of PromQL uses: found by their names, not by parsing the language."""

from __future__ import annotations

import re
from dataclasses import dataclass

_METRIC = re.compile(r"(?<![\w:\"])((?:tasksync|process|python)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([A-Za-z_]\w*)\s*(=~|!=|!~|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name, and its matchers: label, operator, value."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> list[Selector]:
    """All series that the expression asks for."""
    return [
        Selector(name, tuple(_matchers(inside))) for name, inside in _METRIC.findall(_GROUPING.sub(" ", expression))
    ]


def groupings(expression: str) -> set[str]:
    """The labels that it groups or joins by."""
    return {label.strip() for inside in _GROUPING.findall(expression) for label in inside.split(",") if label.strip()}


def _matchers(inside: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = _MATCHER.findall(inside)
    rest = _MATCHER.sub("", inside).replace(",", "").strip()
    if rest:
        raise ValueError(f"no matchers: {rest}")
    return found
