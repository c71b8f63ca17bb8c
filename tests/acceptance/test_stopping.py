"""SIGTERM at awkward moments: what is under way is finished within the grace, what is not waits for the next start."""

from __future__ import annotations

import signal
import time

import pytest
from working_day import Firm


def test_during_the_first_listing(firm: Firm) -> None:
    """The listing that is under way is read to its end, nothing is written any more, and the next start goes on."""
    firm.add("capsule", "To be copied")
    firm.fail("capsule", "slow", path="/tasks", seconds=2)
    daemon = firm.start()
    firm.struck("capsule")
    assert daemon.stop() == 0
    assert not firm.writes("office")
    assert firm.notified.turning_points == ["STOPPING"]
    again = firm.start_ready()
    assert firm.everywhere("To be copied")
    assert again.stop() == 0


def test_during_a_create_whose_answer_is_slow(firm: Firm) -> None:
    """The answer is waited for and noted, so that nothing is in doubt at the next start, which sends nothing again."""
    daemon = firm.start_ready()
    firm.fail("capsule", "slow", method="POST", seconds=2)
    firm.add("office", "Slowly made")
    firm.struck("capsule")
    assert daemon.stop() == 0
    assert daemon.events("stopping", during_turn=True)
    assert not daemon.events("cut_off")
    assert ("capsule", "unknown") not in firm.outbox()
    assert ("capsule", "sending") not in firm.outbox()
    assert firm.task("capsule", "Slowly made")

    again = firm.start_ready()
    firm.arrives("Slowly made")
    assert not again.events("interrupted_operations_found")
    assert [one[0] for one in firm.writes("capsule")] == ["POST"]
    assert again.stop() == 0


@pytest.mark.parametrize("carried_out", [True, False])
def test_beyond_the_grace(firm: Firm, *, carried_out: bool) -> None:
    """A create that takes longer than shutdown_grace is cut off and in doubt; the process ends with 0 in time, and
    after the next start there is one such task, whether the CRM carried it out or not.
    """
    firm.config["sync"]["shutdown_grace"] = "1s"
    firm.configure()
    daemon = firm.start_ready()
    firm.fail("capsule", "slow", method="POST", seconds=60)
    firm.add("office", "Too slowly made")
    firm.struck("capsule")
    stopped_at = time.monotonic()
    assert daemon.stop() == 0
    assert 0.9 < time.monotonic() - stopped_at < 5.0
    assert daemon.events("cut_off", reason="the grace of 1 s is over")
    assert ("capsule", "sending") in firm.outbox()
    if carried_out:
        firm.add("capsule", "Too slowly made")

    again = firm.start_ready()
    assert again.events("interrupted_operations_found", count=1)
    firm.arrives("Too slowly made")
    assert [one[2] for one in firm.writes("capsule")] == [] if carried_out else [201]
    assert again.stop() == 0
    assert firm.outbox() == []


def test_a_second_time(firm: Firm) -> None:
    """The second signal ends the daemon at once, with 0, however long the grace still is."""
    daemon = firm.start_ready()
    firm.fail("capsule", "slow", seconds=60)
    firm.struck("capsule")
    daemon.signal(signal.SIGTERM)
    daemon.says("stopping")
    daemon.signal(signal.SIGTERM)
    assert daemon.ended(timeout=5) == 0
    assert daemon.events("cut_off", reason="a second signal came")


def test_while_a_retry_waits(firm: Firm) -> None:
    """A request that waits because the CRM asked for it is not waited for."""
    firm.config["retry"] = {"tries": 5, "total": "60s"}
    firm.configure()
    daemon = firm.start_ready()
    firm.fail("office", "status", status=503, headers={"Retry-After": "30"})
    firm.struck("office")
    daemon.signal(signal.SIGTERM)
    assert daemon.ended(timeout=5) == 0
    assert not daemon.events("cut_off")


def test_together_with_a_reload(firm: Firm) -> None:
    """A daemon that is to stop and to reload stops: systemd hears of nothing after STOPPING=1."""
    daemon = firm.start_ready()
    for number in (signal.SIGSTOP, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
        daemon.signal(number)
    assert daemon.ended() == 0
    assert firm.notified.turning_points == ["READY", "STOPPING"]


def test_while_connections_that_fail_are_tried(firm: Firm) -> None:
    """A try beside the turns does not hold up the end."""
    firm.fail("office", "lose_before")
    daemon = firm.start()
    daemon.says("connection_failed", connection="office")
    firm.fail("office", "slow", seconds=60)
    firm.struck("office")
    daemon.signal(signal.SIGTERM)
    assert daemon.ended(timeout=5) == 0
    assert not [line for line in daemon.lines if "Traceback" in line]


def test_during_many_creates_what_is_left_waits(firm: Firm) -> None:
    """A stop in the middle of a first meeting ends within one handful of requests; the next start sends the rest."""
    titles = [f"Task {number:02}" for number in range(40)]
    for title in titles:
        firm.add("office", title)
    firm.fail("capsule", "slow", method="POST", after=5, times=1, seconds=1)
    daemon = firm.start()
    firm.struck("capsule")
    assert daemon.stop() == 0
    made = len(firm.titles("capsule"))
    assert 0 < made < len(titles)
    left = firm.outbox()
    assert left.count(("capsule", "pending")) == len(titles) - made
    assert {state for _, state in left} == {"pending"}
    assert daemon.events("stopped", waiting=len(left))

    again = firm.start_ready()
    firm.arrives(*titles)
    posts = [one for one in firm.writes("capsule") if one[0] == "POST"]
    assert len(posts) == len(titles)
    assert again.stop() == 0
