"""What every connector has to do when a listing breaks, or a CRM makes it wait: take no part for the whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from account_site import Site, everything
from accounts import PROTOCOLS, Arrangement
from case_accounts import CASES
from mishaps import BROKEN, REFUSED

from tasksync.errors import NeedsLogin, RetryLater, StopConnection, Throttled
from tasksync.ports import Connector


@pytest.fixture(params=(*PROTOCOLS, *CASES), ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """Each protocol and each way to sign in once."""
    chosen: Arrangement = request.param
    return chosen


# --- listings ---


async def test_a_broken_page_is_never_the_end(site: Site, kind: str) -> None:
    """When a page in the middle fails for good, what came before has been told, and then the poll raises: it never
    passes for a whole snapshot. The next one is whole again.
    """
    site.give_up_after(2)
    hasty = await site.opened()
    site.fill(site.arrangement.first_page)
    expected = {one.external_id for one in await everything(hasty, kind)}
    for name, fault in {**BROKEN, **REFUSED}.items():
        site.crm.faults.add(**fault, path=site.arrangement.listing, after=1, times=None)
        seen = list[str]()
        error = NeedsLogin if name == "401" else (RetryLater, StopConnection)
        with pytest.raises(error):  # noqa: PT012 - what came before the error counts
            async for page in hasty.poll(kind):
                seen += [one.external_id for one in page]
        assert seen, name
        assert set(seen) <= expected, name
        site.crm.faults.clear()
    assert {one.external_id for one in await everything(hasty, kind)} == expected


async def test_a_token_that_ends_in_the_middle(site: Site, connector: Connector, kind: str) -> None:
    """A token that is not accepted any more needs a person; a connector that has a password gets itself a new one, and
    goes on where it was.
    """
    site.fill(site.arrangement.first_page)
    expected = len(await everything(connector, kind))
    site.crm.faults.add("status", status=401, path=site.arrangement.listing, after=1)
    if "password" in site.arrangement.credentials:
        assert len(await everything(connector, kind)) == expected
    else:
        with pytest.raises(NeedsLogin):
            await everything(connector, kind)


# --- waiting ---


async def test_a_crm_that_enforces_its_limit_is_waited_for(site: Site, kind: str) -> None:
    """A CRM that lets two requests through in twenty seconds slows a sync down, and nothing else."""
    site.fill(3)
    site.crm.settings.change({"enforce_limits": True, "limit_requests": 2, "limit_per_s": 20})
    connector, begun_at = site.connect(), site.clock.now()
    await connector.open()
    assert len(await everything(connector, kind)) == 3
    assert site.clock.now() - begun_at >= timedelta(seconds=15)


async def test_a_long_wait_is_left_to_the_next_cycle(site: Site, connector: Connector, kind: str) -> None:
    """A wait that is longer than the patience of a request is told with its end, and not begun; until then nothing is
    sent.
    """
    site.crm.faults.add("status", status=429, headers={"Retry-After": "7200"})
    asked_at = site.clock.now()
    with pytest.raises(Throttled) as caught:
        await everything(connector, kind)
    assert caught.value.retry_at == asked_at + timedelta(hours=2)
    site.crm.requests.clear()
    with pytest.raises(Throttled):
        await connector.create(kind, site.arrangement.base)
    assert (site.crm.requests, site.clock.now()) == ([], asked_at)
