"""What an operator sees of the desk: real processes, exit codes, output, and the same as JSON."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from desk import Desk
from typer.testing import CliRunner

from tasksync.cli.app import app
from tasksync.service.clock import SystemClock
from tasksync.store.lock import MirrorLock

READING = (
    ["status"],
    ["map"],
    ["holds", "list"],
    ["outbox", "list"],
    ["conflicts"],
    ["history", "x"],
    ["history", "--deleted"],
)
WRITING = (
    ["holds", "approve", "1"],
    ["holds", "drop", "1"],
    ["outbox", "retry", "1"],
    ["outbox", "drop", "1"],
    ["restore", "x"],
)
COMMANDS = (
    ["holds"],
    ["outbox"],
    *(one[:2] if one[0] in {"holds", "outbox"} else one[:1] for one in (*READING[:-1], *WRITING)),
)
MISTAKES: tuple[tuple[list[str], str], ...] = (
    (["history", "capsule:none"], "There is no record 'capsule:none'"),
    (["history", os.fsdecode(b"\xff")], "There is no record '\\udcff'"),
    (["restore", "no-such-record"], "tasksync history --deleted"),
    (["history"], "Name one RECORD"),
    (["history", "x", "--deleted"], "Name one RECORD"),
    (["restore", "x", "--at", "2026-03-01T09:00"], "no time with a zone"),
    (["restore", "x", "--at", "2026-03-01"], "no time with a zone"),
    (["restore", "x", "--at", "yesterday"], "no time with a zone"),
    (["restore", "x", "--at", "0001-01-01T00:00+14:00"], "no time with a zone"),
    (["holds", "approve", "99999999999999999999"], "no hold 99999999999999999999"),
    (["holds", "drop", "7", "8"], "no hold 7, 8"),
    (["outbox", "retry", "7"], "no operation 7"),
    (["outbox", "drop", "7"], "no operation 7"),
    (["holds", "approve", "seven"], "valid integer"),
    (["holds", "approve"], "ID..."),
    (["conflicts", "--limit", "0"], "--limit"),
)


def printed(desk: Desk, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = desk.run(*arguments, "--json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shared(desk: Desk) -> dict[str, str]:
    """One task, "Ring Bob", in every CRM, and nothing else; its ids there."""
    for crm in desk.world.crms.values():
        crm.reset()
    desk.world.capsule.add(title="Ring Bob", body="About the boiler.", due="2031-05-06")
    desk.sync()
    found = {crm.name: task["id"] for crm in desk.world.crms.values() for task in crm.tasks()}
    assert len(found) == 3
    return found


def bodies(desk: Desk, ids: dict[str, str]) -> set[Any]:
    return {desk.world.crms[crm].task(one)["body"] for crm, one in ids.items()}


def test_without_a_mirror_there_is_nothing_to_show(desk: Desk) -> None:
    """Before the first sync: exit 2, a sentence that says what makes a mirror, and no file appears."""
    before = desk.files()
    for command in (*READING, *WRITING):
        done = desk.run(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert "There is no mirror" in done.stderr
        assert "tasksync sync --once" in done.stderr
        assert "Traceback" not in done.stderr
    assert desk.files() == before


def test_only_what_writes_waits_for_another_tasksync(desk: Desk) -> None:
    """While another process has the mirror, reading commands work and writing ones end with 3, and nothing changes."""
    ids = shared(desk)
    with MirrorLock(desk.folder / "tasksync.db", SystemClock(), command="tasksync elsewhere"):
        before = desk.files()
        for command in READING[:5]:
            assert desk.run(*command).returncode == 0
        assert desk.run("history", f"capsule:{ids['capsule']}").returncode == 0
        for command in WRITING:
            done = desk.run(*command)
            assert done.returncode == 3
            assert "tasksync elsewhere" in done.stderr
        assert desk.files() == before


def test_what_is_not_there_is_a_sentence_and_exit_2(desk: Desk) -> None:
    """Unknown records, ids and times that are none: what is wrong, what to do, no traceback, and nothing changes."""
    shared(desk)
    before = desk.files()
    for command, said in MISTAKES:
        done = desk.run(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert desk.files()["tasksync.db"] == before["tasksync.db"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_the_desk_has_an_example(command: list[str]) -> None:
    """Every command of the desk explains itself, with an example."""
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert f"tasksync {command[0]}" in done.output


def test_an_overwritten_text_is_found_and_brought_back(desk: Desk) -> None:
    """`history` shows what was replaced and by whom, `restore` says what it did, and the next sync sends it."""
    ids = shared(desk)
    desk.world.plannr.edit(ids["plannr"], body="Oops, [bold]all gone[/]\x1b[2J")
    desk.sync()

    told = printed(desk, "history", f"capsule:{ids['capsule']}")
    assert list(told) == ["record", "kind", "group", "deleted_at", "values", "replicas", "revisions"]
    assert told["deleted_at"] is None
    assert {one["external_id"] for one in told["replicas"].values()} == set(ids.values())
    assert set(told["values"]["body"]) == {"value", "at", "estimated", "connection", "external_id"}
    assert told["values"]["body"]["connection"] == "advisers"
    (revision,) = told["revisions"]
    assert list(revision) == ["field", "old", "new", "at", "estimated", "connection", "reason"]
    assert (revision["field"], revision["old"], revision["connection"]) == ("body", "About the boiler.", "advisers")
    shown = desk.run("history", told["record"]).stdout
    assert "Ring Bob" in shown
    assert "[bold]all gone[/]" in shown
    assert "\x1b" not in shown

    done = desk.run("restore", f"capsule:{ids['capsule']}", "--field", "body")
    assert done.returncode == 0
    assert "The next sync sends it to office, capsule, advisers" in done.stdout
    assert printed(desk, "status")["connections"]["office"]["waiting"] == 1
    assert desk.sync()["exit_code"] == 0
    assert bodies(desk, ids) == {"About the boiler."}


def test_restore_as_json_and_at_a_time(desk: Desk) -> None:
    """`restore --json` has old and new values; at a time since which nothing changed it changes nothing."""
    ids = shared(desk)
    before = (SystemClock().now() - timedelta(days=300)).isoformat()
    desk.world.plannr.edit(ids["plannr"], body="Another.")
    desk.sync()
    told = printed(desk, "restore", f"advisers:{ids['plannr']}", "--field", "body", "--at", before)
    assert list(told) == ["record", "title", "brought_back", "restored", "connections"]
    assert told["restored"] == {"body": {"old": "Another.", "new": "About the boiler."}}
    assert (told["brought_back"], told["connections"]) == (False, ["office", "capsule", "advisers"])
    again = printed(desk, "restore", told["record"], "--at", "2100-01-01T00:00+01:00")
    assert (again["restored"], again["connections"]) == ({}, [])
    assert "nothing was changed" in desk.run("restore", told["record"], "--at", "2100-01-01T00:00Z").stdout


def test_nothing_is_restored_from_before_the_history(desk: Desk) -> None:
    """What may have been forgotten is not guessed from what was not."""
    ids = shared(desk)
    done = desk.run("restore", f"advisers:{ids['plannr']}", "--at", "2001-01-01T00:00:00Z")
    assert done.returncode == 2
    assert "the history goes back to" in done.stderr


def test_a_deleted_task_is_listed_and_brought_back(desk: Desk) -> None:
    """`history --deleted` names it, `restore` brings it back to all CRMs, and its history tells both."""
    ids = shared(desk)
    record = printed(desk, "history", f"capsule:{ids['capsule']}")["record"]
    desk.world.capsule.remove(ids["capsule"])
    desk.sync()
    (deleted,) = printed(desk, "history", "--deleted")["records"]
    assert (deleted["record"], deleted["title"]) == (record, "Ring Bob")
    assert deleted["deleted_at"].endswith("Z")
    assert record in desk.run("history", "--deleted").stdout

    assert "it is not deleted any more" in desk.run("restore", record).stdout
    assert desk.sync()["exit_code"] == 0
    for crm in desk.world.crms.values():
        assert [task["title"] for task in crm.tasks()] == ["Ring Bob"]
    told = printed(desk, "history", record)
    assert [(one["field"], one["new"]) for one in told["revisions"]] == [("deleted", True), ("deleted", False)]
    assert printed(desk, "history", "--deleted") == {"records": []}


def test_a_refused_task_is_shown_and_approved(desk: Desk) -> None:
    """`holds list` has the CRM's words and the task's title; after `approve` the next sync sends it."""
    desk.sync()
    desk.world.plannr.faults.add("status", method="POST", path="/task", status=422)
    desk.world.capsule.add(title="Send the offer [/]", due="2031-05-06")
    assert desk.sync()["exit_code"] == 4

    (hold,) = printed(desk, "holds", "list")["holds"]
    assert list(hold) == [
        "id", "connection", "kind", "reason", "record", "external_id", "title", "since", "message", "decision",
    ]  # fmt: skip
    assert (hold["connection"], hold["reason"], hold["title"]) == ("advisers", "refused", "Send the offer [/]")
    shown = desk.run("holds", "list").stdout
    assert "Send the offer [/]" in shown
    assert "tasksync holds approve" in shown
    (operation,) = printed(desk, "outbox", "list")["operations"]
    assert list(operation) == [
        "id", "connection", "action", "record", "title", "fields", "state", "attempts", "attempted_at", "error",
    ]  # fmt: skip
    assert (operation["action"], operation["state"], operation["attempts"]) == ("create", "held", 1)
    status = printed(desk, "status")
    assert (status["holds"], status["connections"]["advisers"]["held"]) == (1, 1)

    done = desk.run("holds", "approve", str(hold["id"]))
    assert done.returncode == 0
    assert "approved; the next sync sends it again" in done.stdout
    assert printed(desk, "holds", "list") == {"holds": []}
    assert desk.run("holds", "list").stdout.strip() == "Nothing is held."
    assert desk.sync()["exit_code"] == 0
    assert "Send the offer [/]" in {task["title"] for task in desk.world.plannr.tasks()}
    assert desk.run("outbox", "list").stdout.strip() == "Nothing waits."


def test_a_dropped_hold_is_no_open_matter_and_can_be_retried(desk: Desk) -> None:
    """Dropped: exit 0 again, shown as dropped in both lists, not counted; `outbox retry` takes it back."""
    desk.sync()
    desk.world.plannr.faults.add("status", method="POST", path="/task", status=422)
    desk.world.capsule.add(title="Send the offer", due="2031-05-06")
    desk.sync()
    (hold,) = printed(desk, "holds", "list")["holds"]

    (told,) = printed(desk, "holds", "drop", str(hold["id"]))["holds"]
    assert told == {**hold, "decision": "dropped"}
    assert printed(desk, "holds", "list")["holds"] == [told]
    assert "dropped: it is not sent there until it changes" in desk.run("holds", "list").stdout
    assert desk.sync()["exit_code"] == 0
    assert printed(desk, "status")["holds"] == 0
    (operation,) = printed(desk, "outbox", "list")["operations"]
    assert operation["state"] == "dropped"

    (retried,) = printed(desk, "outbox", "retry", str(operation["id"]))["operations"]
    assert retried == {"id": operation["id"], "record": operation["record"], "state": "pending"}
    assert "not sent until the task changes" in desk.run("outbox", "drop", str(operation["id"])).stdout
    assert "the next sync sends it" in desk.run("outbox", "retry", str(operation["id"])).stdout
    assert desk.sync()["exit_code"] == 0
    assert printed(desk, "outbox", "list") == {"operations": []}
    assert "Send the offer" in {task["title"] for task in desk.world.plannr.tasks()}


def test_conflicts_are_listed_newest_first(desk: Desk) -> None:
    """Both values, who made them and when; --limit keeps the newest."""
    assert desk.run("conflicts", "--config", "x").returncode == 2
    ids = shared(desk)
    assert desk.run("conflicts").stdout.strip() == "No conflict so far."
    for field, ours, theirs in (("body", "ours", "theirs"), ("title", "Ours", "Theirs")):
        desk.world.onlyoffice.edit(ids["onlyoffice"], **{field: ours})
        desk.world.plannr.edit(ids["plannr"], **{field: theirs})
        desk.sync()

    found = printed(desk, "conflicts")["conflicts"]
    assert [one["field"] for one in found] == ["title", "body"]
    assert list(found[0]) == ["record", "title", "field", "winner", "loser", "estimated", "seen_at"]
    assert {found[1][side]["value"] for side in ("winner", "loser")} == {"ours", "theirs"}
    assert {found[1][side]["connection"] for side in ("winner", "loser")} == {"office", "advisers"}
    assert [one["field"] for one in printed(desk, "conflicts", "--limit", "1")["conflicts"]] == ["title"]
    shown = desk.run("conflicts").stdout
    assert found[0]["record"] in shown
    assert "theirs" in shown


def test_status_tells_of_every_connection(desk: Desk) -> None:
    """The last run and each connection's account and times, also of one that the config has no more."""
    run = desk.sync()
    found = printed(desk, "status")
    assert list(found) == ["last_run", "connections", "holds", "gaps"]
    assert found["last_run"] == {name: run[name] for name in ("run", "started_at", "finished_at", "exit_code")}
    assert list(found["connections"]) == ["office", "capsule", "advisers"]
    for one in found["connections"].values():
        assert list(one) == ["configured", "account", "met_at", "polled_at", "waiting", "held", "gaps"]
        assert one["configured"] is True
        assert (one["waiting"], one["held"]) == (0, 0)
        assert one["met_at"].endswith("Z")
        assert one["polled_at"].endswith("Z")
    shown = desk.run("status").stdout
    assert "In step." in shown
    assert all(name in shown for name in ("office", "capsule", "advisers"))

    path = desk.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("\n  advisers:", "\n  planners:"), encoding="utf-8")
    renamed = printed(desk, "status")["connections"]
    assert (renamed["planners"]["account"], renamed["planners"]["configured"]) == (None, True)
    assert renamed["advisers"]["configured"] is False
    assert "advisers (not in the config any more)" in desk.run("status").stdout


def test_reading_changes_no_file(desk: Desk) -> None:
    """The reading commands leave the mirror's directory as it is, and speak to no CRM."""
    ids = shared(desk)
    before = desk.files()
    desk.forget_requests()
    for command in (*READING[:5], ["history", "--deleted"]):
        assert desk.run(*command).returncode == 0
    assert desk.run("history", f"office:{ids['onlyoffice']}").returncode == 0
    assert desk.files() == before
    assert [crm.requests for crm in desk.world.crms.values()] == [[], [], []]
