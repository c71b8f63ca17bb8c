"""Directory: which person, contact, opportunity or case of one CRM is which of another.

Two things correspond when a person said so in the config, or when what they are called leaves no doubt:

================== ====================================================================================
of this type       corresponds to
================== ====================================================================================
person             the one with the same e-mail address, if nobody else on either side has that address
contact            the same; if not both sides know an address, the one with exactly the same name, if
                   nobody else on either side has that name
opportunity, case  the one with exactly the same name within the same contact, likewise
anything else      nothing
================== ====================================================================================

Addresses and names are compared without regard to case and to white space at the ends. Whatever is not certain is
unknown: nobody's task is ever assigned to somebody else's namesake.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, parse

_WITHIN_A_CONTACT = frozenset({OPPORTUNITY, CASE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Referent:
    """Somebody or something that tasks refer to, as its CRM describes it. `parent` refers to the contact that it
    belongs to. What the CRM does not tell is empty.
    """

    reference: str
    name: str = ""
    emails: tuple[str, ...] = ()
    parent: str | None = None

    @property
    def type(self) -> str:
        """The type of what is described."""
        return parse(self.reference).type


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a person said in the config: groups of references that mean the same, at most one of each connection, and
    of people also by their e-mail addresses, as (connection, address).
    """

    same: Sequence[frozenset[str]] = ()
    people: Sequence[Mapping[str, str]] = ()

    def counterpart(self, reference: str, connection: str, named: Iterable[tuple[str, str]] = ()) -> str | None:
        """What was said of `reference`, in `connection`: a reference, or what the config calls that person there.
        `named`: how the config may call this person, by connection.
        """
        for group in self.same:
            if reference in group:
                return next((one for one in group if parse(one).connection == connection), None)
        wanted = {(where, plain(name)) for where, name in named}
        for names in self.people:
            if connection in names and any((where, plain(name)) in wanted for where, name in names.items()):
                return names[connection]
        return None


NOTHING_CONFIGURED = Configured()


def plain(text: str) -> str:
    """An address or a name, as it is compared."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody of all connections, found by their references, ids and addresses."""

    known: Mapping[str, Referent] = field(default_factory=lambda: MappingProxyType({}))
    named: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, referents: Iterable[Referent]) -> People:
        """Of all these referents."""
        known = {one.reference: one for one in referents}
        named: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in known.values():
            where = parse(one.reference)
            for name in addresses(one) | {plain(where.id)}:
                named[where.connection, name].append(one.reference)
        return cls(known=known, named=named)

    def counterpart(self, reference: str, connection: str, configured: Configured = NOTHING_CONFIGURED) -> str | None:
        """Who that is in `connection`; None if nobody, or if there is a doubt."""
        said = self._said(reference, connection, configured)
        if said is not None:
            return said if said in self.known else self._only(connection, said)
        found = {match for name in self._alone(reference) if (match := self._only(connection, name)) is not None}
        match = found.pop() if len(found) == 1 else None
        # Somebody of whom it was said who that is here is nobody else, whatever the address.
        back = None if match is None else self._said(match, parse(reference).connection, configured)
        return match if back is None else None

    def _said(self, reference: str, connection: str, configured: Configured) -> str | None:
        where = parse(reference)
        names = {where.id, *self._alone(reference)}
        return configured.counterpart(reference, connection, ((where.connection, name) for name in names))

    def _alone(self, reference: str) -> frozenset[str]:
        """The addresses that only this person has in that connection."""
        referent, where = self.known.get(reference), parse(reference).connection
        own = frozenset() if referent is None else addresses(referent)
        return frozenset(name for name in own if self._only(where, name) == reference)

    def _only(self, connection: str, name: str) -> str | None:
        found = self.named.get((connection, plain(name)), ())
        return found[0] if len(found) == 1 else None


def addresses(referent: Referent) -> frozenset[str]:
    """Its e-mail addresses, as they are compared; blank ones are none."""
    return frozenset(filter(None, map(plain, referent.emails)))


def counterpart_among(
    referent: Referent, namesakes: Sequence[Referent], candidates: Sequence[Referent], *, parent: str | None
) -> str | None:
    """Which of `candidates`, of another connection, `referent` is; None if none, or if there is a doubt. `namesakes`
    are those of its own connection that look like it, itself or not among them. `parent` is the counterpart of its own
    parent there. The docstring of this module has the rule.
    """
    rivals = [one for one in namesakes if one.reference != referent.reference and one.type == referent.type]
    found = [one for one in candidates if one.type == referent.type]
    if referent.type == CONTACT:
        by_address = _by_address(referent, rivals, found)
        if by_address is not None:
            return by_address.reference
    elif referent.type in _WITHIN_A_CONTACT:
        if parent is None:
            return None
        rivals = [one for one in rivals if one.parent == referent.parent]
        found = [one for one in found if one.parent == parent]
    else:
        return None
    by_name = _by_name(referent, rivals, found)
    if by_name is None or (referent.type == CONTACT and addresses(by_name) and addresses(referent)):
        return None
    return by_name.reference


def _by_address(referent: Referent, rivals: Sequence[Referent], candidates: Sequence[Referent]) -> Referent | None:
    own = addresses(referent).difference(*map(addresses, rivals))
    found = [one for one in candidates if own & addresses(one)]
    return found[0] if len(found) == 1 else None


def _by_name(referent: Referent, rivals: Sequence[Referent], candidates: Sequence[Referent]) -> Referent | None:
    name = plain(referent.name)
    found = [one for one in candidates if plain(one.name) == name]
    unique = name != "" and all(plain(one.name) != name for one in rivals)
    return found[0] if unique and len(found) == 1 else None


def is_person(reference: str) -> bool:
    """Whether it refers to somebody whom tasks are assigned to."""
    return parse(reference).type == PERSON
