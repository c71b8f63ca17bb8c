"""v1: endpoints and paging, elements in and out (protocols/capsule.md, 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, TypeAlias
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule import client, v1_xml
from tasksync.connectors.capsule.client import ROWS_PER_PAGE, page_words
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.connectors.capsule.v1_mapping import task_id
from tasksync.errors import AnswerLost, ServerFault
from tasksync.ports import Http, Response
from tasksync.transport import answers

# What a task can be made for; "case" is spelled so in paths.
Link: TypeAlias = tuple[Literal["party", "opportunity", "kase"], int]
_XML = {"Content-Type": "application/xml"}


class V1Client:
    """One account, spoken to in XML."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def users(self) -> Element:
        """The `<users>` of the account."""
        return _root(client.listed(await self._http.send("GET", "/api/users"), page_words))

    async def categories(self) -> Element:
        """The `<taskCategories>` of the account."""
        return _root(client.listed(await self._http.send("GET", "/api/task/categories"), page_words))

    async def task_pages(self, status: str | None = None) -> AsyncIterator[list[Element]]:
        """The tasks in `status`, by default the open ones, page by page.

        The server names no total, no next page and no largest page, and may give less than was asked for. So the end
        is an empty page, or one that is shorter than a page before it; a short first page is not yet the end. Raises
        `ServerFault` when the same page comes twice, since then nothing shows that the list is complete; except when
        it had more rows than were asked for: a server that knows no paging at all.
        """
        fixed = () if status is None else (("status", status),)
        start, largest, before = 0, 0, list[str]()
        while True:
            params = (*fixed, ("start", str(start)), ("limit", str(ROWS_PER_PAGE)))
            response = client.listed(await self._http.send("GET", "/api/tasks", params=params), page_words)
            rows = _rows(response)
            with client.understood("GET /api/tasks"):
                ids = [task_id(row) for row in rows]
            if ids and ids == before:
                if len(ids) > ROWS_PER_PAGE:
                    return
                raise ServerFault(f"GET /api/tasks answers start={start} with the rows of the page before it.")
            if rows:
                yield rows
            if len(rows) < largest or not rows:
                return
            start, largest, before = start + len(rows), max(largest, len(rows)), ids

    async def task(self, external_id: str) -> Element | None:
        """The `<task>`, or None when there is none."""
        response = client.read(await self._http.send("GET", _path(external_id)), page_words)
        return None if response is None else _root(response)

    async def create(self, task: Element, link: Link | None = None) -> str:
        """The id of the task that was made, for `link` if there is one; it stands in `Location`, the body is empty.
        Raises `AnswerLost` when it cannot be found there: the task exists all the same.
        """
        path = "/api/task" if link is None else f"/api/{link[0]}/{link[1]}/task"
        sent = await self._http.send("POST", path, headers=_XML, content=v1_xml.render(task))
        response = answers.require(sent, page_words)
        try:
            found = urlsplit(response.headers.get("location", "")).path.rstrip("/").rpartition("/")[2]
        except ValueError:
            found = ""
        if not (found.isascii() and found.isdigit()):
            raise AnswerLost(f"POST {path} was answered with {response.status} and no Location that names a task.")
        return found

    async def update(self, external_id: str, task: Element) -> None:
        """Set the elements of `task`, leave the others as they are. Raises `Vanished`."""
        content = v1_xml.render(task)
        client.written(await self._http.send("PUT", _path(external_id), headers=_XML, content=content), page_words)

    async def complete(self, external_id: str) -> None:
        """Raises `Vanished`."""
        client.written(await self._http.send("POST", f"{_path(external_id)}/complete"), page_words)

    async def reopen(self, external_id: str) -> None:
        """Raises `Vanished`."""
        client.written(await self._http.send("POST", f"{_path(external_id)}/reopen"), page_words)

    async def delete(self, external_id: str) -> None:
        """Delete; one that is not there is a success."""
        client.deleted(await self._http.send("DELETE", _path(external_id)), page_words)


def _path(external_id: str) -> str:
    return f"/api/task/{quote(external_id, safe='')}"


def _root(response: Response) -> Element:
    try:
        return v1_xml.parse(response.body)
    except Unreadable as error:
        raise answers.unreadable(response, str(error)) from None


def _rows(response: Response) -> list[Element]:
    root = _root(response)
    rows = list(root)
    if root.tag != "tasks":
        raise answers.unreadable(response, f"<{root.tag}> in place of <tasks>")
    # The count of this answer, not a total (protocols/capsule.md, 2.2, [REC]): half an answer must not pass for a page.
    size = root.get("size")
    if size is not None and size.strip() != str(len(rows)):
        raise answers.unreadable(response, f"{len(rows)} tasks where its size says {size!r}")
    return rows
