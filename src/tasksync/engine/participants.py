"""Who takes part in a cycle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tasksync.engine.member import Member
from tasksync.ports import Account, Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """`only`: the connections that take part; all of them if it is empty. `due`: those of them that are polled; all if
    not given. `accounts`: of those that are open already, and are not opened again. `failing`: whose last poll failed,
    which is no news.
    """

    only: Collection[str] = ()
    due: Collection[str] | None = None
    accounts: Mapping[str, Account] = field(default_factory=dict)
    failing: Collection[str] = ()

    def members(
        self, groups: Mapping[str, Sequence[Connector]], order: Sequence[str]
    ) -> Mapping[str, tuple[Member, ...]]:
        """All connections by group, in the order of the config, each with the part that it takes."""
        return {
            group: tuple(
                self._member(connector, group, order.index(connector.connection))
                for connector in sorted(connectors, key=lambda one: order.index(one.connection))
            )
            for group, connectors in groups.items()
        }

    def _member(self, connector: Connector, group: str, rank: int) -> Member:
        name = connector.connection
        return Member(
            connector=connector,
            rank=rank,
            group=group,
            selected=not self.only or name in self.only,
            due=self.due is None or name in self.due,
            failing=name in self.failing,
        )


EVERYBODY = Participants()
"""As `sync --once` has it: all connections are opened and polled."""
