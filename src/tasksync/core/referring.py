"""The lenses of fields that refer to something: people, and links.

A CRM shows of them what has a counterpart there. What has none is left as it is there, and stays in the record for the
CRMs that know it. No choice is made that nobody made: without any counterpart, a value has no form (`lens.KEEP`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from tasksync.core.lens import KEEP, Lens, Shown
from tasksync.core.record import Value
from tasksync.core.reference import Counterpart, parse

Slots = Sequence[Sequence[str]]
"""The places that a CRM has for links: each holds one link, of one of these types. Of several links that would go into
one place, the type named first wins.
"""


def one_of_people(field: str, counterpart: Counterpart, *, clearable: bool = True) -> Lens:
    """The CRM stores one person: the first of ours that it knows. When another is put in that place, the others stay;
    when it is emptied, all go.
    """

    def show(value: Value) -> Shown:
        known = _known(_tuple(value), counterpart)
        if known:
            return known[:1]
        return () if not _tuple(value) and clearable else KEEP

    def take(remote: Value, canonical: Value, _held: Value) -> Value:
        found, ours = _tuple(remote), _tuple(canonical)
        place = next((place for place, one in enumerate(ours) if counterpart(one) is not None), 0)
        rest = [one for one in ours if counterpart(one) not in {*found, *_known(ours, counterpart)[:1]}]
        kept_before = [one for one in ours[:place] if one in rest]
        kept_after = [one for one in rest if one not in kept_before]
        return (*kept_before, *found, *kept_after) if found else ()

    def lacks(value: Value) -> tuple[str, ...]:
        return _unknown_before_known(_tuple(value), counterpart)

    return Lens(field=field, show=show, take=take, lacks=lacks)


def several_people(field: str, counterpart: Counterpart) -> Lens:
    """The CRM stores any number of people, in no order. Those of ours that it does not know stay, unless it is emptied,
    and so does our order.
    """

    def show(value: Value) -> Shown:
        known = _known(_tuple(value), counterpart)
        return tuple(sorted(known)) if known or not _tuple(value) else KEEP

    def take(remote: Value, canonical: Value, _held: Value) -> Value:
        found, ours = _tuple(remote), _tuple(canonical)
        stay = [one for one in ours if counterpart(one) is None or counterpart(one) in found]
        come = [one for one in found if one not in _known(ours, counterpart)]
        return (*stay, *come) if found else ()

    def lacks(value: Value) -> tuple[str, ...]:
        return tuple(one for one in _tuple(value) if counterpart(one) is None)

    return Lens(field=field, show=show, take=take, lacks=lacks)


def links(field: str, counterpart: Counterpart, slots: Slots, *, required: bool = False, fixed: bool = False) -> Lens:
    """The CRM stores as many links as it has `slots`. A link that is put into one of them replaces the one that was
    shown there, and those of its own type; those that it merely hides there, that the CRM does not know, or that have
    types without a place there, stay. When a place is emptied, all that would be shown there go.
    """

    def onto(value: Value, held: Value) -> Shown:
        shown: list[str] = []
        for slot in slots:
            shown += _shown_in(_of_types(_tuple(held), slot), _of_types(_tuple(value), slot), counterpart)
        untold = held is None and any(_of_types(_tuple(value), slot) for slot in slots)
        return KEEP if not shown and (untold or required) else tuple(sorted(shown))

    def take(remote: Value, canonical: Value, held: Value) -> Value:
        placed = {type_ for slot in slots for type_ in slot}
        became = [one for one in _tuple(canonical) if parse(one).type not in placed]
        for slot in slots:
            ours = _of_types(_tuple(canonical), slot)
            found, before = _of_types(_tuple(remote), slot)[:1], _of_types(_tuple(held), slot)
            shown = _shown_in(before, ours, counterpart)
            became += ours if shown == found else _put_into(slot, found, ours, shown, counterpart)
        return tuple(sorted(became))

    def lacks(value: Value) -> tuple[str, ...]:
        in_slots = (_of_types(_tuple(value), slot) for slot in slots)
        return tuple(one for ours in in_slots for one in _unknown_before_known(ours, counterpart))

    return Lens(
        field=field,
        show=lambda value: onto(value, None),
        required=required,
        fixed=fixed,
        take=take,
        onto=onto,
        lacks=lacks,
    )


def _shown_in(held: Sequence[str], ours: Sequence[str], counterpart: Counterpart) -> list[str]:
    """What a slot shows of `ours`: the first that is known, or, where there are only others, what it holds."""
    return list(_known(ours, counterpart)[:1] or (held[:1] if ours else ()))


def _put_into(
    slot: Sequence[str], found: Sequence[str], ours: Sequence[str], shown: Sequence[str], counterpart: Counterpart
) -> list[str]:
    """What becomes of `ours`, those in the order of the slot's types, when `found` was put in place of `shown`."""
    put = [parse(one).type for one in found]
    # Of what the CRM knows, only what comes after the link that was put there is hidden by it.
    hidden = {type_ for place in map(slot.index, put) for type_ in slot[place + 1 :]} - {
        parse(one).type for one in shown
    }

    def stays(one: str) -> bool:
        type_ = parse(one).type
        return type_ not in put if counterpart(one) is None else type_ in hidden

    return [*found, *filter(stays, ours)]


def _tuple(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _known(references: Sequence[str], counterpart: Counterpart) -> tuple[str, ...]:
    """Their counterparts, each once, in their order."""
    return tuple(dict.fromkeys(found for one in references if (found := counterpart(one)) is not None))


def _unknown_before_known(references: Sequence[str], counterpart: Counterpart) -> tuple[str, ...]:
    """Those that would be shown, had they a counterpart."""
    return tuple(takewhile(lambda one: counterpart(one) is None, references))


def _of_types(references: Sequence[str], types: Sequence[str]) -> list[str]:
    """Those of these types, in the order of the types."""
    return [one for type_ in types for one in references if parse(one).type == type_]
