"""Keeps its own book of what people did, and says whether what became of it is right.

It knows people, tasks and CRMs, and nothing of records, shadows or plans. A task is recognised by its *tag*, the first
word of its title, which people leave alone when they change the title.

What people wrote
-----------------
An entry is a value that a person wrote into a field of a task in one CRM. The *heads* of a field are the entries that
nobody replaced who had them before them: one after a plain edit; several when people edited the field in several CRMs
without seeing each other's work. Whoever wins, it has to be a head; with one head there is nothing to win (I2).

An entry counts as written off only where nobody but a person can have known of it: overwritten or deleted by a person
in the same CRM before a poll of ours was through. Every other one has to be current or in the history for ever.

What people deleted
-------------------
A deletion is meant for what its person saw. What was written elsewhere and did not show there yet, or was written
afterwards, beats it (I11), unless somebody who did see it deleted the task as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from figures import FIGURES
from forms import FIELDS, KEEP, STAND_IN, form, tag_of

from tasksync.core.match import alike
from tasksync.core.record import Value, identical
from tasksync.sandbox.crm import Crm

Key = tuple[str, str]
Task = Mapping[str, Any]


@dataclass(eq=False, kw_only=True)
class Entry:
    """What a person wrote: `value` as the CRM stored it, in place of `before`. `number`: its place in the book, or -1
    for what stands in a CRM and nobody is known to have written. `over`: the heads it replaced.

    `polled`: a poll that was begun later has gone through; `tried`: one was begun at least; `settled`: it was current
    when all was quiet; `lost`: written off.
    """

    tag: str
    name: str
    value: Value
    crm: str
    number: int
    before: Value
    over: tuple[Entry, ...]
    polled: bool = False
    tried: bool = False
    settled: bool = False
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.tag}'s {self.name} {self.value!r}, written in {self.crm}"


def fits(crm: str, entry: Entry, task: Task) -> bool:
    """Whether the task may be what the CRM has of the entry."""
    wanted = form(crm, entry.name, entry.value)
    return wanted is KEEP or identical(wanted, task[entry.name])


class Book:
    """The book of one firm. What does not hold raises `AssertionError` and is counted."""

    def __init__(self, crms: Mapping[str, Crm]) -> None:
        self._crms = crms
        self.entries: list[Entry] = []
        self.heads: dict[Key, list[Entry]] = defaultdict(list)
        self.deletions: dict[str, dict[str, list[Entry]]] = defaultdict(dict)
        self.born: dict[Key, int] = defaultdict(int)
        self.dead: set[str] = set()

    # --- people ---

    def add(self, tag: str, crm: str, **fields: Any) -> None:
        """Somebody types a task in. Its title begins with the tag."""
        self._crms[crm].add(**fields)
        self._wrote(tag, crm, {}, self.find(tag, crm) or {})

    def edit(self, tag: str, crm: str, **fields: Any) -> bool:
        """Somebody changes the task, if it is there; whether it was."""
        before = self.find(tag, crm)
        if before is None:
            return False
        self._crms[crm].edit(before["id"], **fields)
        self._wrote(tag, crm, before, self.find(tag, crm) or {})
        return True

    def delete(self, tag: str, crm: str) -> None:
        """Somebody deletes the task, if it is there."""
        before = self.find(tag, crm)
        if before is None:
            return
        self._crms[crm].remove(before["id"])
        heads = [one for name in _all_fields() for one in self.heads[tag, name]]
        unseen = [one for one in heads if not self._saw(crm, one, before) and not self._overruled(one)]
        # What this CRM cannot show, a poll that was cut off may have seen before, or not: it may beat this, or not.
        doubtful = {one for one in unseen if one.tried and form(crm, one.name, one.value) is KEEP}
        self.deletions[tag][crm] = [
            self._nobodys(tag, one.name, crm, None) if one in doubtful else one for one in unseen
        ]
        for name in FIELDS[crm]:
            for one in self._written_off(tag, name, crm, before):
                # It may still be known, from a poll that was cut off. If not, what was before it is current; where
                # nobody ever wrote anything before it, there is nothing to expect.
                heads = self.heads[tag, name]
                self.heads[tag, name] = heads + [other for other in one.over if other not in heads] if one.over else []

    def find(self, tag: str, crm: str) -> Task | None:
        """The task there, if there is one, as far as its CRM's protocol tells."""
        found = next((task for task in self._crms[crm].tasks() if tag_of(task["title"]) == tag), None)
        if found is not None and crm == "plannr":
            # The sandbox does not limit what its people type, but Plannr's column holds no more (plannr.md 4.2, [I]).
            found["title"] = found["title"][:255]
        return found

    def _wrote(self, tag: str, crm: str, before: Task, after: Task) -> None:
        FIGURES.edits += 1
        for name in FIELDS[crm]:
            if before and identical(before[name], after[name]):
                continue
            off = self._written_off(tag, name, crm, before)
            heads = self.heads[tag, name]
            had = [one for one in heads if before and self._had(crm, one, before)]
            # One that is written off may still be known, from a poll that was cut off.
            over = {one: None for one in had if one not in off or one.tried}
            over |= {other: None for one in off for other in one.over}
            origin = off[0].before if off else before.get(name)
            number = len(self.entries)
            entry = Entry(
                tag=tag, name=name, value=after[name], crm=crm, number=number, before=origin, over=tuple(over)
            )
            self.entries.append(entry)
            others = [one for one in heads if one not in had]
            if before and identical(origin, after[name]):
                # Changed to and fro: whether that was noticed or not, both what it was before and this are right.
                entry.lost = True
                self.heads[tag, name] = [*others, *over, entry] if over else []
            else:
                self.heads[tag, name] = [*others, entry]
            # What says no more than the others had is an edit or our own doing, nobody can tell which: it may beat a
            # deletion, or not.
            told_already = any(identical(one.value, entry.value) for one in heads)
            for where, unseen in self.deletions[tag].items():
                if where != crm:
                    unseen.append(self._nobodys(tag, name, crm, None) if told_already else entry)

    def _written_off(self, tag: str, name: str, crm: str, before: Task) -> list[Entry]:
        """The entries that a person in this CRM now takes away before anybody else can have seen them."""
        found = []
        for one in self.entries:
            mine = (one.tag, one.name, one.crm) == (tag, name, crm)
            if mine and before and not one.polled and not one.lost and identical(one.value, before[name]):
                one.lost = True
                found.append(one)
        return found

    def _had(self, crm: str, entry: Entry, before: Task) -> bool:
        """Whether a person who replaces what the CRM showed replaces the entry. Of one that it cannot show they do only
        when it is older than all they may be working on.
        """
        return fits(crm, entry, before) and (entry.settled or form(crm, entry.name, entry.value) is not KEEP)

    def _saw(self, crm: str, entry: Entry, before: Task) -> bool:
        if entry.crm == crm or entry.number < 0:
            return True
        if form(crm, entry.name, entry.value) is KEEP:
            # In the order of time then, as nobody is shown anything.
            return entry.polled or entry.number < self.born[tag_of(before["title"]), crm] or entry.value is None
        return fits(crm, entry, before)

    # --- tasksync ---

    def tags(self) -> dict[str, Counter[str]]:
        """How often each tag is in each CRM."""
        return {name: Counter(tag_of(task["title"]) for task in crm.tasks()) for name, crm in self._crms.items()}

    def polled(self, crms: Iterable[str], before: int) -> None:
        """Polls of these CRMs, begun when there were `before` entries, went through, and their process lived on."""
        wanted = set(crms)
        for one in self.entries[:before]:
            one.polled = one.polled or one.crm in wanted

    def begun(self) -> None:
        """A cycle begins: from now on it may have seen what was written until now."""
        for one in self.entries:
            one.tried = True

    def compare(self, earlier: Mapping[str, Counter[str]]) -> None:
        """After a cycle: nothing is gone that nobody deleted (I5), and nothing is doubled (I3)."""
        self.not_doubled()
        for crm, now in self.tags().items():
            for tag in earlier[crm].keys() - now.keys():
                if not self.deletions[tag]:
                    FIGURES.wrongly_deleted += 1
                    raise AssertionError(f"{tag} is gone from {crm}, and nobody deleted it anywhere")
            for tag in now:
                self.deletions[tag].pop(crm, None)
            for tag in now.keys() - earlier[crm].keys():
                self.born[tag, crm] = len(self.entries)
        for tag, deletions in self.deletions.items():
            for crm, unseen in deletions.items():
                deletions[crm] = [
                    self._nobodys(tag, one.name, crm, None) if self._overruled(one) else one for one in unseen
                ]

    def _overruled(self, entry: Entry) -> bool:
        """Whether the entry lost a conflict: its own CRM shows another value by now."""
        task = self.find(entry.tag, entry.crm)
        return task is not None and not identical(task[entry.name], entry.value)

    def not_doubled(self) -> None:
        for crm, found in self.tags().items():
            for tag, count in found.items():
                if count > 1:
                    FIGURES.doubled += 1
                    raise AssertionError(f"{tag} is in {crm} {count} times")

    # --- a mirror that is lost, or older than it was ---

    def agreed(self) -> bool:
        """Whether each task has one title, day and state in all CRMs that have it: without a mirror nothing else could
        tell that they are one task.
        """
        for tag in {one.tag for one in self.entries}:
            tasks = [task for crm in self._crms if (task := self.find(tag, crm)) is not None]
            if len({(alike(task["title"]), task["due"], task["done"]) for task in tasks}) > 1:
                return False
        return True

    def forgotten(self, known: Mapping[Key, list[Value]]) -> None:
        """The mirror knows no more than this. What stood nowhere else is written off with it, what any CRM shows may
        become current, and of a deletion that was not carried out everywhere nobody can tell that it was one.
        """
        heads: dict[Key, list[Entry]] = defaultdict(list)
        left: dict[Key, list[Value]] = defaultdict(list, {key: [*values] for key, values in known.items()})
        for tag in {one.tag for one in self.entries}:
            for crm in self._crms:
                for name, value in (self.find(tag, crm) or {}).items():
                    if name in FIELDS[crm]:
                        heads[tag, name] += self._standing(tag, name, crm, value)
                        left[tag, name] += [] if (crm, name, value) == STAND_IN else [value]
            self._doubt(tag)
        for one in self.entries:
            one.lost = one.lost or not any(identical(one.value, other) for other in left[one.tag, one.name])
        self.heads = heads

    def _standing(self, tag: str, name: str, crm: str, value: Value) -> list[Entry]:
        """The entries that the CRM may be showing. What it has of them, or in their stead, counts as one more."""
        mine = [one for one in self.entries if (one.tag, one.name) == (tag, name)]
        found = [one for one in mine if identical(form(crm, name, one.value), value)]
        nothing = [self._nobodys(tag, name, crm, None)] if (crm, name, value) == STAND_IN else []
        return [*nothing, self._nobodys(tag, name, crm, value), *found]

    def _nobodys(self, tag: str, name: str, crm: str, value: Value) -> Entry:
        return Entry(tag=tag, name=name, value=value, crm=crm, number=-1, before=None, over=(), lost=True)

    def _doubt(self, tag: str) -> None:
        """From now on the task may live or not, if it was deleted anywhere."""
        where = (
            {crm for crm in self._crms if self.find(tag, crm) is None}
            if tag in self.dead
            else self.deletions[tag].keys()
        )
        for crm in set(where):
            self.deletions[tag][crm] = [self._nobodys(tag, "title", crm, None)]
        self.dead.discard(tag)

    # --- when it is quiet ---

    def settle(self) -> None:
        """All is said and done: every task is everywhere, or nowhere, and the same everywhere (I1, I2, I11)."""
        for tag in sorted({one.tag for one in self.entries} - self.dead):
            if self._lives(tag):
                for name in _all_fields():
                    self._agree(tag, name)
            else:
                self.dead.add(tag)
            self.deletions[tag].clear()

    def _lives(self, tag: str) -> bool:
        there = {crm for crm in self._crms if self.find(tag, crm) is not None}
        deletions = self.deletions[tag]
        unseen = [one for entries in deletions.values() for one in entries]
        by_all = [one for one in unseen if all(one in entries for entries in deletions.values())]
        # What was taken back before anybody can have seen it saves nothing, though it may have.
        saved = [one for one in by_all if one.crm not in deletions and not one.lost]
        if there and there != set(self._crms):
            raise AssertionError(f"{tag} is in {sorted(there)} only")
        if not there and not deletions:
            FIGURES.wrongly_deleted += 1
            raise AssertionError(f"{tag} is gone, and nobody deleted it")
        if not there and saved:
            FIGURES.wrongly_deleted += 1
            raise AssertionError(
                f"{tag} is gone although {saved[0]}, which nobody saw who deleted it in {[*deletions]}"
            )
        if there and deletions and not unseen:
            raise AssertionError(f"{tag} is still there although it was deleted in {[*deletions]} and not edited since")
        return bool(there)

    def _agree(self, tag: str, name: str) -> None:
        heads = self.heads[tag, name]
        if not heads:
            return
        tasks = {crm: self.find(tag, crm) for crm in self._crms}
        winners = [one for one in heads if all(task and fits(crm, one, task) for crm, task in tasks.items())]
        if not winners:
            shown = {crm: task.get(name) for crm, task in tasks.items() if task and name in FIELDS[crm]}
            raise AssertionError(f"{tag}'s {name} is {shown}; what was written last is {[str(one) for one in heads]}")
        winners[-1].settled = True
        self.heads[tag, name] = winners[-1:]

    def nothing_lost(self, known: Mapping[Key, list[Value]]) -> None:
        """Every entry that is not written off stands in some CRM, or is among the values, current or superseded, that
        the mirror knows (I2).
        """
        standing = {tag: [self.find(tag, crm) or {} for crm in self._crms] for tag in {one.tag for one in self.entries}}
        for one in self.entries:
            told = one.value not in (None, "", False)
            values = [*known.get((one.tag, one.name), []), *(task.get(one.name) for task in standing[one.tag])]
            if told and not one.lost and not any(identical(one.value, other) for other in values):
                FIGURES.lost += 1
                raise AssertionError(f"nobody knows of {one}")


def _all_fields() -> list[str]:
    return sorted({name for names in FIELDS.values() for name in names})
