"""The dashboard, the alert rules and their documentation against what the daemon exposes: no name without a metric."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from promql import Selector, groupings, selectors
from ruamel.yaml import YAML
from standings import StandingClock, busy_standing

from tasksync.core.plan import Action
from tasksync.ports import Traffic
from tasksync.service.metrics import Metrics
from tasksync.service.turn import State

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
# What Prometheus adds to each series itself, and the metric that it makes of each scrape.
GIVEN = frozenset({"job", "instance"})
SCRAPED = "up"

Exposed = Mapping[str, Mapping[str, set[str]]]


@pytest.fixture(scope="module")
def exposed() -> Exposed:
    """The labels of every sample that a daemon with everything in it exposes, and their values, by name."""
    standing = busy_standing()
    metrics = Metrics(standing, StandingClock())
    metrics.configure(list(standing.connections))
    assert standing.last_turn is not None
    metrics.take(standing.last_turn)
    for status in (200, 429, 503, None):
        metrics.requested("office", "GET", status, 0.1, Traffic())
    found: dict[str, dict[str, set[str]]] = {SCRAPED: {}}
    for family in text_string_to_metric_families(metrics.exposition("")[0].decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def rules() -> list[dict[str, Any]]:
    loaded = YAML(typ="safe").load(MONITORING / "tasksync.rules.yaml")
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MONITORING / "tasksync.dashboard.json").read_text(encoding="utf-8"))
    return loaded


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where it is, the expression, and the text that shows its labels."""
    for rule in rules():
        shown = " ".join(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        yield rule["alert"], rule["expr"], shown
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], " ".join(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    for annotation in dashboard()["annotations"]["list"]:
        if "expr" in annotation:
            yield (
                annotation["name"],
                annotation["expr"],
                " ".join(re.findall(r"\{\{(\w+)\}\}", annotation["textFormat"])),
            )
    for variable in dashboard()["templating"]["list"]:
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", ""))
        if found is not None:
            yield variable["name"], found[1], found[2]


@pytest.mark.parametrize(("where", "expression", "shown"), [*expressions()])
def test_every_name_and_label_exists(where: str, expression: str, shown: str, exposed: Exposed) -> None:
    """What is asked for, grouped by and shown is there, and states and actions are real ones."""
    found = selectors(expression)
    assert found, f"{where} asks for nothing"
    for selector in found:
        assert selector.name in exposed, where
        for label, operator, value in selector.matchers:
            assert label in GIVEN | set(exposed[selector.name]), f"{where}: {selector.name} has no label {label}"
            if operator == "=" and label in {"state", "action"}:
                assert value in exposed[selector.name][label], f"{where}: {label} is never {value}"
    known = GIVEN.union(*(exposed[selector.name] for selector in found))
    assert groupings(expression) <= known, where
    assert set(shown.split()) <= known, where


def test_every_metric_is_documented(exposed: Exposed) -> None:
    """The table in README.md has each of ours with its labels, and none that there is not."""
    text = (MONITORING / "README.md").read_text(encoding="utf-8")
    table = {
        name: {label for label in labels.split(", ") if label.strip()}
        for name, labels in re.findall(r"^\| `(tasksync_\w+)` \| \w+ \| ([\w, ]*)\|", text, re.MULTILINE)
    }
    table = {name: {label.strip() for label in labels} for name, labels in table.items()}
    ours: dict[str, set[str]] = {}
    for name, labels in exposed.items():
        if name.startswith("tasksync_"):
            histogram = re.sub(r"_(bucket|count|sum)$", "", name)
            ours.setdefault(histogram, set()).update(set(labels) - {"le"})
    assert table == ours
    assert all(name in exposed for name in re.findall(r"`(process_\w+)`", text))


def test_the_documented_words_are_the_real_ones() -> None:
    """States and actions in the table are those that there are."""
    text = (MONITORING / "README.md").read_text(encoding="utf-8")
    assert f"1 for the state it is in: {', '.join(State)} |" in text
    assert f"writes that got through: {', '.join(Action)} |" in text


def test_every_metric_of_ours_is_on_the_dashboard(exposed: Exposed) -> None:
    """Nothing is exposed that nobody looks at."""
    shown = {selector.name for _, expression, _ in expressions() for selector in selectors(expression)}
    histograms = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    for name in exposed:
        if name.startswith("tasksync_"):
            assert re.sub(r"_(bucket|count|sum)$", "", name) in histograms, name


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    """A severity, a summary and a description in whole sentences, and names that are unique."""
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert rule["alert"].startswith("Tasksync")
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        for text in (rule["annotations"]["summary"], rule["annotations"]["description"]):
            assert text.endswith((".", ").")), rule["alert"]
        # What looks at an hour of the past needs no further patience.
        assert "for" in rule or "[1h]" in rule["expr"], rule["alert"]


def test_every_alert_is_tested() -> None:
    """The rules' own tests see each of them fire."""
    tests = (MONITORING / "tasksync.rules.test.yaml").read_text(encoding="utf-8")
    assert not [rule["alert"] for rule in rules() if rule["alert"] not in tests]


def test_the_dashboard_can_be_imported() -> None:
    """It has a name and an id of its own, no id of a database, and takes its data source from a variable."""
    loaded = dashboard()
    assert (loaded["uid"], loaded["title"], loaded["id"]) == ("tasksync", "tasksync", None)
    assert loaded["schemaVersion"] == 38
    assert loaded["templating"]["list"][0]["type"] == "datasource"
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels():
        assert panel["datasource"] == source, panel["title"]
        assert all(target["datasource"] == source for target in panel["targets"]), panel["title"]


def test_the_panels_lie_side_by_side() -> None:
    """Their ids are unique, they are within the 24 columns, and none covers another."""
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for panel in every:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_heeds_the_variables(exposed: Exposed) -> None:
    """Whoever picks a job, an instance or a connection sees that one and no other."""
    for panel in panels():
        for target in panel["targets"]:
            for selector in selectors(target["expr"]):
                heeded = {"job", "instance"} | ({"connection"} & set(exposed[selector.name]))
                picked = {
                    label for label, operator, value in selector.matchers if (operator, value) == ("=~", f"${label}")
                }
                assert picked == heeded, panel["title"]


def test_the_expressions_are_read_right() -> None:
    """Names, matchers and groupings are found, whatever stands between them."""
    expression = 'sum by (le, job) (rate(tasksync_a_bucket{x="y", z=~"5..|none"}[5m])) / on(job) tasksync_b_total > 1'
    assert selectors(expression) == [
        Selector("tasksync_a_bucket", (("x", "=", "y"), ("z", "=~", "5..|none"))),
        Selector("tasksync_b_total", ()),
    ]
    assert groupings(expression) == {"le", "job"}
    with pytest.raises(ValueError, match="no matchers"):
        selectors('tasksync_a{x="y", nonsense}')


def test_the_scrape_config_fits() -> None:
    """The job has the name that rules expect, and the target is the address of the example config."""
    loaded = YAML(typ="safe").load(MONITORING / "prometheus.yaml")
    (job,) = loaded["scrape_configs"]
    assert job["job_name"] == "tasksync"
    assert loaded["rule_files"] == ["tasksync.rules.yaml"]
    example = (MONITORING.parents[1] / "config.example.yaml").read_text(encoding="utf-8")
    assert f"listen: {job['static_configs'][0]['targets'][0]}" in example
