"""Finds out what references are called in other connections, as far as tasks need it.

People come as whole short lists, seldom. Contacts, opportunities and cases are asked for one by one, when a task
mentions one that has to be shown elsewhere: what it is called there is looked for, and remembered. What could not be
found is a gap: the field stays as it is there, and the search is repeated from time to time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice

from tasksync.core import reference as references
from tasksync.core.directory import People, Referent, counterpart_among, is_person
from tasksync.core.lens import KEEP
from tasksync.core.plan import Gap
from tasksync.core.record import CASE, REFERRING
from tasksync.core.reference import Counterpart, Reference, is_reference, parse
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.engine.together import PARALLEL, together
from tasksync.errors import RetryLater, SkipRecord, StopConnection
from tasksync.ports import Correspondence, Unit

_MOST = 500
"""How many references are looked for in one cycle: each costs some requests, and no edit should wait for them all."""
_SELDOM = timedelta(hours=1)
"""How old a list of people, or a search without success, may be."""

Search = tuple[str, str]
"""A reference, and the connection in which its counterpart is looked for."""


class Directory:
    """What one group knows of its people, contacts, opportunities and cases during a cycle."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._people = People()
        self._persons: dict[Search, str | None] = {}
        self._listed: set[str] = set()
        self._found: dict[Search, Correspondence] = {}
        self._cases: dict[str, dict[str, str]] = {}

    def counterpart(self, connection: str) -> Counterpart:
        """What any reference is called in `connection`, by what is known whenever it is asked."""

        def find(reference: str) -> str | None:
            if parse(reference).connection == connection:
                return reference
            if is_person(reference):
                return self._person(reference, connection)
            said = self._context.configured.counterpart(reference, connection)
            if said is not None:
                return said
            if self._is_synced(reference):
                return self._cases.get(reference, {}).get(connection)
            found = self._found.get((reference, connection))
            return None if found is None else found.counterpart

        return find

    def _person(self, reference: str, connection: str) -> str | None:
        """Remembered as long as the lists of people stay the same: a handful of people have all the tasks."""
        place = reference, connection
        if place not in self._persons:
            self._persons[place] = self._people.counterpart(reference, connection, self._context.configured)
        return self._persons[place]

    def _is_synced(self, reference: str) -> bool:
        """Whether what corresponds to it is for its own replicas to say: cases, where they are kept in step as well."""
        return CASE.name in self._context.kinds and parse(reference).type == references.CASE

    def _recall_cases(self, unit: Unit) -> None:
        by_record: dict[str, dict[str, str]] = defaultdict(dict)
        for record_id, connection, id_ in unit.linked(CASE.name):
            by_record[record_id][connection] = str(Reference(connection=connection, type=references.CASE, id=id_))
        self._cases = {one: replicas for replicas in by_record.values() for one in replicas.values()}

    # --- people ---

    async def open(self, members: Sequence[Member]) -> None:
        """Recall what is known, and list the people of those `members` whose list is old."""
        now = self._context.clock.now()
        with self._context.mirror.begin() as unit:
            self._know(unit)
            self._found = {(one.reference, one.connection): one for one in unit.correspondences()}
            listed = {member.name: unit.listed_at(member.name) for member in members}
            if CASE.name in self._context.kinds - {self._context.kind.name}:
                self._recall_cases(unit)
        await together(self._list(member) for member in members if self._is_due(listed[member.name], now))

    async def _list(self, member: Member) -> None:
        self._listed.add(member.name)
        try:
            found = await member.connector.people()
        except (RetryLater, SkipRecord, StopConnection) as error:
            self._context.complain("people_not_listed", error, member)
            return
        with self._context.mirror.begin() as unit:
            unit.save_people(member.name, found, self._context.clock.now())
            self._know(unit)

    def _know(self, unit: Unit) -> None:
        self._people = People.of(unit.people())
        self._persons = {}

    def _is_due(self, last: datetime | None, now: datetime) -> bool:
        return last is None or not last <= now < last + _SELDOM

    # --- gaps ---

    async def resolve(self, planner: Planner) -> None:
        """Look for what the records of this group refer to and is not known where it has to be shown. Records for which
        that, or a change of the config or of a CRM, closed a gap are planned anew.
        """
        with self._context.mirror.begin() as unit:
            gaps = [gap for gap in unit.gaps() if self._lens(gap) is not None]
        await self._list_again(gaps)
        searches = [
            (gap.value, gap.connection)
            for gap in gaps
            if self._refers(gap) and not is_person(gap.value) and not self._is_synced(gap.value)
        ]
        await self._search(dict.fromkeys(one for one in searches if self._is_open(one)))
        closed = [gap for gap in gaps if self._is_closed(gap)]
        if closed:
            with self._context.mirror.begin() as unit:
                ids = dict.fromkeys(chain.from_iterable(unit.records_with_gap(gap) for gap in closed))
                planner.replan(unit, list(ids))

    def _lens(self, gap: Gap) -> object:
        member = self._member(gap.connection)
        return None if member is None else member.lenses(self._context.kind).get(gap.field)

    def _refers(self, gap: Gap) -> bool:
        return self._context.kind.field(gap.field).shape in REFERRING and is_reference(gap.value)

    def _is_closed(self, gap: Gap) -> bool:
        member = self._member(gap.connection)
        if member is None:
            return False
        if self._refers(gap):
            return self.counterpart(gap.connection)(gap.value) is not None
        return member.lenses(self._context.kind)[gap.field].get(gap.value) is not KEEP

    def _member(self, connection: str) -> Member | None:
        """The member of that name, if it was opened."""
        return next((one for one in self._context.members if one.name == connection and one.account is not None), None)

    async def _list_again(self, gaps: Sequence[Gap]) -> None:
        """Somebody who is not in the list may be new."""
        strangers = {
            parse(gap.value).connection
            for gap in gaps
            if self._refers(gap) and is_person(gap.value) and gap.value not in self._people.known
        }
        found = (self._member(name) for name in sorted(strangers - self._listed))
        await together(self._list(member) for member in found if member is not None)

    # --- searches ---

    def _is_open(self, search: Search) -> bool:
        """Whether it was not made yet, or without success and long ago; and both sides can be asked."""
        reference, connection = search
        asked = self._member(parse(reference).connection) is not None and self._member(connection) is not None
        if not asked or self.counterpart(connection)(reference) is not None:
            return False
        last = self._found.get(search)
        return last is None or self._is_due(last.at, self._context.clock.now())

    async def _search(self, searches: Iterable[Search]) -> None:
        wanted: dict[str, list[str]] = defaultdict(list)
        for reference, connection in islice(searches, _MOST):
            wanted[reference].append(connection)
        gate = asyncio.Semaphore(PARALLEL)

        async def look(reference: str, connections: Sequence[str]) -> None:
            async with gate:
                await self._attempt(reference, connections)

        await together(look(reference, connections) for reference, connections in wanted.items())

    async def _attempt(self, reference: str, connections: Sequence[str]) -> None:
        try:
            await self._look(reference, connections)
        except (RetryLater, SkipRecord, StopConnection) as error:
            # The gap stays, and with it the search.
            self._context.log.warning("search_failed", reference=reference, error=self._context.words(error))

    async def _look(self, reference: str, connections: Sequence[str]) -> None:
        """Look for the counterparts of `reference`, and for those of its parent before."""
        source = self._member(parse(reference).connection)
        assert source is not None, "_is_open sees to it"
        referent = await source.connector.look_up(reference)
        if referent is None:
            self._note([self._result(reference, connection, None) for connection in connections], [])
            return
        if referent.parent is not None:
            await self._look_for_parent(referent.parent, connections)
        namesakes = await source.connector.find(referent)
        results, candidates = [], []
        for connection in connections:
            target = self._member(connection)
            assert target is not None, "_is_open sees to it"
            parent = None if referent.parent is None else self.counterpart(connection)(referent.parent)
            found = await target.connector.find(replace(referent, parent=parent))
            match = counterpart_among(referent, namesakes, found, parent=parent)
            results.append(self._result(reference, connection, match))
            candidates += [one for one in found if one.reference == match]
        self._note(results, [referent, *candidates])

    async def _look_for_parent(self, parent: str, connections: Sequence[str]) -> None:
        searches = [connection for connection in connections if self._is_open((parent, connection))]
        if searches:
            await self._look(parent, searches)

    def _result(self, reference: str, connection: str, counterpart: str | None) -> Correspondence:
        now = self._context.clock.now()
        return Correspondence(reference=reference, connection=connection, counterpart=counterpart, at=now)

    def _note(self, results: Sequence[Correspondence], referents: Sequence[Referent]) -> None:
        """What corresponds to one corresponds to the other: found once, it is known in both directions."""
        back = [
            replace(
                one, reference=one.counterpart, connection=parse(one.reference).connection, counterpart=one.reference
            )
            for one in results
            if one.counterpart is not None
        ]
        with self._context.mirror.begin() as unit:
            unit.save_referents(referents)
            unit.save_correspondences([*results, *back])
        self._found |= {(one.reference, one.connection): one for one in (*results, *back)}
