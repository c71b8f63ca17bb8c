"""How many people and categories of a connection are not known in the others, before any task mentions them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tasksync.core.directory import Configured, People, Referent
from tasksync.core.lens import KEEP
from tasksync.core.record import TASK
from tasksync.core.reference import parse
from tasksync.engine.together import together
from tasksync.errors import RetryLater, SkipRecord, StopConnection
from tasksync.ports import Connector, Finding

_ADVICE = "After a sync, tasksync map --suggest says who and what may be the same."


async def strangers(
    connectors: Sequence[Connector], configured: Configured, redact: Callable[[str], str]
) -> Mapping[str, Sequence[Finding]]:
    """By connection, what there is to say of its people and categories among the others of its group, all of which are
    open. None of it is wrong: what is not known elsewhere is left as it is there.
    """
    listed = await together(_listed(connector, redact) for connector in connectors)
    told = [connector for connector, found in zip(connectors, listed, strict=True) if not isinstance(found, Finding)]
    people = People.of(one for found in listed if not isinstance(found, Finding) for one in found)
    return {
        connector.connection: [
            found if isinstance(found, Finding) else _people(connector, _others(connector, told), people, configured),
            *_categories(connector, _others(connector, connectors)),
        ]
        for connector, found in zip(connectors, listed, strict=True)
    }


async def _listed(connector: Connector, redact: Callable[[str], str]) -> Sequence[Referent] | Finding:
    try:
        return await connector.people()
    except (RetryLater, SkipRecord, StopConnection) as error:
        return Finding(subject="people", ok=True, message=f"They cannot be listed just now: {redact(str(error))}")


def _others(connector: Connector, connectors: Sequence[Connector]) -> list[Connector]:
    return [other for other in connectors if other is not connector]


def _people(connector: Connector, others: Sequence[Connector], people: People, configured: Configured) -> Finding:
    own = [one for one in people.known if parse(one).connection == connector.connection]
    missing = {
        other.connection: sum(people.counterpart(one, other.connection, configured) is None for one in own)
        for other in others
    }
    return _finding("people", len(own), missing)


def _categories(connector: Connector, others: Sequence[Connector]) -> Iterator[Finding]:
    """Nothing of a CRM without categories, nor of those that have none."""
    own = connector.categories
    if own:
        lenses = {other.connection: other.lenses(TASK.name)["category"] for other in others if other.categories}
        missing = {name: sum(lens.get(one) is KEEP for one in own) for name, lens in lenses.items()}
        yield _finding("categories", len(own), missing)


def _finding(subject: str, count: int, missing: Mapping[str, int]) -> Finding:
    told = [f"{number} without a counterpart in {name}" for name, number in missing.items() if number]
    advice = f" {_ADVICE}" if told else ""
    known = "known in the other connections" if missing else "and no other connection to compare them with"
    return Finding(subject=subject, ok=True, message=f"{count}, {', '.join(told) if told else known}.{advice}")
