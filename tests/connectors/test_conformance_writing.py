"""What every connector has to do when it writes: the right thing, to the right field, once, and nothing besides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from account_site import Site, everything
from accounts import Arrangement
from case_accounts import BY_TOKEN

from tasksync.core.lens import KEEP
from tasksync.core.record import Observation, Value, Values, identical
from tasksync.errors import DefaultNeeded, SkipRecord, Vanished
from tasksync.ports import Connector


@pytest.fixture(params=BY_TOKEN, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """What is written does not depend on how one signs in."""
    chosen: Arrangement = request.param
    return chosen


OTHER: Values = {
    "title": "Ring Zoë",
    "body": "Moved to summer.",
    "due": None,
    "priority": "low",
    "category": "Email",
    "reminder": 60,
}


def other(site: Site, name: str) -> Value:
    """A value of the field that no record of these tests has yet."""
    if name in site.arrangement.referring:
        return site.arrangement.referring[name][-1]
    return site.crm.today() + timedelta(days=40) if name == "due" else OTHER[name]


def others(site: Site) -> dict[str, Value]:
    """Such values of all fields that an update can set."""
    one = site.arrangement
    return {name: other(site, name) for name in one.fields if name not in {one.state, *one.fixed}}


def each_field(*, required: bool = False) -> list[Any]:
    """Every field of every arrangement that an update can set; or those that a create cannot do without."""
    return [
        pytest.param(one, name, id=f"{one.name}-{name}")
        for one in BY_TOKEN
        for name in (one.base if required else one.fields)
        if name not in {one.state, *one.fixed}
    ]


def without_state(site: Site, seen: Observation | None) -> Observation | None:
    """`seen`, less what only the answer to a write tells where the CRM does not tell the state of a task."""
    if seen is None or site.arrangement.tells_done:
        return seen
    return replace(seen, values={name: value for name, value in seen.values.items() if name != site.arrangement.state})


async def read(site: Site, connector: Connector, record_id: str) -> Observation:
    """A read of a record that has to be there."""
    found = await connector.read(site.arrangement.kind.name, record_id)
    assert found is not None
    return found


# --- create ---


async def test_a_create_tells_what_reads_and_polls_will(
    site: Site, connector: Connector, kind: str, state: str
) -> None:
    """What `create` returns is what the CRM says of the record ever after, to us and to people."""
    fixed = {name: other(site, name) for name in site.arrangement.fixed}
    values = {**site.arrangement.base, **fixed, **others(site)}
    made = await connector.create(kind, values)
    (listed,) = await everything(connector, kind)
    assert made == listed
    assert without_state(site, made) == await connector.read(kind, made.external_id)
    assert dict(made.values) == {**values, state: False}
    shown = site.shown(made.external_id)
    assert {name: shown[name] for name in values} == values


async def test_a_create_makes_one_record_as_a_person_would(site: Site, connector: Connector, kind: str) -> None:
    """One request makes one record, with the values where people look for them."""
    made = await connector.create(kind, site.arrangement.base)
    assert site.ids() == [made.external_id]
    shown = site.shown(made.external_id)
    assert {name: shown[name] for name in site.arrangement.base} == dict(site.arrangement.base)
    assert site.creates() == 1


@pytest.mark.parametrize("done", [False, True])
async def test_a_create_tells_the_true_state(
    site: Site, connector: Connector, kind: str, state: str, *, done: bool
) -> None:
    """Whether or not the CRM can make a finished record at once, the answer says what it is."""
    made = await connector.create(kind, {**site.arrangement.base, state: done})
    assert made.values[state] is site.shown(made.external_id)[state]


@pytest.mark.parametrize(("arrangement", "name"), each_field(required=True), indirect=["arrangement"])
async def test_a_create_without_a_needed_value_is_refused(
    site: Site, connector: Connector, kind: str, name: str
) -> None:
    """A record that lacks what the CRM wants is skipped, and nothing is made of the rest of it."""
    values = {field: value for field, value in site.arrangement.base.items() if field != name}
    with pytest.raises(SkipRecord):
        await connector.create(kind, values)
    assert site.ids() == []


async def test_a_create_without_defaults(site: Site, kind: str) -> None:
    """What the CRM wants and no field of ours holds can come from the defaults only: without them nothing is made. A
    CRM that wants no such thing needs no defaults when the values are all there.
    """
    connector = site.connect(
        options={name: one for name, one in site.arrangement.options.items() if name != "defaults"}
    )
    await connector.open()
    if site.arrangement.needs_defaults:
        with pytest.raises(DefaultNeeded):
            await connector.create(kind, site.arrangement.base)
        assert site.ids() == []
    else:
        made = await connector.create(kind, site.arrangement.base)
        assert site.ids() == [made.external_id]


# --- update ---


@pytest.mark.parametrize(("arrangement", "name"), each_field(), indirect=["arrangement"])
async def test_an_update_changes_one_field_alone(site: Site, connector: Connector, kind: str, name: str) -> None:
    """Everything but the named field stays as it is in the CRM's own database, fields that we do not know of included
    (I9).
    """
    made = site.arrangement.furnish(site.world)
    columns, before = site.columns(made), await read(site, connector, made)
    site.clock.tick(minutes=1)
    after = await connector.update(kind, before, {name: other(site, name)})
    assert site.changed(columns, made) == set(site.arrangement.fields[name])
    assert after.external_id == made
    assert dict(after.values) == {**before.values, name: other(site, name)}
    assert after == await connector.read(kind, made)


@pytest.mark.parametrize("done", [False, True])
async def test_an_update_of_everything_keeps_the_rest(
    site: Site, connector: Connector, kind: str, state: str, *, done: bool
) -> None:
    """All our fields in one update, of an open record or a finished one, and still not a column more."""
    made = site.arrangement.furnish(site.world)
    site.finish(made, finished=done)
    changes = others(site)
    columns, before = site.columns(made), await read(site, connector, made)
    after = await connector.update(kind, before, changes)
    touched = set[str]().union(*(site.arrangement.fields[name] for name in changes))
    assert site.changed(columns, made) == touched
    assert dict(after.values) == {**before.values, **changes}


async def test_an_update_with_nothing_in_it_changes_nothing(site: Site, connector: Connector, kind: str) -> None:
    """An empty update returns what is there."""
    made = site.arrangement.furnish(site.world)
    columns, before = site.columns(made), await read(site, connector, made)
    assert await connector.update(kind, before, {}) == before
    assert site.changed(columns, made) == set()


@pytest.mark.parametrize(("arrangement", "name"), each_field(), indirect=["arrangement"])
async def test_a_field_can_be_cleared_if_its_lens_says_so(
    site: Site, connector: Connector, kind: str, name: str
) -> None:
    """Where the lens shows an empty value, an update to it empties the field; else the lens keeps the field out."""
    lens, empty = connector.lenses(kind)[name], site.arrangement.kind.field(name).empty
    made = site.arrangement.furnish(site.world)
    columns, before = site.columns(made), await read(site, connector, made)
    assert before.values[name] != empty
    if lens.required or name in site.arrangement.kept:
        assert lens.get(empty) is KEEP
        return
    assert identical(lens.get(empty), empty)
    after = await connector.update(kind, before, {name: empty})
    assert dict(after.values) == {**before.values, name: empty}
    assert site.changed(columns, made) == set(site.arrangement.fields[name])


@pytest.mark.parametrize("arrangement", [one for one in BY_TOKEN if "modified" in one.tells], ids=str, indirect=True)
async def test_an_update_moves_the_modified_stamp(site: Site, connector: Connector, kind: str) -> None:
    """The answer to an update tells when the CRM carried it out; so do those to completing and reopening."""
    made = await connector.create(kind, site.arrangement.base)
    steps = [made]
    site.clock.tick(minutes=1)
    steps.append(await connector.update(kind, steps[-1], {"title": "Ring Zoë"}))
    site.clock.tick(minutes=1)
    steps.append(await connector.complete(kind, steps[-1]))
    site.clock.tick(minutes=1)
    steps.append(await connector.reopen(kind, steps[-1]))
    made_at = site.crm.stamp() - timedelta(minutes=3)
    assert [one.modified for one in steps] == [made_at + timedelta(minutes=number) for number in range(4)]
    assert {one.created for one in steps} == {made_at}


# --- complete and reopen ---


async def test_completing_and_reopening(site: Site, connector: Connector, kind: str, state: str) -> None:
    """Both change the state and nothing else, answer with it, and a read agrees."""
    made = site.arrangement.furnish(site.world)
    columns, before = site.columns(made), await read(site, connector, made)
    done = await connector.complete(kind, before)
    assert dict(done.values) == {**before.values, state: True}
    assert without_state(site, done) == await connector.read(kind, made)
    assert site.shown(made)[state] is True
    assert site.changed(columns, made) <= site.arrangement.fields[state]
    again = await connector.reopen(kind, await read(site, connector, made))
    assert dict(again.values) == {**before.values, state: False}
    assert without_state(site, again) == await connector.read(kind, made)
    assert site.shown(made)[state] is False
    assert site.changed(columns, made) <= {"status"} & site.arrangement.fields[state]


async def test_completing_and_reopening_show_in_the_next_poll(
    site: Site, connector: Connector, kind: str, state: str
) -> None:
    """The listing follows; one that shows open records only loses it and gets it back."""
    made = await connector.create(kind, site.arrangement.base)
    done = await connector.complete(kind, made)
    listed = {one.external_id: one.values[state] for one in await everything(connector, kind)}
    assert listed == ({made.external_id: True} if site.arrangement.lists_finished else {})
    await connector.reopen(kind, done)
    assert [one.values[state] for one in await everything(connector, kind)] == [False]


@pytest.mark.parametrize("fresh", [True, False])
async def test_what_is_so_already_is_a_success(
    site: Site, connector: Connector, kind: str, state: str, *, fresh: bool
) -> None:
    """A second completion, or a second reopening, is no error and changes nothing, even if somebody else was faster
    than our last read.
    """
    made = site.arrangement.furnish(site.world)
    before_open = await read(site, connector, made)
    site.finish(made)
    before_done = await read(site, connector, made)
    columns = site.columns(made)
    after = await connector.complete(kind, before_done if fresh else before_open)
    assert after.values.get(state, True) is True
    assert site.changed(columns, made) == set()
    site.finish(made, finished=False)
    columns = site.columns(made)
    after = await connector.reopen(kind, await read(site, connector, made) if fresh else before_done)
    assert after.values.get(state, False) is False
    assert site.changed(columns, made) <= {"status"}
    assert site.shown(made)[state] is False


# --- records that are gone ---


@pytest.mark.parametrize("action", ["update", "complete", "reopen"])
async def test_a_record_that_was_deleted_has_vanished(site: Site, connector: Connector, kind: str, action: str) -> None:
    """A change to a record that was deleted meanwhile says so, and brings nothing into being."""
    made = site.arrangement.furnish(site.world)
    site.finish(made, finished=action == "reopen")
    before = await read(site, connector, made)
    site.shelf.remove(made)
    left = site.shelf.all()
    changes: Mapping[str, Callable[[], Awaitable[Observation]]] = {
        "update": lambda: connector.update(kind, before, {"title": "Ring Zoë"}),
        "complete": lambda: connector.complete(kind, before),
        "reopen": lambda: connector.reopen(kind, before),
    }
    with pytest.raises(Vanished):
        await changes[action]()
    assert site.shelf.all() == left


async def test_deleting(site: Site, connector: Connector, kind: str) -> None:
    """A deleted record is gone, and deleting it again, or one that never was, is a success; others stay."""
    kept = await connector.create(kind, site.arrangement.base)
    made = await connector.create(kind, site.arrangement.base)
    await connector.delete(kind, made.external_id)
    assert await connector.read(kind, made.external_id) is None
    await connector.delete(kind, made.external_id)
    await connector.delete(kind, site.arrangement.unknown_id)
    assert site.ids() == [kept.external_id]
