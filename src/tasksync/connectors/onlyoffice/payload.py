"""Members of the portal's JSON objects, each of the type that it has to have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NotUnderstood(ValueError):
    """A payload says something that nothing of ONLYOFFICE should say."""


def member(payload: Mapping[str, Any], name: str, kind: type) -> Any:
    """A member of that exact JSON type, or None if it is absent or null. Raises `NotUnderstood`."""
    value = payload.get(name)
    if value is not None and type(value) is not kind:
        raise NotUnderstood(f"{name} is {type(value).__name__}")
    return value


def identifier(payload: Any) -> int:
    """The number by which the portal knows an object. Raises `NotUnderstood`."""
    if not isinstance(payload, dict):
        raise NotUnderstood(f"an object that is {type(payload).__name__}")
    value = member(payload, "id", int)
    if value is None or value < 0:
        raise NotUnderstood("an id is missing")
    return int(value)


def objects(payload: Mapping[str, Any], name: str) -> list[Mapping[str, Any]] | None:
    """A list of objects, or None if it is absent or null. Raises `NotUnderstood`."""
    found: list[Any] | None = member(payload, name, list)
    if found is not None and not all(isinstance(one, dict) for one in found):
        raise NotUnderstood(f"not all of {name} are objects")
    return found
