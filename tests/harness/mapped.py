"""A mirror with people, links and gaps, the config beside it, and `tasksync map` run with both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tasksync.cli.app import app
from tasksync.config import Config, load_config
from tasksync.core.directory import Referent
from tasksync.core.plan import Gap
from tasksync.core.record import Record, Value, Version
from tasksync.ports import Correspondence, Unit
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CONFIG = """\
database: mirror.db
connections:
  office: {type: onlyoffice, url: https://office.example, token: t1}
  capsule: {type: capsule, url: https://capsule.example, token: t2}
  advisers: {type: plannr, url: https://plannr.example, token: t3}
"""


def person(connection: str, id_: str, name: str = "", *emails: str) -> Referent:
    return Referent(reference=f"{connection}:person:{id_}", name=name, emails=emails)


def gap(connection: str, record: str, field: str, value: str) -> Gap:
    return Gap(connection=connection, record_id=record, field=field, value=value)


def found(reference: str, connection: str, counterpart: str | None) -> Correspondence:
    return Correspondence(reference=reference, connection=connection, counterpart=counterpart, at=NOW)


class Office:
    """A mirror, the config beside it, and the program run with both."""

    def __init__(self, folder: Path, mirror: SqlMirror) -> None:
        self.file = folder / "config.yaml"
        self.mirror = mirror
        self.file.write_text(CONFIG, encoding="utf-8")

    def configure(self, more: str) -> Config:
        """Add lines to the config, which has to be right."""
        self.file.write_text(f"{CONFIG}{more}\n", encoding="utf-8")
        return load_config(self.file, {})

    def people(self, unit: Unit, *people: Referent) -> None:
        for name in ("office", "capsule", "advisers"):
            unit.save_people(name, [one for one in people if one.reference.startswith(f"{name}:")], NOW)

    def tasks(self, unit: Unit, gaps: Sequence[Gap], connection: str = "office") -> None:
        """Records that have these gaps, of values written in `connection`."""
        versions = {one.record_id: self._versions(one, connection) for one in gaps}
        unit.save_records(
            Record(id=name, kind="task", group="all", versions=version) for name, version in versions.items()
        )
        unit.replace_gaps(versions, gaps)

    def _versions(self, one: Gap, connection: str) -> dict[str, Version]:
        value: Value = one.value if one.field == "category" else (one.value,)
        return {one.field: Version(value=value, at=NOW, connection=connection, external_id="7")}

    def run(self, *options: str) -> str:
        done = CliRunner().invoke(app, ["--config", str(self.file), "map", *options], env={"COLUMNS": "240"})
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *options: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("--json", *options))
        return told


ANNA = person("office", "g-1", "Anna Berg", "anna@firm.example")
BERG = person("capsule", "17", "Berg, Anna", "berg@other.example")
ANNAS_GAP = gap("capsule", "r1", "assignees", ANNA.reference)
