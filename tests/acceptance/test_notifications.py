"""What systemd hears from the daemon, on a real notify socket."""

from __future__ import annotations

import signal
import time
from itertools import pairwise

from running import until
from working_day import Firm


def test_ready_comes_after_the_first_turn_and_time_is_asked_for_until_then(firm: Firm) -> None:
    """While a slow CRM keeps the first turn busy, systemd is told to wait; READY=1 comes once, after it, with a STATUS
    for a person; then STOPPING=1, and exit code 0.
    """
    firm.add("capsule", "First of all")
    firm.fail("office", "slow", seconds=2.5)

    daemon = firm.start_afresh()
    until(lambda: len(firm.notified.saying("EXTEND_TIMEOUT_USEC")) >= 2, f"two extensions of {daemon}")
    assert firm.notified.turning_points == []
    assert not firm.titles("office")
    daemon.says("ready")
    assert firm.everywhere("First of all")
    until(lambda: firm.notified.saying("READY"), "READY=1")

    (ready,) = firm.notified.saying("READY", "1")
    assert ready.fields["STATUS"].startswith("In step: 3 connections, last polled ")
    assert ready.fields["STATUS"].endswith("0 to send, 0 held")
    extended = firm.notified.saying("EXTEND_TIMEOUT_USEC", "30000000")
    assert {one.at < ready.at for one in extended} == {True}
    assert daemon.stop() == 0
    assert firm.notified.turning_points == ["READY", "STOPPING"]
    assert firm.notified.status.startswith("Stopping")


def test_the_watchdog_is_fed_regularly_and_not_while_the_loop_stands_still(firm: Firm) -> None:
    """WATCHDOG=1 comes more often than systemd asks for; while the event loop is blocked none comes, for longer than
    systemd would wait; after that it comes again.
    """
    daemon = firm.start(watchdog_s=2.0, block_s=4.0)
    daemon.says("ready")
    until(lambda: len(firm.notified.saying("WATCHDOG")) >= 4, "four times WATCHDOG=1")
    before = [one.at for one in firm.notified.saying("WATCHDOG")]
    daemon.signal(signal.SIGUSR2)
    blocked_at = time.monotonic()
    until(lambda: firm.notified.saying("WATCHDOG")[-1].at > blocked_at + 3.5, "WATCHDOG=1 once more")

    fed = [one.at for one in firm.notified.saying("WATCHDOG")]
    assert max(later - earlier for earlier, later in pairwise(before)) < 2.0
    assert max(later - earlier for earlier, later in pairwise(fed)) > 3.0
    assert daemon.stop() == 0


def test_a_turn_that_hangs_in_silence_is_not_alive(firm: Firm) -> None:
    """When nothing was heard of a turn for too long, WATCHDOG=1 ceases and /healthz says 503, although the loop turns;
    when the turn goes on, both are as before.
    """
    daemon = firm.start(watchdog_s=2.0, silence_s=2.0)
    daemon.says("ready")
    until(lambda: len(firm.notified.saying("WATCHDOG")) >= 2, "twice WATCHDOG=1")
    firm.fail("office", "slow", seconds=8)
    firm.struck("office")
    until(lambda: daemon.get("/healthz") == (503, {"alive": False}), "/healthz is 503")
    silent_at = time.monotonic()
    until(lambda: daemon.get("/healthz") == (200, {"alive": True}), "/healthz is 200")
    alive_at = time.monotonic()
    until(lambda: firm.notified.saying("WATCHDOG")[-1].at > alive_at, "WATCHDOG=1 once more")

    assert alive_at - silent_at > 4.0
    fed = [one.at for one in firm.notified.saying("WATCHDOG")]
    assert [at for at in fed if silent_at < at < alive_at - 1.0] == []
    assert daemon.stop() == 0


def test_a_reload_is_announced_and_ended(firm: Firm) -> None:
    """SIGHUP brings RELOADING=1 with the moment of the monotonic clock, and READY=1 when it is over."""
    daemon = firm.start_ready()
    begun = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.signal(signal.SIGHUP)
    until(lambda: firm.notified.turning_points == ["READY", "RELOADING", "READY"], "READY=1 once more")

    (reloading,) = firm.notified.saying("RELOADING")
    assert begun <= int(reloading.fields["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert reloading.fields["STATUS"] == "Reading the configuration again"
    until(lambda: firm.notified.status.startswith("In step: 3 connections"), "a STATUS that tells how it fares")


def test_the_status_tells_what_is_wrong_first(firm: Firm) -> None:
    """`systemctl status` shows which connection fails since when and why, then who is in step."""
    firm.fail("advisers", "status", status=503, times=None)
    firm.start_ready()
    until(lambda: firm.notified.status.startswith("advisers failing since "), "a STATUS about the failing one")
    assert " (GET http" in firm.notified.status
    assert "; office, capsule in step, last polled " in firm.notified.status
    firm.mend("advisers")
    until(lambda: firm.notified.status.startswith("In step: 3 connections"), "a STATUS of recovery")
