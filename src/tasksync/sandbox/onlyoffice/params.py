"""What a request asks for: a bag of parameters out of path, query and body (onlyoffice.md 4.6, [S])."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.onlyoffice.people import NOBODY
from tasksync.sandbox.onlyoffice.wire import failure, read_date, reprint_json_date

_FORMAT, _OVERFLOW, _GENERAL = -2146233033, -2146233066, -2146233088
_INT32 = range(-(2**31), 2**31)
_ITEM = re.compile(r"(?P<name>\w+)\[(?P<index>\d*)\](?:\[(?P<member>\w+)\])?")
"""How a form spells an item of a list, and a member of such an item: `members[]`, `customFieldList[0][key]`."""

Item = str | dict[str, str]


class Params:
    """Query first, then body; names in any case; the first value wins. A list may come as a single value as well, and
    an empty one is as good as none.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], lists: Iterable[tuple[str, list[Item]]] = ()) -> None:
        self._values: dict[str, str] = {}
        self._lists: dict[str, list[Item]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), value)
        for name, items in lists:
            self._lists.setdefault(name.lower(), items)

    def given(self, name: str) -> bool:
        return name.lower() in self._values

    def text(self, name: str) -> str:
        return self._values.get(name.lower(), "")

    def number(self, name: str) -> int:
        """0 when missing or empty. Raises Refusal (400)."""
        return _number(self.text(name))

    def guid(self, name: str) -> str:
        """The zero guid when missing or empty. Raises Refusal (400)."""
        return _guid(self.text(name))

    def flag(self, name: str) -> bool | None:
        """None when missing or empty. Raises Refusal (400)."""
        text = self.text(name).strip().lower()
        if text not in {"", "true", "false"}:
            raise Refusal(failure(400, "String was not recognized as a valid Boolean.", _FORMAT))
        return None if not text else text == "true"

    def date(self, name: str, zone: ZoneInfo) -> datetime | None:
        """None when missing, empty or the year 1. Raises Refusal (400)."""
        text = self.text(name)
        if not text or text.startswith("0001-01-01"):
            return None
        return read_date(text, zone)

    def words(self) -> list[str]:
        """Of `filterValue`, in lower case; a comma cuts it (onlyoffice.md 2.1, [S])."""
        return self.text("filterValue").split(",")[0].lower().split()

    def numbers(self, name: str) -> list[int]:
        """Raises Refusal (400)."""
        return [_number(text) for text in self.texts(name)]

    def guids(self, name: str) -> list[str]:
        """Raises Refusal (400)."""
        return [_guid(text) for text in self.texts(name)]

    def texts(self, name: str) -> list[str]:
        items = [item for item in self._lists.get(name.lower(), []) if isinstance(item, str)]
        single = self.text(name)
        return items or ([single] if single else [])

    def keyed(self, name: str) -> list[tuple[int, str]]:
        """A list of `{"key": n, "value": text}`; the members of each are in lower case, or they are not found
        (onlyoffice.md 4.6, [C]). Raises Refusal (400).
        """
        items = [item for item in self._lists.get(name.lower(), []) if isinstance(item, dict)]
        return [(_number(item.get("key", "")), item.get("value", "")) for item in items]


def _number(text: str) -> int:
    text = text.strip()
    if not text:
        return 0
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is None:
        raise Refusal(failure(400, "Input string was not in a correct format.", _FORMAT))
    if int(text) not in _INT32:
        raise Refusal(failure(400, "Value was either too large or too small for an Int32.", _OVERFLOW))
    return int(text)


def _guid(text: str) -> str:
    text = text.strip()
    if not text:
        return NOBODY
    try:
        return str(UUID(text))
    except ValueError:
        message = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        raise Refusal(failure(400, message, _FORMAT)) from None


async def read_params(request: Request) -> Params:
    """Raises Refusal (400) for a body that says it is JSON and is no JSON object."""
    pairs = list(request.query_params.multi_items())
    lists: list[tuple[str, list[Item]]] = []
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        data = _json_object(body)
        lists += [(name, _items(value)) for name, value in data.items() if isinstance(value, list)]
        pairs += [(name, _scalar(value)) for name, value in data.items() if not isinstance(value, list)]
    elif body:
        pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return Params(pairs, [*_form_lists(pairs), *lists])


def _form_lists(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[Item]]]:
    found: dict[str, dict[str, Item]] = {}
    for name, value in pairs:
        item = _ITEM.fullmatch(name)
        if item is None:
            continue
        items = found.setdefault(item["name"], {})
        if not item["member"]:
            items[f"{item['index']} {len(items)}"] = value
            continue
        members = items.setdefault(item["index"], {})
        if isinstance(members, dict):
            members[item["member"]] = value
    for name, items in found.items():
        yield name, list(items.values())


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body) if body.strip() else {}
    except ValueError:
        raise Refusal(failure(400, "Unexpected character encountered while parsing value.", _GENERAL)) from None
    if not isinstance(data, dict):
        raise Refusal(failure(400, "XmlNodeConverter can only convert JSON that begins with an object.", _GENERAL))
    return data


def _items(values: list[Any]) -> list[Item]:
    return [
        {name: _scalar(member) for name, member in value.items()} if isinstance(value, dict) else _scalar(value)
        for value in values
    ]


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return reprint_json_date(value) if isinstance(value, str) else str(value)
