"""What pydantic finds wrong, in sentences for the person who wrote the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tasksync.config.document import Document, KeyPath, suggestion

Model = TypeVar("Model", bound=BaseModel)

_NEEDS_TEXT = "needs text; put a value that looks like a number, or true and false, into quotes"
_NEEDS_KEYS = "needs keys with values below it"
_NEEDS_LIST = "needs a list, such as [one, two]"
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is missing",
        "string_type": _NEEDS_TEXT,
        "string_too_short": "must not be empty",
        "int_type": "needs a whole number",
        "int_parsing": "needs a whole number",
        "int_from_float": "needs a whole number",
        "float_type": "needs a number",
        "float_parsing": "needs a number",
        "bool_type": "needs true or false",
        "bool_parsing": "needs true or false",
        "dict_type": _NEEDS_KEYS,
        "mapping_type": _NEEDS_KEYS,
        "model_type": _NEEDS_KEYS,
        "model_attributes_type": _NEEDS_KEYS,
        "list_type": _NEEDS_LIST,
        "tuple_type": _NEEDS_LIST,
        "literal_error": "needs one of: {expected}",
        "enum": "needs one of: {expected}",
        "greater_than_equal": "must be {ge} or more",
        "greater_than": "must be more than {gt}",
        "less_than_equal": "must be {le} or less",
        "less_than": "must be less than {lt}",
        "value_error": "{error}",
    }
)


def validate(
    document: Document, model: type[Model], values: Mapping[str, Any], at: KeyPath = (), beside: Collection[str] = ()
) -> Model | None:
    """`values` as a `model`; None when they are wrong, after complaining to `document` about all of it below `at`.

    A key without a value counts as not given. Text is taken for numbers and booleans where those are wanted, because
    the environment has nothing but text. `beside` are keys that stand in the same place and are judged elsewhere: they
    are offered too when somebody mistypes one.
    """
    try:
        return model.model_validate(given(values), strict=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            path = _path(values, detail)
            document.complain(at + path, _message(detail, _siblings(model, path, beside)))
        return None


def given(values: Any) -> Any:
    """`values` without the keys that have no value, in the mappings inside it too."""
    if isinstance(values, Mapping):
        return {key: given(value) for key, value in values.items() if value is not None}
    return values


def _path(values: Any, detail: ErrorDetails) -> KeyPath:
    # Within unions and the like the location also holds names of pydantic's own; only what is in the file helps.
    path: list[str | int] = []
    last = len(detail["loc"]) - 1
    for index, part in enumerate(detail["loc"]):
        inside = part in values if isinstance(values, Mapping) else isinstance(part, int) and isinstance(values, list)
        if inside:
            values = values[part]
        if inside or (index == last and detail["type"] == "missing"):
            path.append(part)
    return tuple(path)


def _siblings(model: type[BaseModel], path: KeyPath, beside: Collection[str]) -> Collection[str] | None:
    """The keys known where `path` ends; None where no model of ours says so."""
    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return None
        model, beside = inner, ()
    return {field.alias or name for name, field in model.model_fields.items()} | set(beside)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    alternatives = getattr(annotation, "__args__", (annotation,))
    return next((kind for kind in alternatives if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _message(detail: ErrorDetails, known: Collection[str] | None) -> str:
    if detail["type"] == "extra_forbidden":
        word = str(detail["loc"][-1])
        return f"unknown key; {suggestion(word, known)}" if known else "unknown key"
    template = _MESSAGES.get(detail["type"])
    return detail["msg"] if template is None else template.format(**detail.get("ctx", {}))
