"""The endpoints of ONLYOFFICE that tasks need: dicts in and out, signing in, paging (protocols/onlyoffice.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from tasksync.connectors.onlyoffice.mapping import as_form
from tasksync.errors import AnswerLost, Misconnected, NeedsLogin, Refused, ServerFault, Vanished
from tasksync.ports import Http, Response
from tasksync.transport.answers import parse_json, require, unreadable

PAGE_ROWS: Final = 500  # the server allows 1,000 (2.1, [S])

_API: Final = "/api/2.0"
_TASK: Final = f"{_API}/crm/task"
_GONE: Final = frozenset({404, 410})
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
        return _item(await self._get(f"{_API}/people/@self"))

    async def settings(self) -> tuple[Mapping[str, Any], datetime | None]:
        """The portal's settings (3), and when it answered, by its own clock and in UTC, if it said so."""
        response = await self._get(f"{_API}/settings")
        return _item(response), _answered_at(response)

    async def categories(self) -> Sequence[Any]:
        """The task categories."""
        return _rows(await self._get(f"{_TASK}/category"))[1]

    async def tasks(self, *, closed: bool) -> AsyncIterator[Sequence[Any]]:
        """All open or all closed tasks, page by page, in the order of their ids.

        Advances by the rows received; `nextIndex` is one too far and `total` may be stale (2.2, [S]), so they neither
        steer nor end the crawl. Raises `ServerFault` for a page that is damaged or comes a second time.
        """
        start, before = 0, frozenset[int]()
        while True:
            wanted = (
                ("isClosed", "true" if closed else "false"),
                ("sortBy", "id"),
                ("count", str(PAGE_ROWS)),
                ("startIndex", str(start)),
            )
            response = await self._get(f"{_TASK}/filter", params=wanted)
            envelope, rows = _rows(response)
            ids = frozenset(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int))
            if ids and ids <= before:
                raise unreadable(response, f"the tasks of the page before: it ignores startIndex={start}")
            yield rows
            # A short page that announces more comes from a server with a smaller limit than ours.
            if len(rows) < PAGE_ROWS and "nextIndex" not in envelope:
                return
            if not rows:
                raise unreadable(response, "an empty page that announces more")
            start, before = start + len(rows), ids

    async def task(self, external_id: str) -> Mapping[str, Any] | None:
        """One task; None when the portal itself says that there is none.

        Raises `Refused` for a task that this account may not see: that says nothing about the others.
        """
        response = await self._send("GET", _path(external_id))
        return None if _says_gone(response) else _item(_judged(response))

    async def create(self, body: Mapping[str, Any]) -> tuple[Response, Mapping[str, Any]]:
        """The new task, with the answer that it stands in."""
        response = require(await self._send("POST", _TASK, body), _words)
        return response, _item(response)

    async def replace(self, external_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The task as the portal has it now, which is another one, with another id, if it had been deleted (2.4)."""
        return _item(_judged(await self._send("PUT", _path(external_id), body)))

    async def set_closed(self, external_id: str, *, closed: bool) -> Mapping[str, Any]:
        """Close or reopen. Raises `Vanished`: a missing task is answered with 400 here (2.4, [S]), as is much else, so
        a read decides.
        """
        route = "close" if closed else "reopen"
        response = await self._send("PUT", f"{_path(external_id)}/{route}")
        if response.status in {400, *_GONE} and await self.task(external_id) is None:
            raise Vanished(f"Task {external_id} could not be {route}d: it is not in the portal any more.")
        return _item(_judged(response))

    async def delete(self, external_id: str) -> None:
        """Delete; a task that is not there is a success."""
        response = await self._send("DELETE", _path(external_id))
        if not _says_gone(response):
            _envelope(_judged(response))

    async def _get(self, path: str, *, params: Sequence[tuple[str, str]] = ()) -> Response:
        response = await self._send("GET", path, params=params)
        try:
            return require(response, _words)
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
            if response.status == 500 and _error(response) is not None:
                raise self._refuse(
                    f"The portal refused the user name and password ({_words(response) or 'HTTP 500'}). They are not "
                    "tried again before a restart, since the portal locks accounts after a few wrong tries."
                )
            answer = _item(require(response, _words))
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
            raise self._refuse(
                "The portal asks this user for a second factor, which a program cannot give. "
                "Use an account without two-factor authentication, or a token."
            )
        raise ServerFault("Logging in did not work: the portal's answer holds no token.")

    def _refuse(self, message: str) -> NeedsLogin:
        self._refusal = message
        return NeedsLogin(message)


def _path(external_id: str) -> str:
    return f"{_TASK}/{quote(external_id, safe='')}"


def _judged(response: Response) -> Response:
    """The answer about one task. 403 concerns this task alone, whatever it means elsewhere (1.4, 2.4, [S]); a 404 that
    is not in the portal's own form is somebody else's page, and no word about the task.
    """
    if response.status == 403:
        raise Refused(
            f"{response.method} {response.url} was answered with 403: {_words(response) or 'access denied'}. "
            "Only a CRM administrator may see and change every task.",
            status=403,
        )
    if response.status in _GONE and _error(response) is None:
        raise unreadable(response, f"a {response.status} that is not the portal's")
    return require(response, _words)


def _envelope(response: Response, holding: type = dict) -> dict[str, Any]:
    """The envelope (4.1) of a 2xx, its `response` of that type."""
    envelope = parse_json(response)
    if not isinstance(envelope, dict) or envelope.get("status", 0) != 0:
        raise unreadable(response, "no envelope of ONLYOFFICE")
    if not isinstance(envelope.get("response"), holding):
        raise unreadable(response, f"an envelope whose response is {type(envelope.get('response')).__name__}")
    return envelope


def _item(response: Response) -> Mapping[str, Any]:
    item: Mapping[str, Any] = _envelope(response)["response"]
    return item


def _rows(response: Response) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """Envelope and rows of a list; `count` is the number of rows, and absent for none or in old versions (2.2, 4.1)."""
    envelope = _envelope(response, list)
    rows: list[Any] = envelope["response"]
    if envelope.get("count", len(rows)) != len(rows):
        raise unreadable(response, f"{len(rows)} of {envelope['count']} rows")
    return envelope, rows


def _says_gone(response: Response) -> bool:
    return response.status in _GONE and _error(response) is not None


def _error(response: Response) -> Mapping[str, Any] | None:
    """The `error` of an answer in the portal's own form (4.3), None for pages, texts and other people's JSON."""
    try:
        envelope = json.loads(response.body)
    except ValueError:
        return None
    error = envelope.get("error") if isinstance(envelope, dict) else None
    return error if isinstance(error, dict) else None


def _words(response: Response) -> str:
    message = (_error(response) or {}).get("message")
    return message if isinstance(message, str) else ""


def _answered_at(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
