"""Entries for the config's sections `people`, `categories` and `links`: what a person may have to write there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeAlias

from tasksync.cli import show
from tasksync.config.correspondences import TO_FILL_IN, TYPES
from tasksync.core.directory import Referent, plain
from tasksync.core.record import REFERRING
from tasksync.core.reference import PERSON, parse
from tasksync.engine.surveying import OpenGap, Said, Survey

PEOPLE: Final = "people"
CATEGORIES: Final = "categories"
LINKS: Final = "links"

_Place: TypeAlias = tuple[str, bool, str]
"""What an entry is about: the group, whether it is a reference, and the reference or the name."""

_ORDER: Final = (PEOPLE, CATEGORIES, LINKS)
# What YAML takes for the text that stands there, and for nothing else.
_BARE = re.compile(r"[^\W\d_][\w@.+'-]*(?: [\w@.+'][\w@.+'-]*)*|0|[1-9]\d{0,17}")
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person, category or thing. `names` is what it is called, by connection, as far as that is known; `kept` what
    an entry says that the config has already, in place of which this one goes. `connections` are those of its group;
    `labels` are what people call it, and `parents` what it belongs to.
    """

    section: str
    connections: Sequence[str]
    names: Mapping[str, str]
    kept: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    type: str = ""
    labels: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()

    @property
    def content(self) -> Mapping[str, str]:
        """What is to be written, key by key."""
        names = {**self.kept, **self.names}
        order = dict.fromkeys((*(name for name in self.connections if name in names), *names))
        return {**({"type": self.type} if self.section == LINKS else {}), **{name: names[name] for name in order}}

    def with_(self, other: Entry) -> Entry:
        """Both in one."""
        return replace(
            self,
            names={**self.names, **other.names},
            kept={**self.kept, **other.kept},
            labels=tuple(dict.fromkeys((*self.labels, *other.labels))),
            parents=self.parents | other.parents,
        )


def as_yaml(entries: Iterable[tuple[Entry, str]]) -> str:
    """The sections with these entries, each below its comment."""
    lines: list[str] = []
    in_order = sorted(entries, key=lambda one: _ORDER.index(one[0].section))
    for section, found in groupby(in_order, lambda one: one[0].section):
        lines.append(f"{section}:")
        for entry, comment in found:
            instead = "; in place of the entry that is there" if entry.kept else ""
            content = ", ".join(f"{key}: {_scalar(name)}" for key, name in entry.content.items())
            lines += [f"  # {' '.join(show.whole(comment).split())}{instead}", f"  - {{{content}}}"]
    return "\n".join(lines)


def _scalar(text: str) -> str:
    if text == TO_FILL_IN or (_BARE.fullmatch(text) and text.lower() not in _WORDS_OF_YAML):
        return text
    # `${` would be the beginning of a variable.
    return json.dumps(text.replace("$", "$$"), ensure_ascii=not text.isprintable())


class Entries:
    """The entries that a survey gives rise to: `all` of which something is known, and what would close a gap."""

    def __init__(self, survey: Survey, said: Said) -> None:
        self._survey = survey
        self._said = said
        self._kept = {reference: names for names, means in self._configured() for reference in means}
        self._first = {
            one.reference: next(iter(row.members.values())).reference
            for row in (*survey.people, *survey.links)
            for one in row.members.values()
        }
        self._places: dict[_Place, int] = {}
        self.all: list[Entry] = []
        self._add_rows()
        self._add_categories()
        self._closing = self._closings()

    def closing(self, gap: OpenGap) -> Entry | None:
        """What would close `gap`, and those of the same elsewhere, once a person has filled in what is missing; None if
        no entry can.
        """
        return self._closing.get(self._places.get(_place(gap))) if _is_open(gap) else None

    def _closings(self) -> Mapping[int | None, Entry]:
        """By the place in `all`, so that what several connections lack, or lack under several names, is one entry."""
        made: dict[int | None, Entry] = {}
        for gap in self._survey.gaps:
            place = self._places.get(_place(gap))
            if (
                place is not None
                and _is_open(gap)
                and (self.all[place].section != LINKS or self.all[place].type in TYPES)
            ):
                entry = made.get(place, self.all[place])
                made[place] = replace(entry, names={**entry.names, gap.gap.connection: TO_FILL_IN})
        return made

    def _add_rows(self) -> None:
        for row in (*self._survey.people, *self._survey.links):
            members = row.members.values()
            type_ = next(iter(members)).type
            for one in members:
                self._places.setdefault((row.group, True, one.reference), len(self.all))
            self.all.append(
                Entry(
                    section=PEOPLE if type_ == PERSON else LINKS,
                    connections=self._said.groups[row.group],
                    names={where: self._name(one) for where, one in row.members.items()},
                    kept=next((self._kept[one.reference] for one in members if one.reference in self._kept), {}),
                    type=type_,
                    labels=tuple(dict.fromkeys(one.name for one in members if one.name)),
                    parents=frozenset(self._first.get(one.parent, one.parent) for one in members if one.parent),
                )
            )

    def _name(self, referent: Referent) -> str:
        """What the config best calls it: an address that nobody else has there, else the id."""
        where = parse(referent.reference)
        named = self._survey.everybody.named
        for address in referent.emails if referent.type == PERSON else ():
            if len(named.get((where.connection, plain(address)), ())) == 1:
                return address
        return where.id

    def _add_categories(self) -> None:
        """Of those that are gaps. Nobody knows of a category without one what its connection calls it."""
        gaps = [gap for gap in self._survey.gaps if gap.shape not in REFERRING and gap.group]
        lacking = {(_place(gap), gap.gap.connection) for gap in gaps}
        for gap in gaps:
            if (place := _place(gap)) in self._places:
                continue
            connections, folded = self._said.groups[gap.group], gap.gap.value.casefold()
            # A name that came back from the history is nobody's: then that of a connection which does not lack it.
            source = gap.source or next((name for name in connections if (place, name) not in lacking), None)
            if source is None:
                continue
            aliases = {name: self._said.categories.get(name, {}).get(folded) for name in connections}
            kept = {name: alias for name, alias in aliases.items() if alias is not None}
            self._places[place] = len(self.all)
            self.all.append(
                Entry(
                    section=CATEGORIES,
                    connections=connections,
                    names={**kept, source: gap.gap.value},
                    kept=kept,
                    labels=(gap.gap.value,),
                )
            )

    def _configured(self) -> Iterator[tuple[Mapping[str, str], Sequence[str]]]:
        """What the config calls somebody or something, and the references that this means."""
        for names in self._said.same.people:
            found = (self._survey.everybody.named.get((where, plain(name)), ()) for where, name in names.items())
            yield names, [known[0] for known in found if len(known) == 1]
        for references in self._said.same.same:
            yield {parse(one).connection: parse(one).id for one in references}, tuple(references)


def _is_open(gap: OpenGap) -> bool:
    return gap.known is None and gap.case is None


def _place(gap: OpenGap) -> _Place:
    refers = gap.shape in REFERRING
    return gap.group, refers, gap.gap.value if refers else gap.gap.value.casefold()
