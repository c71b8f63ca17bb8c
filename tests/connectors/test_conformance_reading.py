"""What every connector has to do when it reads: each record, as a person sees it, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from account_site import Site, everything
from accounts import Arrangement
from case_accounts import ARRANGEMENTS

from tasksync.core.record import is_utc
from tasksync.ports import Connector


@pytest.fixture(params=ARRANGEMENTS, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """All accounts, for all kinds."""
    chosen: Arrangement = request.param
    return chosen


async def test_an_empty_account_is_a_complete_snapshot(site: Site, kind: str) -> None:
    """Without records the poll ends normally and shows none."""
    connector = site.connect()
    await connector.open()
    assert await everything(connector, kind) == []


async def test_a_long_listing_shows_each_record_once(site: Site, connector: Connector, kind: str) -> None:
    """Open or done, on the first page or the last, each record comes exactly once; where done ones are not listed, each
    can still be read.
    """
    site.fill(site.arrangement.many)
    ids = site.ids()
    done = ids[::3]
    for record_id in done:
        site.finish(record_id)
    found = await everything(connector, kind)
    listed = ids if site.arrangement.lists_finished else sorted(set(ids) - set(done))
    assert Counter(one.external_id for one in found) == Counter(listed)
    finished = {one.external_id for one in found if one.values[site.arrangement.state]}
    assert finished == set(done) & set(listed)
    assert await connector.read(kind, done[0]) is not None


async def test_digests_tell_what_changed(site: Site, connector: Connector, kind: str) -> None:
    """A record that nobody touched is sighted as it was, by another process as well; one that was edited is not."""
    site.fill(5)
    edited = site.ids()[2]
    before = await digests(connector, kind)
    assert "" not in before.values()
    assert await digests(await site.opened(), kind) == before
    site.shelf.edit(edited, title="Edited")
    after = await digests(await site.opened(), kind)
    assert {record_id for record_id in before if after[record_id] != before[record_id]} == {edited}


async def digests(connector: Connector, kind: str) -> dict[str, str]:
    """Of all that a poll shows."""
    return {one.external_id: one.digest async for page in connector.poll(kind) for one in page}


@pytest.mark.parametrize("done", [False, True])
async def test_a_listing_and_a_read_say_the_same(site: Site, connector: Connector, kind: str, *, done: bool) -> None:
    """An item of a page equals the direct read of its record. A CRM that does not tell the state of a task tells it by
    listing it, and lists no finished one.
    """
    made, state = site.arrangement.furnish(site.world), site.arrangement.state
    site.finish(made, finished=done)
    read = await connector.read(kind, made)
    listed = {one.external_id: one for one in await everything(connector, kind)}
    assert read is not None
    if site.arrangement.tells_done:
        assert listed[made] == read
    elif done:
        assert made not in listed
        assert state not in read.values
    else:
        assert listed[made] == replace(read, values={**read.values, state: False})


async def test_it_tells_what_a_person_sees(site: Site, connector: Connector, kind: str) -> None:
    """The values of an observation are those that a person reads in the CRM, and only of fields with a lens."""
    made = site.arrangement.furnish(site.world)
    shown = site.shown(made)
    (seen,) = [one for one in await everything(connector, kind) if one.external_id == made]
    assert set(seen.values) == set(site.arrangement.fields)
    assert dict(seen.values) == {name: shown[name] for name in seen.values}
    site.arrangement.kind.check(seen.values)


async def test_a_record_that_is_not_there_reads_as_none(site: Site, connector: Connector, kind: str) -> None:
    """An id that never was, and one that is no more, both read as None."""
    made = site.add()
    assert await connector.read(kind, made) is not None
    site.shelf.remove(made)
    assert await connector.read(kind, made) is None
    assert await connector.read(kind, site.arrangement.unknown_id) is None


async def test_stamps_are_the_crms_own(site: Site, connector: Connector, kind: str) -> None:
    """Created, modified and completed are by the CRM's clock, in UTC, and absent where the CRM has none."""
    site.crm.settings.change({"clock_offset_s": 600})
    made_at = site.crm.stamp()
    made = site.add()
    site.clock.tick(seconds=90)
    site.shelf.edit(made, title="Ring Bob on Monday")
    (seen,) = await everything(connector, kind)
    stamps = {name: getattr(seen, name) for name in ("created", "modified", "completed")}
    told = {name: stamp for name, stamp in stamps.items() if stamp is not None}
    expected = {"created": made_at, "modified": made_at + timedelta(seconds=90)}
    assert told == {name: stamp for name, stamp in expected.items() if name in site.arrangement.tells}
    assert all(is_utc(stamp) for stamp in told.values())
