"""What a cycle reports that it cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from firm import Firm

from tasksync.engine.expense import Expense
from tasksync.ports import Cost, Usage


def used(wall_s: float, cpu_s: float, peak_mib: int) -> Usage:
    return Usage(wall_s=wall_s, cpu_s=cpu_s, peak_rss_bytes=peak_mib * 1024 * 1024)


@pytest.fixture
def usages() -> Iterator[Usage]:
    return iter([used(1000.0, 7.0, 50), used(1002.5, 7.25, 60)])


async def test_an_expense_is_counted_from_its_beginning(met: Firm, usages: Iterator[Usage]) -> None:
    """Times and rows are differences; the peak of the memory is what it is."""
    expense = Expense(lambda: next(usages), met.mirror)
    with met.mirror.begin() as unit:
        unit.save_connection(unit.connections()[0])
    assert expense.so_far() == Cost(wall_s=2.5, cpu_s=0.25, rows_written=1, peak_rss_bytes=60 * 1024 * 1024)


async def test_rows_are_those_of_the_cycle(met: Firm) -> None:
    """A quiet cycle writes when it polled, one row for each connection, however many tasks there are; an edit costs
    more, and the next quiet cycle as little as the first.
    """
    quiet = (await met.sync()).cost
    met.edit("capsule", "Ring Bob", body="The key is under the mat.")
    busy = (await met.sync()).cost
    await met.sync()
    assert quiet.rows_written == len(met.settings)
    assert busy.rows_written > quiet.rows_written
    assert (await met.sync()).cost.rows_written == quiet.rows_written


async def test_the_traffic_of_a_cycle_is_by_connection(met: Firm) -> None:
    """All are read, and only who is written to is sent anything."""
    met.edit("capsule", "Ring Bob", body="The key is under the mat.")
    done = await met.sync()
    traffic = {member.name: member.traffic for member in done.members}
    assert all(one.received_bytes > 0 for one in traffic.values())
    assert {name for name, one in traffic.items() if one.sent_bytes} == {"onlyoffice", "plannr"}
    assert done.traffic.received_bytes == sum(one.received_bytes for one in traffic.values())
    assert done.requests == sum(member.requests for member in done.members)
    assert (await met.sync()).traffic.sent_bytes == 0


async def test_the_mirror_remembers_what_a_run_cost(met: Firm) -> None:
    """The run's row has the same figures as the report."""
    done = await met.sync()
    with met.mirror.begin() as unit:
        (run,) = unit.runs(1)
    assert run.summary["cost"] == done.cost.as_dict()
    assert run.summary["connections"]["plannr"]["received_bytes"] > 0
