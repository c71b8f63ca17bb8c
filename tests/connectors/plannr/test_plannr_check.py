"""What `tasksync check` says of a Plannr connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.manifest import ConnectionSettings
from tasksync.connectors.plannr import manifest
from tasksync.ports import Connector

# The fixtures of conftest.py, which no test can import: the scripted server, payload makers, the connector's builder.
Script = Any
Make = Callable[..., dict[str, Any]]
Connect = Callable[..., Connector]

PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"


async def test_check_of_a_good_connection(connect: Connect, script: Script, ready: dict[str, Any]) -> None:
    """Who, rights, zone, status and link, all in order."""
    script.on("GET", f"/api/v1/account/{PRICE}", 200, {"uuid": PRICE})
    connector = connect(**ready)
    await connector.open()
    findings = await connector.check()
    assert all(finding.ok and not finding.advice for finding in findings)
    assert [(finding.subject, finding.message) for finding in findings] == [
        ("account", "Signed in as Ana Reid at Hill FA as admin."),
        ("right to write", "The login has the right to write."),
        ("right to delete", "The login has the right to delete."),
        ("time zone", "Plannr keeps London time."),
        ("default status", "New tasks get the status 'To do'."),
        ("default link", f"New tasks are linked to the client {PRICE}."),
    ]


async def test_check_of_a_connection_that_cannot_write(connect: Connect, script: Script, login: Make) -> None:
    """Lacking rights and defaults are each found, with what to do."""
    bare = login({"role": ""}, has_write_permission=False, has_delete_permission=False)
    script.answers["GET", "/api/v1/logins"] = []
    script.on("GET", "/api/v1/logins", 200, {"data": [bare]})
    connector = connect()
    await connector.open()
    wrong = {finding.subject: finding for finding in await connector.check() if not finding.ok}
    assert set(wrong) == {"right to write", "right to delete", "default status", "default link"}
    assert all(finding.advice for finding in wrong.values())
    assert wrong["default status"].advice == "Set defaults.status to one of 'To do', 'Doing'."
    assert wrong["default link"].advice.startswith("Set defaults.link to {type: client")


@pytest.mark.parametrize(("kind", "path"), [("employee", "account"), ("case", "cases"), ("plan", "plans")])
@pytest.mark.parametrize("status", [403, 404])
async def test_check_reads_the_default_link(
    connect: Connect, script: Script, kind: str, path: str, status: int
) -> None:
    """A link that this account cannot see is found, by the route of its type."""
    script.on("GET", f"/api/v1/{path}/{PRICE}", status, {"message": "No query results for model"})
    connector = connect(defaults={"link": {"type": kind, "id": PRICE}})
    await connector.open()
    finding = (await connector.check())[-1]
    assert not finding.ok
    assert "No query results" in finding.message
    assert "defaults.link.id" in finding.advice


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("Later", "Plannr has no task status 'Later'."),
        ("done", "In Plannr's task status 'done' a task counts as completed or archived."),
        ("ARCHIVE", "In Plannr's task status 'ARCHIVE' a task counts as completed or archived."),
    ],
)
async def test_check_of_the_default_status(connect: Connect, script: Script, status: str, message: str) -> None:
    """The default status exists, and a task in it is open."""
    connector = connect(defaults={"status": status})
    await connector.open()
    (finding,) = [one for one in await connector.check() if one.subject == "default status"]
    assert (finding.ok, finding.message) == (False, message)
    assert finding.advice == "Set defaults.status to one of 'To do', 'Doing'."


async def test_check_of_a_configured_zone(script: Script) -> None:
    """Plannr's zone is not for us to choose."""
    settings = ConnectionSettings(name="advisers", type="plannr", url="u", token="t", timezone=ZoneInfo("Europe/Paris"))
    connector = manifest.build(settings, script.dial)
    await connector.open()
    (finding,) = [one for one in await connector.check() if one.subject == "time zone"]
    assert not finding.ok
    assert "Europe/Paris" in finding.message
    assert finding.advice == "Remove `timezone` from this connection."


async def test_check_needs_open(connect: Connect) -> None:
    """Calling it before is a mistake of the program."""
    with pytest.raises(RuntimeError):
        await connect().check()
