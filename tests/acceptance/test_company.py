"""Who works beside the daemon: an operator at the desk, somebody who takes its locks away, a monitoring."""

from __future__ import annotations

import json
from typing import Any

import pytest
from running import until
from working_day import Firm


def desk(firm: Firm, *arguments: str) -> dict[str, Any]:
    """What a command says with --json; it ends with 0."""
    done = firm.run(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_operator_works_while_it_runs(firm: Firm) -> None:
    """status, holds, restore, outbox and backup work beside a daemon, which carries out at its next poll what was
    decided.
    """
    firm.config["sync"]["max_deletes"] = 0
    firm.configure()
    kept = firm.add("office", "Kept", body="As it was.")
    gone = firm.add("office", "Removed")
    daemon = firm.start_ready()
    firm.arrives("Kept", "Removed")

    firm.edit("office", kept, body="Overwritten.")
    firm.remove("office", gone)
    until(lambda: daemon.metric('tasksync_holds{connection="office"}') == 1, "the deletion is held")
    until(lambda: (firm.task("capsule", "Kept") or {})["body"] == "Overwritten.", "the edit has arrived")
    (hold,) = desk(firm, "holds", "list")["holds"]
    desk(firm, "holds", "approve", str(hold["id"]))
    desk(firm, "restore", f"office:{kept}", "--field", "body")
    until(lambda: not firm.task("capsule", "Removed") and not firm.task("advisers", "Removed"), "it is deleted")
    until(lambda: (firm.task("office", "Kept") or {})["body"] == "As it was.", "it is restored")
    assert desk(firm, "outbox", "list") == {"operations": []}
    assert desk(firm, "backup", "copy.db")["bytes"] > 0
    assert (firm.folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert desk(firm, "status")["holds"] == 0
    assert daemon.stop() == 0
    assert not [one for one in daemon.events() if one["level"] == "error"]


def test_an_operator_waits_for_the_end_of_a_turn(firm: Firm) -> None:
    """What looks, or copies, does not wait; what writes does, says so, and is done."""
    task = firm.add("office", "Kept", body="As it was.")
    daemon = firm.start_ready()
    firm.edit("office", task, body="Overwritten.")
    until(lambda: (firm.task("capsule", "Kept") or {})["body"] == "Overwritten.", "the edit has arrived")

    firm.fail("advisers", "slow", seconds=4)
    firm.struck("advisers")
    cycles = daemon.status()["cycles"]
    desk(firm, "status")
    desk(firm, "backup", "copy.db")
    assert daemon.status()["cycles"] == cycles, "the turn goes on"
    done = firm.run("restore", f"office:{task}", "--field", "body")
    assert done.returncode == 0, done.stderr
    assert '"waiting_for_the_daemon"' in done.stderr
    until(lambda: (firm.task("office", "Kept") or {})["body"] == "As it was.", "it is restored")
    assert daemon.stop() == 0


@pytest.mark.parametrize("name", ["tasksync.db.lock", "tasksync.db.daemon.lock", "tasksync.db"])
def test_what_is_taken_away_from_it_ends_it_with_3(firm: Firm, name: str) -> None:
    """Once somebody removed a lock file, or the mirror, another sync may run: this one writes nothing more and ends."""
    firm.configure(poll_every="1h")
    daemon = firm.start_ready()
    firm.add("office", "Not to be copied by this one")
    firm.fail("advisers", "slow", seconds=1)
    daemon.http.post("/sync")
    firm.struck("advisers")
    (firm.folder / name).unlink()
    assert daemon.ended() == 3
    assert "was taken away" in daemon.lines[-1] or "was replaced" in daemon.lines[-1]
    assert not firm.writes("capsule")
    assert not firm.writes("advisers")
    again = firm.start_ready()
    firm.arrives("Not to be copied by this one")
    assert again.stop() == 0


def test_what_a_monitoring_sees(firm: Firm) -> None:
    """/healthz, /readyz, /metrics and /status.json tell of what has been done, and of no task's text."""
    firm.add("office", "Confidential")
    daemon = firm.start_ready()
    assert daemon.get("/healthz") == (200, {"alive": True})
    assert daemon.get("/readyz")[1]["ready"] is True
    until(lambda: daemon.status()["cycles"] >= 3, "three cycles")
    for name in ("capsule", "advisers"):
        assert daemon.metric(f'tasksync_writes_total{{action="create",connection="{name}"}}') == 1
        assert daemon.metric(f'tasksync_polls_total{{connection="{name}",state="ok"}}') >= 2
    assert daemon.metric("tasksync_cycle_duration_seconds_count") >= 3
    assert daemon.metric("tasksync_last_cycle_exit_code") == 0
    assert daemon.metric("process_resident_memory_bytes") > 0
    for page in ("/", "/status.json", "/metrics", "/readyz"):
        assert "Confidential" not in daemon.http.get(page).text
    assert daemon.stop() == 0
    assert not daemon.answers()
