"""What the map says is missing, from a sync that finds it so to a sync that puts it right."""

from __future__ import annotations

import json
from typing import Any

from desk import Desk


def mapped(desk: Desk) -> dict[str, Any]:
    done = desk.run("map", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def gaps(desk: Desk) -> set[tuple[str, str, str]]:
    return {(one["connection"], one["field"], one["name"]) for one in mapped(desk)["gaps"]}


def add_to_config(desk: Desk, text: str) -> None:
    path = desk.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def counted(desk: Desk) -> Any:
    return json.loads(desk.run("status", "--json").stdout)["gaps"]


def test_what_is_missing_is_shown_and_put_right_once_it_is_configured(desk: Desk) -> None:
    """A task whose person and category another CRM does not know is synced without them, and that is no failure. What
    --suggest proposes and what a person fills in closes the gaps at the next sync, and nothing is left to do.
    """
    for crm in desk.world.crms.values():
        crm.reset()
    capsule, office = desk.world.capsule, desk.world.onlyoffice
    vera = capsule.shelf("person").add(name="Vera Lindqvist", username="vera", email="vera@one.example")
    there = office.shelf("person").add(name="Lindqvist Vera", username="vera", email="v.lindqvist@two.example")
    capsule.add(title="Ring Bob", due="2031-05-06", category="Milestone", assignees=[vera])
    assert desk.sync()["exit_code"] == 0
    (task,) = office.tasks()
    assert task["category"] == "Call"
    assert there not in task["assignees"]
    assert {("office", "assignees", "Vera Lindqvist"), ("office", "category", "Milestone")} <= gaps(desk)
    assert counted(desk) == len(mapped(desk)["gaps"])

    proposed = desk.run("map", "--suggest").stdout
    assert "{office: v.lindqvist@two.example, capsule: vera@one.example}" in proposed
    add_to_config(desk, f"{proposed}categories:\n  - {{office: Lunch, capsule: Milestone}}\n")
    assert desk.sync()["exit_code"] == 0
    (task,) = office.tasks()
    assert (task["category"], task["assignees"]) == ("Lunch", [there])
    assert not any(connection == "office" for connection, *_ in gaps(desk))
    desk.forget_requests()
    desk.sync()
    assert desk.writes() == []
