"""CRMs that are down, credentials that are revoked, a mirror that cannot be written: told once, and survived."""

from __future__ import annotations

import resource
import signal

from running import Daemon, until
from working_day import CRMS, Firm

UNWRITABLE = 4096
"""Bytes that a file may have: no page of the mirror or of its log fits in with its header, but notes do."""


def failures(daemon: Daemon, connection: str) -> int:
    """How many tries in a row have failed."""
    return int(daemon.status()["connections"][connection]["failures"])


def tried_now(daemon: Daemon, connection: str) -> int:
    """As `failures`; and one more try is wanted."""
    daemon.http.post("/sync", params={"connection": connection})
    return failures(daemon, connection)


def test_a_crm_that_is_down_for_a_while(firm: Firm) -> None:
    """One warning when it begins and one line when it is over, whatever happens in between; the others stay in step
    meanwhile; /readyz names the one that is late; and what was meant for it arrives when it is back.
    """
    task = firm.add("capsule", "Known to all")
    daemon = firm.start_ready()
    assert daemon.get("/readyz")[0] == 200

    firm.fail("office", "lose_before", times=None)
    daemon.says("connection_failed", connection="office")
    firm.edit("capsule", task, title="Edited meanwhile")
    firm.add("advisers", "New meanwhile")
    firm.arrives("Edited meanwhile", "New meanwhile", among=("capsule", "advisers"))
    until(lambda: daemon.get("/readyz")[0] == 503, "/readyz is 503")
    _, readiness = daemon.get("/readyz")
    assert [reason.startswith("office has not been polled") for reason in readiness["reasons"]] == [True]
    assert {name: one["ready"] for name, one in readiness["connections"].items()} == {
        "office": False, "capsule": True, "advisers": True,
    }  # fmt: skip
    until(lambda: tried_now(daemon, "office") >= 5, "five tries")
    found = daemon.status()["connections"]["office"]
    assert found["state"] == "failed"
    assert found["failing_since"]
    assert daemon.metric('tasksync_up{connection="office"}') == 0
    assert daemon.metric('tasksync_requests_total{connection="office",method="GET",status="none"}') >= 5

    firm.mend("office")
    daemon.http.post("/sync")
    firm.arrives("Edited meanwhile", "New meanwhile")
    daemon.says("poll_recovered", connection="office")
    until(lambda: daemon.get("/readyz")[0] == 200, "/readyz is 200")
    assert daemon.stop() == 0
    told = [one["event"] for one in daemon.events(connection="office") if one["level"] != "info"]
    assert [event for event in told if event != "gap_found"] == ["connection_failed"]
    (recovered,) = daemon.events("poll_recovered")
    assert recovered["failing_s"] >= 1
    assert recovered["attempts"] >= 5


def test_one_that_comes_back_by_itself_is_noticed(firm: Firm) -> None:
    """Nobody has to say that a CRM answers again."""
    firm.fail("capsule", "status", status=503, times=None)
    daemon = firm.start_ready()
    until(lambda: failures(daemon, "capsule") >= 2, "two tries")
    firm.mend("capsule")
    firm.add("office", "After all")
    firm.arrives("After all")
    until(lambda: failures(daemon, "capsule") == 0, "no failures any more")
    assert daemon.stop() == 0


def test_one_that_fails_to_be_written_to(firm: Firm) -> None:
    """A CRM that can be read and takes no write costs the others nothing, and gets everything when it takes it."""
    daemon = firm.start_ready()
    firm.fail("advisers", "status", method="POST", status=500, times=None)
    titles = [f"Task {number}" for number in range(5)]
    for title in titles:
        firm.add("office", title)
    firm.arrives(*titles, among=("office", "capsule"))
    firm.mend("advisers")
    firm.arrives(*titles)
    assert daemon.stop() == 0
    assert firm.outbox() == []


def test_credentials_that_are_revoked_while_it_runs(firm: Firm) -> None:
    """The connection needs a login and says so, the others go on, and new credentials count from a reload on."""
    daemon = firm.start_ready()
    firm.ask("PATCH", f"{CRMS['advisers']}/settings", {"token": "another"})
    until(lambda: daemon.status()["connections"]["advisers"]["state"] == "needs_login", "needs_login")
    firm.add("office", "Without the advisers")
    firm.arrives("Without the advisers", among=("office", "capsule"))
    until(lambda: "advisers failing since" in firm.notified.status, "a STATUS about the advisers")
    assert "needs new credentials" in firm.notified.status
    told = [one["event"] for one in daemon.events(level="warning", connection="advisers")]
    assert len([event for event in told if event != "gap_found"]) == 1

    firm.config["connections"]["advisers"]["token"] = "another"
    firm.configure()
    daemon.signal(signal.SIGHUP)
    firm.arrives("Without the advisers")
    daemon.says("poll_recovered", connection="advisers")
    assert daemon.stop() == 0


def test_a_mirror_that_cannot_be_written_for_a_while(firm: Firm) -> None:
    """Told once, /readyz says so, no CRM is written to meanwhile; when there is room again all goes on by itself, and
    nothing is lost or doubled.
    """
    firm.add("office", "Before")
    daemon = firm.start_ready()
    writes = {name: len(firm.writes(name)) for name in CRMS}

    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (UNWRITABLE, resource.RLIM_INFINITY))
    daemon.says("mirror_failed", level="error")
    firm.add("capsule", "Meanwhile")
    until(lambda: daemon.get("/readyz")[0] == 503, "/readyz is 503")
    _, readiness = daemon.get("/readyz")
    assert readiness["mirror_writable"] is False
    assert readiness["reasons"][0].startswith("The mirror cannot be used: ")
    assert firm.notified.status.startswith("mirror unusable (")
    for _ in range(3):
        daemon.http.post("/sync")
    assert daemon.metric("tasksync_mirror_writable") == 0

    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert {name: len(firm.writes(name)) for name in CRMS} == writes
    daemon.says("mirror_recovered")
    firm.arrives("Before", "Meanwhile")
    until(lambda: daemon.get("/readyz")[0] == 200, "/readyz is 200")
    assert daemon.stop() == 0
    assert [one["event"] for one in daemon.events(level="error")] == ["mirror_failed"]
    assert firm.outbox() == []
