"""The endpoints of ONLYOFFICE that tasks and cases need: dicts in and out, signing in, paging.

Tasks and cases have the same routes, below the same words that we have for their kinds (protocols/onlyoffice.md, 2 and
5.3, [S]).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from tasksync.connectors.onlyoffice.answers import (
    answered_at,
    envelope_of,
    item_of,
    judged,
    may_say_gone,
    own_error,
    rows_of,
    says_gone,
    words,
)
from tasksync.connectors.onlyoffice.references import is_number
from tasksync.connectors.onlyoffice.text import as_form
from tasksync.errors import AnswerLost, Misconnected, NeedsLogin, Refused, RetryLater, ServerFault, Vanished
from tasksync.ports import Http, Response
from tasksync.transport.answers import require, unreadable

PAGE_ROWS: Final = 500  # the server allows 1,000 (2.1, [S])
MOST_PAGES: Final = 4  # that a search looks through

_API: Final = "/api/2.0"
_CRM: Final = f"{_API}/crm"
_EMAIL: Final = "1"  # as `infoType` (2.3, [S])
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class Client:
    """One portal, spoken to with a token, or with a user name and password that get one.

    A token goes bare into `Authorization` (1.2, [S]). One that was obtained by logging in is kept in memory, and
    replaced once per request when the portal answers 401; the request was not carried out then, so even a POST is sent
    again. A refused password is never tried a second time: a few tries in a minute lock the account (1.4, [S]).
    """

    def __init__(self, http: Http, *, token: str | None, username: str | None, password: str | None) -> None:
        self._http = http
        self._token = token
        self._username = username
        self._password = password
        self._login = asyncio.Lock()
        self._refusal: str | None = None

    async def user(self) -> Mapping[str, Any]:
        """Who we are (5.1)."""
        return item_of(await self._get(f"{_API}/people/@self"))

    async def settings(self) -> tuple[Mapping[str, Any], datetime | None]:
        """The portal's settings (3), and when it answered, by its own clock and in UTC, if it said so."""
        response = await self._get(f"{_API}/settings")
        return item_of(response), answered_at(response)

    async def categories(self) -> Sequence[Any]:
        """The task categories."""
        return rows_of(await self._get(f"{_CRM}/task/category"))[1]

    async def people(self) -> AsyncIterator[Sequence[Any]]:
        """All users, page by page, whole; for administrators also those who have left (5.1, [S])."""
        async for rows in self._pages(f"{_API}/people/filter"):
            yield rows

    async def details(self, what: str, number: str) -> Mapping[str, Any] | None:
        """A contact, an opportunity or a case, as `what` says; None when there is none, or none for this user (5)."""
        response = await self._send("GET", _path(what, number))
        hidden = response.status == 403 and own_error(response) is not None
        return None if hidden or says_gone(response) else item_of(judged(response))

    async def search(self, what: str, wanted: Sequence[tuple[str, str]]) -> Sequence[Any]:
        """The contacts, opportunities or cases that a filter lets through (5). Raises `RetryLater` when there are too
        many: that one of them is the only one of its name could not be told from a part.
        """
        found: list[Any] = []
        async for rows in self._pages(f"{_CRM}/{what}/filter", wanted):
            found += rows
            if len(found) > MOST_PAGES * PAGE_ROWS:
                raise RetryLater(
                    f"More than {MOST_PAGES * PAGE_ROWS} of the portal come up in the search for a {what}, too many to "
                    "tell whether one is it. Say under `links` in the config which one it is."
                )
        return found

    async def contacts_with(self, email: str) -> Sequence[Any]:
        """The contacts, whole, that have the text in one of their e-mail addresses (5.2, [S]). Unlike the filter, this
        asks the database, and not an index that may not be there.
        """
        wanted = (("infoType", _EMAIL), ("data", email))
        return rows_of(await self._get(f"{_CRM}/contact/bycontactinfo", params=wanted))[1]

    async def _pages(self, path: str, wanted: Sequence[tuple[str, str]] = ()) -> AsyncIterator[Sequence[Any]]:
        """All rows of a listing, page by page.

        Advances by the rows received; `nextIndex` is one too far and `total` may be stale (2.2, [S]), so they neither
        steer nor end the crawl. Raises `ServerFault` for a page that is damaged or comes a second time.
        """
        start, before = 0, frozenset[Any]()
        while True:
            params = (*wanted, ("count", str(PAGE_ROWS)), ("startIndex", str(start)))
            response = await self._get(path, params=params)
            envelope, rows = rows_of(response)
            ids = frozenset(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int | str))
            if ids and ids <= before:
                raise unreadable(response, f"the rows of the page before: it ignores startIndex={start}")
            yield rows
            # A short page that announces more comes from a server with a smaller limit than ours.
            if len(rows) < PAGE_ROWS and "nextIndex" not in envelope:
                return
            if not rows:
                raise unreadable(response, "an empty page that announces more")
            start, before = start + len(rows), ids

    # --- tasks and cases: `what` is "task" or "case" ---

    async def records(self, what: str) -> AsyncIterator[Sequence[Any]]:
        """All open ones, then all closed ones, page by page, in the order of their ids."""
        for closed in ("false", "true"):
            async for rows in self._pages(f"{_CRM}/{what}/filter", (("isClosed", closed), ("sortBy", "id"))):
                yield rows

    async def record(self, what: str, external_id: str) -> Mapping[str, Any] | None:
        """One of them; None when the portal itself says that there is none.

        Raises `Refused` for a task that this account may not see: that says nothing about the others. A case that it
        may not see is none (5.3, [S]).
        """
        response = await self._send("GET", _path(what, external_id))
        return None if says_gone(response) else item_of(judged(response))

    async def create(self, what: str, body: Mapping[str, Any]) -> tuple[Response, Mapping[str, Any]]:
        """The new one, with the answer that it stands in."""
        response = require(await self._send("POST", f"{_CRM}/{what}", body), words)
        return response, item_of(response)

    async def replace(self, what: str, external_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record as the portal has it now. If a task had been deleted, that is another one, with another id (2.4,
        [S]); if a case had, raises `Vanished`.
        """
        return await self._change(what, external_id, "updated", body=body)

    async def set_closed(self, what: str, external_id: str, *, closed: bool) -> Mapping[str, Any]:
        """Close or reopen. Raises `Vanished`."""
        route = "close" if closed else "reopen"
        return await self._change(what, external_id, "closed" if closed else "reopened", route=f"/{route}")

    async def _change(
        self, what: str, external_id: str, done: str, *, route: str = "", body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """PUT to the record's own path. Without an id in it a PUT deletes cases in bulk (5.3, [S]).

        What is refused because there is no such record is refused for other reasons as well, so a read decides.
        """
        if not is_number(external_id):
            raise ValueError(f"{external_id!r} is no id of a {what}")
        response = await self._send("PUT", f"{_path(what, external_id)}{route}", body)
        if may_say_gone(response) and await self.record(what, external_id) is None:
            raise Vanished(f"{what.capitalize()} {external_id} could not be {done}: it is not in the portal any more.")
        return item_of(judged(response))

    async def delete(self, what: str, external_id: str) -> None:
        """Delete; one that is not there is a success."""
        response = await self._send("DELETE", _path(what, external_id))
        if not says_gone(response):
            envelope_of(judged(response))

    # --- requests ---

    async def _get(self, path: str, *, params: Sequence[tuple[str, str]] = ()) -> Response:
        response = await self._send("GET", path, params=params)
        try:
            return require(response, words)
        except Refused as refusal:
            raise Misconnected(f"{refusal}. Check that the connection's url is an ONLYOFFICE portal.") from refusal

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Sequence[tuple[str, str]] = (),
    ) -> Response:
        token = self._token if self._token is not None else await self._log_in(instead_of=None)
        response = await self._send_as({"Authorization": token}, method, path, body, params)
        if response.status == 401 and self._password is not None:
            token = await self._log_in(instead_of=token)
            response = await self._send_as({"Authorization": token}, method, path, body, params)
        return response

    async def _send_as(
        self,
        headers: Mapping[str, str],
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        params: Sequence[tuple[str, str]] = (),
    ) -> Response:
        form = as_form(body) if body is not None else None
        if form is not None:
            return await self._http.send(method, path, params=params, headers={**headers, **_FORM}, content=form)
        return await self._http.send(method, path, params=params, headers=headers, json=body)

    async def _log_in(self, *, instead_of: str | None) -> str:
        async with self._login:
            if self._token is not None and self._token != instead_of:
                return self._token  # somebody else was here while we waited
            if self._refusal is not None:
                raise NeedsLogin(self._refusal)
            self._token = await self._new_token()
            return self._token

    async def _new_token(self) -> str:
        if self._username is None or self._password is None:
            raise NeedsLogin("The connection has neither a token nor a user name and password.")
        credentials = {"userName": self._username, "password": self._password}
        try:
            response = await self._send_as({}, "POST", f"{_API}/authentication", credentials)
            # A wrong password is an HTTP 500 with a JSON error, in the language of the portal (1.4, [S]). An HTML 500
            # is not the portal's word, so the password may still be right.
            if response.status == 500 and own_error(response) is not None:
                raise self._refuse(
                    f"The portal refused the user name and password ({words(response) or 'HTTP 500'}). Check them. "
                    "They are tried once in a run and not again: after more than five tries in a minute, the portal "
                    "refuses even the right ones for a while."
                )
            answer = item_of(require(response, words))
        except AnswerLost as lost:
            # Being logged in twice does no harm, and what the login was for was certainly not carried out.
            raise ServerFault(f"Logging in did not work. {lost}") from lost
        except Refused as refusal:
            # No record is to blame: what answers here knows no such sign-in.
            raise Misconnected(f"{refusal}. Check that the connection's url is an ONLYOFFICE portal.") from refusal
        token = answer.get("token")
        if isinstance(token, str) and token:
            self._http.conceal(token)
            return token
        if answer.get("sms") or answer.get("tfa"):
            factor = "the code of an SMS" if answer.get("sms") else "the code of an app"
            raise self._refuse(
                f"The password is right, but the portal asks this user for a second factor ({factor}), which a program "
                "that runs by itself cannot give. Use an account without two-factor authentication, made for tasksync "
                "alone, or give a token in place of username and password."
            )
        raise ServerFault("Logging in did not work: the portal's answer holds no token.")

    def _refuse(self, message: str) -> NeedsLogin:
        self._refusal = message
        return NeedsLogin(message)


def _path(what: str, external_id: str) -> str:
    return f"{_CRM}/{what}/{quote(external_id, safe='')}"
