"""`tasksync link` and `tasksync unlink` as an operator sees them: real processes, exit codes, output, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import Desk
from typer.testing import CliRunner

from tasksync.cli.app import app
from tasksync.service.clock import SystemClock
from tasksync.store.lock import MirrorLock


def printed(desk: Desk, *arguments: str) -> dict[str, Any]:
    done = desk.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def titles(desk: Desk) -> dict[str, list[str]]:
    return {name: sorted(task["title"] for task in crm.tasks()) for name, crm in desk.world.crms.items()}


def look_alikes(desk: Desk) -> tuple[str, list[str]]:
    """One task in ONLYOFFICE and two in Capsule look the same, and nothing else is anywhere."""
    for crm in desk.world.crms.values():
        crm.reset()
    ours = desk.world.onlyoffice.add(title="Ring Bob", due="2031-05-06", category="Call")
    theirs = [
        desk.world.capsule.add(title="Ring Bob", body=body, due="2031-05-06", category="Call")
        for body in ("About the boiler.", "About the tap.")
    ]
    assert desk.sync()["exit_code"] == 4
    return f"office:{ours}", [f"capsule:{one}" for one in theirs]


@pytest.mark.parametrize("command", ["link", "unlink"])
def test_help_has_examples(command: str) -> None:
    """Both commands explain themselves, with examples."""
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"tasksync {command} " in done.output
    assert "Examples" in done.output


def test_a_look_alike_is_linked_and_unlinked(desk: Desk) -> None:
    """What `holds list` shows can be linked: the next sync makes one task of the two, copies the third, and is in step;
    unlinked, each is a task of its own in every CRM.
    """
    ours, (first, second) = look_alikes(desk)
    assert "(tasksync link)" in " ".join(desk.run("holds", "list").stdout.split())

    done = desk.run("link", ours, first)
    assert done.returncode == 0
    assert "Ring Bob is one task now" in done.stdout
    assert first in done.stdout
    assert "The next sync looks at office, capsule, advisers" in done.stdout
    assert desk.sync()["exit_code"] == 0
    assert titles(desk) == {crm: ["Ring Bob"] * 2 for crm in desk.world.crms}
    history = printed(desk, "history", first)
    assert history["record"] == printed(desk, "history", ours)["record"] != printed(desk, "history", second)["record"]
    assert history["revisions"][-1]["reason"] == "linked by a person"

    done = desk.run("unlink", first)
    assert done.returncode == 0
    assert f"{first}: Ring Bob is a task of its own" in done.stdout
    assert f"(record {history['record']}) goes on without it" in done.stdout
    for _ in range(2):
        assert desk.sync()["exit_code"] == 0
    assert titles(desk) == {crm: ["Ring Bob"] * 3 for crm in desk.world.crms}
    desk.forget_requests()
    desk.sync()
    assert desk.writes() == []


def test_both_as_json(desk: Desk) -> None:
    """One object each: what was linked and what lost; which record was left and which founded; who gets something."""
    ours, (first, _) = look_alikes(desk)
    desk.world.onlyoffice.edit(ours.partition(":")[2], body="About the gas.")
    desk.sync("--only", "office")

    told = printed(desk, "link", first, ours)

    assert list(told) == ["record", "title", "linked", "superseded", "connections"]
    assert (told["title"], told["linked"]) == ("Ring Bob", [first])
    (lost,) = told["superseded"]
    assert list(lost) == ["field", "old", "new"]
    assert lost == {"field": "body", "old": "About the boiler.", "new": "About the gas."}
    assert told["connections"] == ["office", "capsule", "advisers"]

    desk.sync()
    apart = printed(desk, "unlink", first)
    assert list(apart) == ["record", "title", "connection", "external_id", "connections", "left"]
    assert (apart["connection"], apart["external_id"]) == tuple(first.split(":"))
    assert apart["left"] == {"record": told["record"], "title": "Ring Bob", "connections": told["connections"]}
    assert apart["record"] != told["record"]
    assert apart["connections"] == told["connections"]


def test_what_cannot_be_said_is_a_sentence_and_exit_2(desk: Desk) -> None:
    """Tasks of one CRM, unknown ones, too few of them: what is wrong, no traceback, and nothing changes."""
    ours, (first, second) = look_alikes(desk)
    record = printed(desk, "history", ours)["record"]
    before = desk.files()["tasksync.db"]
    for command, said in (
        (["link", first, second], f"{first} and {second} are both in capsule"),
        (["link", ours, record], "one task already"),
        (["link", ours, "capsule:none"], "There is no record 'capsule:none'"),
        (["link", ours], "OTHER..."),
        (["unlink", first], "belongs to no record"),
        (["unlink", record], "Name the task that does not belong"),
    ):
        done = desk.run(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert desk.files()["tasksync.db"] == before


def test_a_record_that_went_into_another_is_not_restored_as_a_second_task(desk: Desk) -> None:
    """Its history says what it became, it is not among the deleted, and `restore` refuses to double it."""
    for crm in desk.world.crms.values():
        crm.reset()
        crm.faults.add("status", method="POST", path=r"/task$|/tasks$", status=422, times=None)
    ours = f"office:{desk.world.onlyoffice.add(title='Ring Bob', due='2031-05-06', category='Call')}"
    theirs = f"advisers:{desk.world.plannr.add(title='Call Bob', due='2031-05-07')}"
    desk.sync()
    gone = printed(desk, "history", theirs)["record"]
    assert "is all that record" in desk.run("unlink", theirs).stderr
    kept = printed(desk, "link", ours, theirs)["record"]

    assert desk.run("restore", gone, "--at", "2001-01-01T00:00Z").returncode == 2
    assert printed(desk, "history", "--deleted") == {"records": []}
    assert printed(desk, "history", gone)["revisions"][-1]["new"] == kept
    assert kept in desk.run("explain", gone).stdout
    assert printed(desk, "explain", gone)["linked_with"] == kept


def test_neither_waits_for_another_tasksync(desk: Desk) -> None:
    """Without a mirror there is nothing to link (exit 2); while another process has it, exit 3, and nothing changes."""
    for command in (["link", "a", "b"], ["unlink", "office:1"]):
        done = desk.run(*command)
        assert done.returncode == 2
        assert "There is no mirror" in done.stderr
    ours, (first, _) = look_alikes(desk)
    before = desk.files()["tasksync.db"]
    with MirrorLock(desk.folder / "tasksync.db", SystemClock(), command="tasksync elsewhere"):
        for command in (["link", ours, first], ["unlink", ours]):
            done = desk.run(*command)
            assert done.returncode == 3
            assert "tasksync elsewhere" in done.stderr
    assert desk.files()["tasksync.db"] == before
