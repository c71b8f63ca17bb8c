from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tasksync.config import Listen, LogSettings, RetrySettings, Serving, SyncSettings, load_config
from tasksync.config.settings import CommonSettings, FileSettings
from tasksync.connectors.manifest import discover

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_works_as_it_is() -> None:
    """The example loads with an empty environment, has every CRM, and points at the sandbox."""
    config = load_config(EXAMPLE, {})
    assert {connection.type for connection in config.connections} == set(discover())
    assert [connection.url for connection in config.connections] == [
        f"http://127.0.0.1:8800/{path}" for path in ("onlyoffice", "capsule", "plannr")
    ]
    assert {connection.token for connection in config.connections} == {"sandbox"}
    assert config.warnings == ()


def test_shows_the_defaults() -> None:
    """What the example sets for the program as a whole is what holds without it."""
    config = load_config(EXAMPLE, {})
    assert (config.sync, config.retry, config.log, config.http) == (
        SyncSettings(),
        RetrySettings(),
        LogSettings(),
        None,
    )
    assert config.database == str(EXAMPLE.parent / "tasksync.db")


def test_environment_replaces_the_sandbox() -> None:
    """Addresses and tokens can come from the environment without a change of the file."""
    config = load_config(EXAMPLE, {"ONLYOFFICE_URL": "https://portal.example", "ONLYOFFICE_TOKEN": "t1"})
    assert (config.connections[0].url, config.connections[0].token) == ("https://portal.example", "t1")


def test_commented_sections(tmp_path: Path) -> None:
    """The sections that are commented out are right as well."""
    text = EXAMPLE.read_text(encoding="utf-8")
    sections = "groups|people|categories|links|http"
    text, changed = re.subn(rf"^# ((?:{sections}):|  sales:|  - )", r"\1", text, flags=re.MULTILINE)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml", {})
    assert changed == 10
    assert config.http == Serving(listen=Listen(host="127.0.0.1", port=9460))
    assert [group.name for group in config.groups] == ["sales"]
    said = config.correspondences
    assert [sorted(entry) for entry in said.people] == [["capsule", "office"], ["advisers", "capsule"]]
    assert [len(entry) for entry in said.same] == [3]
    assert config.connections[1].categories == {"call": "Phone call"}


def test_the_mapping_in_the_readme(tmp_path: Path) -> None:
    """What README shows of the mapping can be added to the example as it stands."""
    (mapping,) = re.findall(
        r"```yaml\n(people:.*?)```", (EXAMPLE.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text(encoding="utf-8") + mapping, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml", {})
    assert config.correspondences.people[0]["office"] == "anna@firm.example"
    assert config.correspondences.same == (frozenset({"office:contact:12", "capsule:contact:345"}),)
    assert config.connections[0].categories == {"phone call": "Call"}


def keys(model: type[BaseModel]) -> Iterator[str]:
    """All keys of a model and of the models in it, except the two that an address is taken apart into."""
    for name, field in model.model_fields.items():
        yield name
        for inner in getattr(field.annotation, "__args__", (field.annotation,)):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not Listen:
                yield from keys(inner)


@pytest.mark.parametrize(
    "model", [FileSettings, CommonSettings, *(manifest.options for manifest in discover().values())]
)
def test_documents_every_setting(model: type[BaseModel]) -> None:
    """There is no key that the example does not show or name."""
    text = EXAMPLE.read_text(encoding="utf-8")
    missing = [key for key in keys(model) if not re.search(rf"\b{key}\b", text)]
    assert missing == []
