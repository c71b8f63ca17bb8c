"""How a daemon ends, and with which code."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from working_day import Firm

from tasksync.engine.together import PARALLEL
from tasksync.store.opening import open_mirror


def test_a_wrong_configuration_ends_with_2(firm: Firm) -> None:
    """One sentence that names the key, and nothing is begun."""
    firm.config["sync"]["full_swep"] = "0s"
    firm.configure()
    daemon = firm.start()
    assert daemon.ended() == 2
    assert [line for line in daemon.lines if "full_swep" in line]
    assert not [line for line in daemon.lines if "Traceback" in line]
    assert firm.notified.turning_points == []


def test_another_account_than_the_mirror_knows_ends_with_2(firm: Firm) -> None:
    """A daemon whose mirror knows the connection as another account changes nothing and never gets ready."""
    assert firm.run("sync", "--once").returncode == 0
    mirror = open_mirror(str(firm.folder / "tasksync.db"))
    with mirror.begin() as unit:
        (known,) = [state for state in unit.connections() if state.name == "office"]
        unit.save_connection(replace(known, identity="somebody else"))
    mirror.close()
    firm.add("capsule", "Not to be copied")

    daemon = firm.start()
    assert daemon.ended() == 2
    assert "leads to the account" in daemon.lines[-1]
    assert not firm.titles("office")
    assert firm.notified.turning_points == []


def test_a_start_without_any_credentials_that_are_accepted_ends_with_5(firm: Firm) -> None:
    """When no connection lets the daemon in, restarting would not help: it says so and ends with 5."""
    firm.configure(token="expired")
    daemon = firm.start()
    assert daemon.ended() == 5
    assert daemon.events("no_connection_let_us_in")
    assert len(daemon.events("connection_failed", state="needs_login")) == 3
    assert firm.notified.turning_points == []


def test_a_start_with_some_credentials_goes_on(firm: Firm) -> None:
    """Where one connection lets the daemon in, it stays, and says which others do not."""
    firm.configure(token="expired")
    firm.config["connections"]["capsule"]["token"] = "sandbox"
    firm.configure()
    daemon = firm.start_ready()
    states = {name: one["state"] for name, one in daemon.status()["connections"].items()}
    assert states == {"office": "needs_login", "capsule": "ok", "advisers": "needs_login"}
    assert daemon.stop() == 0


def test_a_second_sync_ends_with_3_and_says_how_to_make_the_first_sync_now(firm: Firm) -> None:
    """Neither another daemon nor `sync --once` begins beside a daemon, and the daemon notices nothing."""
    daemon = firm.start_ready()
    second, once = firm.start(), firm.run("sync", "--once")
    assert (second.ended(), once.returncode) == (3, 3)
    for said in (second.lines[-1], once.stderr):
        assert f"kill -USR1 {daemon.pid}" in said
    firm.add("office", "After that")
    firm.arrives("After that")
    assert daemon.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_ends_with_0(firm: Firm, number: signal.Signals) -> None:
    """A real `python -m tasksync sync` that is told to stop says so and ends with 0, and another one can start."""
    firm.add("office", "To be copied")
    daemon = firm.start_afresh()
    daemon.says("ready")
    daemon.signal(number)
    assert daemon.ended() == 0
    assert [one["event"] for one in daemon.events()][-2:] == ["stopping", "stopped"]
    assert firm.outbox() == []
    assert not [line for line in daemon.lines if "Traceback" in line]
    again = firm.start_ready()
    assert firm.everywhere("To be copied")
    assert again.stop() == 0


def test_killed_in_the_middle_of_creates_it_starts_again_and_doubles_nothing(firm: Firm) -> None:
    """SIGKILL while creates are under way, some of which the CRM carries out all the same: after the next start each
    task is everywhere once.
    """
    firm.configure(poll_every="1h")
    daemon = firm.start_ready()
    titles = [f"Task {number}" for number in range(6)]
    for title in titles:
        firm.add("office", title)
    firm.fail("capsule", "slow", method="POST", times=PARALLEL, seconds=60)
    daemon.http.post("/sync")
    firm.struck("capsule")
    daemon.signal(signal.SIGKILL)
    assert daemon.ended() == -signal.SIGKILL
    for title in titles[:3]:
        firm.add("capsule", title)

    again = firm.start_ready()
    assert again.events("interrupted_operations_found")
    firm.arrives(*titles)
    assert len([one for one in firm.writes("capsule") if one[2] == 201]) == 3
    assert again.stop() == 0
    assert firm.outbox() == []
