"""Prometheus' own tool on the alert rules, their tests and the dashboard's expressions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
# What Grafana puts in place of its variables.
FILLED_IN = {"$__rate_interval": "5m", "$connection": ".*", "$instance": ".*", "$job": ".*"}


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """As it is on this machine, or taken out of Debian's package `prometheus`, which is not installed: that would start
    a server.
    """
    installed = shutil.which("promtool")
    if installed is not None:
        return installed
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.fail("There is no promtool, and no apt-get to get it with: install Prometheus' tools", pytrace=False)
    folder = tmp_path_factory.mktemp("prometheus")
    fetch = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "prometheus"]
    if _run(fetch, folder).returncode:
        # The lists of packages may be missing or old.
        _must(["apt-get", "update", "-q"], folder)
        _must(fetch, folder)
    (package,) = folder.glob("prometheus_*.deb")
    _must(["dpkg", "-x", str(package), str(folder / "root")], folder)
    return str(folder / "root" / "usr" / "bin" / "promtool")


def test_the_rules_are_rules(promtool: str) -> None:
    """Their expressions and templates can be read."""
    said = _must([promtool, "check", "rules", "tasksync.rules.yaml"], MONITORING)
    assert "SUCCESS" in said
    assert "rules found" in said


def test_the_alerts_fire_when_they_should(promtool: str) -> None:
    """And only then: promtool runs the rules' own tests, made-up hours in seconds."""
    assert "SUCCESS" in _must([promtool, "test", "rules", "tasksync.rules.test.yaml"], MONITORING)


def test_a_rule_that_is_broken_fails_its_test(promtool: str, tmp_path: Path) -> None:
    """The tests of the rules can fail: they notice a threshold that is turned round."""
    rules = (MONITORING / "tasksync.rules.yaml").read_text(encoding="utf-8")
    assert "tasksync_outbox_oldest_age_seconds > 3600" in rules
    broken = rules.replace("tasksync_outbox_oldest_age_seconds > 3600", "tasksync_outbox_oldest_age_seconds < 3600")
    (tmp_path / "tasksync.rules.yaml").write_text(broken, encoding="utf-8")
    shutil.copy(MONITORING / "tasksync.rules.test.yaml", tmp_path)
    done = _run([promtool, "test", "rules", "tasksync.rules.test.yaml"], tmp_path)
    assert done.returncode == 1
    assert "TasksyncOutboxStuck" in done.stdout + done.stderr


def test_the_scrape_config_is_one(promtool: str, tmp_path: Path) -> None:
    """Prometheus reads it, with the rules that it names."""
    shutil.copytree(MONITORING, tmp_path, dirs_exist_ok=True)
    token = tmp_path / "tasksync.token"
    token.write_text("x" * 16, encoding="ascii")
    config = tmp_path / "prometheus.yaml"
    example = config.read_text(encoding="utf-8")
    config.write_text(example.replace("/etc/prometheus/tasksync.token", str(token)), encoding="utf-8")
    assert "SUCCESS" in _must([promtool, "check", "config", str(config)], tmp_path)


def test_the_dashboards_expressions_are_promql(promtool: str, tmp_path: Path) -> None:
    """Each of them, with Grafana's variables filled in, is an expression that Prometheus can read."""
    dashboard = json.loads((MONITORING / "tasksync.dashboard.json").read_text(encoding="utf-8"))
    expressions = [
        *(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())),
        *(one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one),
    ]
    assert len(expressions) > 25
    rules = [
        {"record": f"panel:{number}", "expr": _filled(expression, FILLED_IN)}
        for number, expression in enumerate(expressions)
    ]
    with (tmp_path / "panels.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"groups": [{"name": "panels", "rules": rules}]}, file)
    said = _must([promtool, "check", "rules", "panels.yaml"], tmp_path)
    assert f"{len(expressions)} rules found" in said


def _filled(expression: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def _must(command: list[str], folder: Path) -> str:
    done = _run(command, folder)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}", pytrace=False)
    return done.stdout


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
