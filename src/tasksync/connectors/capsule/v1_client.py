"""v1: endpoints and paging, elements in and out (protocols/capsule.md, 2.1, 2.2 and 2.8)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Literal, TypeAlias
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule import client, v1_xml
from tasksync.connectors.capsule.client import ROWS_PER_PAGE, Judge, page_words
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.connectors.capsule.references import PLURALS, Link, Table
from tasksync.connectors.capsule.v1_case_mapping import case_id
from tasksync.connectors.capsule.v1_directory import record_id
from tasksync.connectors.capsule.v1_mapping import task_id
from tasksync.errors import AnswerLost, ServerFault
from tasksync.ports import Http, Response
from tasksync.transport import answers

Tag: TypeAlias = Literal["task", "kase"]
"""What is kept in step, as its elements and its paths are named."""

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

    def task_pages(self, status: str | None = None) -> AsyncIterator[list[Element]]:
        """The tasks in `status`, by default the open ones, page by page; none if the server does not know such a
        status. Raises as `_pages` does.
        """
        if status is None:
            return self._pages("/api/tasks", (), "tasks", task_id)
        return self._pages("/api/tasks", (("status", status),), "tasks", task_id, client.offered)

    def case_pages(self) -> AsyncIterator[list[Element]]:
        """All cases, open and closed ones, page by page. Raises as `_pages` does."""
        return self._pages("/api/kase", (), PLURALS["kase"], case_id)

    async def _pages(
        self,
        path: str,
        fixed: Sequence[tuple[str, str]],
        root: str,
        id_of: Callable[[Element], str],
        judge: Judge = client.listed,
    ) -> AsyncGenerator[list[Element], None]:
        """The rows below `root`, page by page.

        The server names no total, no next page and no largest page, and may give less than was asked for. So the end
        is an empty page, or one that is shorter than a page before it; a short first page is not yet the end. Raises
        `ServerFault` when the same page comes twice, since then nothing shows that the list is complete; except when
        it had more rows than were asked for: a server that knows no paging at all.
        """
        start, largest, before = 0, 0, list[str]()
        while True:
            params = (*fixed, ("start", str(start)), ("limit", str(ROWS_PER_PAGE)))
            response = judge(await self._http.send("GET", path, params=params), page_words)
            if response is None:
                return
            rows = _rows(response, root)
            with client.understood(f"GET {path}"):
                ids = [id_of(row) for row in rows]
            if ids and ids == before:
                if len(ids) > ROWS_PER_PAGE:
                    return
                raise ServerFault(f"GET {path} answers start={start} with the rows of the page before it.")
            if rows:
                yield rows
            if len(rows) < largest or not rows:
                return
            start, largest, before = start + len(rows), max(largest, len(rows)), ids
            judge = client.listed

    async def one(self, tag: Tag, external_id: str) -> Element | None:
        """A task or a case, or None when there is none."""
        response = client.read(await self._http.send("GET", _path(tag, external_id)), page_words)
        return None if response is None else _root(response)

    async def record(self, table: Table, number: str) -> Element | None:
        """A party, opportunity or case; None when there is none, or none for this user."""
        response = client.visible(await self._http.send("GET", f"/api/{table}/{quote(number, safe='')}"), page_words)
        return None if response is None else _root(response)

    async def parties(self, parameter: Literal["q", "email"], wanted: str) -> list[Element]:
        """The parties of that name (or telephone number), or with that e-mail address (source S2, `parties`, [OD]);
        nothing if there are too many.
        """
        return await client.few(self._pages("/api/party", ((parameter, wanted),), PLURALS["party"], record_id))

    async def records(self, table: Table) -> list[Element]:
        """All opportunities or all cases, which cannot be searched by name (2.8, [OD]); nothing if there are too
        many.
        """
        return await client.few(self._pages(f"/api/{table}", (), PLURALS[table], record_id))

    async def records_of(self, party: str, table: Table) -> list[Element]:
        """The opportunities or cases that have to do with a party, for which no paging is documented (2.8, [OD]);
        nothing if there is no such party.
        """
        path = f"/api/party/{quote(party, safe='')}/{table}"
        response = client.visible(await self._http.send("GET", path), page_words)
        return [] if response is None else _rows(response, PLURALS[table])

    async def create(self, record: Element, owner: Link | None = None) -> str:
        """The id of the task or the case that was made, for `owner` if there is one; it stands in `Location`, the body
        is empty. Raises `AnswerLost` when it cannot be found there: the record exists all the same.
        """
        path = f"{_below(owner)}/{record.tag}"
        sent = await self._http.send("POST", path, headers=_XML, content=v1_xml.render(record))
        response = answers.require(sent, page_words)
        try:
            found = urlsplit(response.headers.get("location", "")).path.rstrip("/").rpartition("/")[2]
        except ValueError:
            found = ""
        if not (found.isascii() and found.isdigit()):
            raise AnswerLost(
                f"POST {path} was answered with {response.status} and no Location that names a {record.tag}."
            )
        return found

    async def update(self, external_id: str, record: Element, owner: Link | None = None) -> None:
        """Set the elements of `record`, leave the others as they are; an `owner` takes a case over. Raises
        `Vanished`.
        """
        path, content = _path(record.tag, external_id, owner), v1_xml.render(record)
        client.written(await self._http.send("PUT", path, headers=_XML, content=content), page_words)

    async def complete_task(self, external_id: str) -> None:
        """Raises `Vanished`."""
        client.written(await self._http.send("POST", f"{_path('task', external_id)}/complete"), page_words)

    async def reopen_task(self, external_id: str) -> None:
        """Raises `Vanished`."""
        client.written(await self._http.send("POST", f"{_path('task', external_id)}/reopen"), page_words)

    async def delete(self, tag: Tag, external_id: str) -> None:
        """Delete; one that is not there is a success."""
        client.deleted(await self._http.send("DELETE", _path(tag, external_id)), page_words)


def _below(owner: Link | None) -> str:
    return "/api" if owner is None else f"/api/{owner[0]}/{owner[1]}"


def _path(tag: str, external_id: str, owner: Link | None = None) -> str:
    return f"{_below(owner)}/{tag}/{quote(external_id, safe='')}"


def _root(response: Response) -> Element:
    try:
        return v1_xml.parse(response.body)
    except Unreadable as error:
        raise answers.unreadable(response, str(error)) from None


def _rows(response: Response, tag: str) -> list[Element]:
    root = _root(response)
    rows = list(root)
    if root.tag != tag:
        raise answers.unreadable(response, f"<{root.tag}> in place of <{tag}>")
    # The count of this answer, not a total (protocols/capsule.md, 2.2, [REC]): half an answer must not pass for a page.
    size = root.get("size")
    if size is not None and size.strip() != str(len(rows)):
        raise answers.unreadable(response, f"{len(rows)} {tag} where its size says {size!r}")
    return rows
