"""Requests to one Plannr as one account: a single record, a list, a page of a list (protocols/plannr.md, 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tasksync.connectors.plannr.answers import found, require_own_words, single, words
from tasksync.connectors.plannr.paging import PER_PAGE, Page, items_of, page_of
from tasksync.errors import RetryLater
from tasksync.ports import Http, Response
from tasksync.transport.answers import require
from tasksync.transport.headers import server_date

MOST_PAGES = 4  # that a search looks through
Params = Sequence[tuple[str, str]]


class Session:
    """Raises what `ports.Http.send` and `answers.require` raise."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._headers: Mapping[str, str] = {}
        self._answered_at: datetime | None = None

    def act_as(self, account_uuid: str) -> None:
        """Every request from now on is made as this account, unless it says otherwise (2.1)."""
        self._headers = {"X-PLANNR-ACCOUNT-UUID": account_uuid}

    @property
    def answered_at(self) -> datetime | None:
        """When Plannr answered last, aware UTC, by its own clock; None if it did not say."""
        return self._answered_at

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        json: Mapping[str, Any] | None = None,
        as_account: bool = True,
    ) -> Response:
        response = await self._http.send(
            method,
            path,
            params=params,
            headers=self._headers if as_account else {},
            json=None if json is None else dict(json),
        )
        self._answered_at = server_date(response.headers)
        return response

    async def one(self, path: str, params: Params = ()) -> dict[str, Any] | None:
        """A record; None when Plannr itself says that it has none there (not visible looks the same, 3.6)."""
        response = await self.ask_for_one(path, params)
        if response.status in (404, 410):
            require_own_words(response)
            return None
        return single(require(response, words))

    async def ask_for_one(self, path: str, params: Params = ()) -> Response:
        """The answer for a record, whatever it is."""
        response = await self.send("GET", path, params=params)
        if response.status == 400 and params:
            # Includes are documented for lists alone (5): better without what was included than not at all.
            response = await self.send("GET", path)
        return response

    async def items(
        self,
        path: str,
        params: Params = (),
        *,
        judge: Callable[[Response], Response] = found,
        searched: str | None = None,
    ) -> list[dict[str, Any]]:
        """All of a list that is short, in one passage. `judge` raises for what is no answer. `searched` names what is
        searched for: raises `RetryLater` when there are more pages than a search looks through, because that one of
        them is the only one of its name could not be told from a part.
        """
        items: list[dict[str, Any]] = []
        number = last = 1
        while number <= last:
            response = await self.send_for_page(path, params, number)
            body, some = items_of(judge(response))
            items += some
            # That the list of statuses comes in pages is only inferred (7.1).
            if "meta" in body:
                last = page_of(response, body, some, number).last
            if searched is not None and last > MOST_PAGES:
                raise RetryLater(
                    f"More than {MOST_PAGES * PER_PAGE} records of Plannr come up in the search for a {searched}, too "
                    "many to tell whether one is it. Say under `links` in the config which one it is."
                )
            number += 1
        return items

    async def page(self, path: str, params: Params, number: int) -> Page:
        """One page of a long list, from 1. Raises `Misconnected` for what is no list."""
        return self.read_page(await self.send_for_page(path, params, number), number)

    def read_page(self, response: Response, number: int) -> Page:
        """The page that was asked for. Raises as `page` does."""
        return page_of(response, *items_of(found(response)), number)

    async def send_for_page(self, path: str, params: Params, number: int) -> Response:
        """The answer for a page, whatever it is."""
        # Built by hand: whether Plannr's own links keep filter, sort and size is unknown (3.3).
        page = [("per_page", str(PER_PAGE)), ("page", str(number))]
        return await self.send("GET", path, params=[*params, *page])


def at(collection: str, uuid: str) -> str:
    """The path of one record of a collection."""
    return f"{collection}/{quote(uuid, safe='')}"
