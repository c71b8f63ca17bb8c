"""What Prometheus is told, read back with its own parsers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as plain_text
from standings import NOON, StandingClock, busy_standing, part_of, standing_of, turn_of

from tasksync.ports import Meter, Traffic
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.turn import State

TIMES = ("duration", "_lag", "_age", "timestamp", "difference", "interval", "_cpu")
PAGE = Traffic(received_bytes=9000, sent_bytes=100)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

openmetrics: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def standing() -> Standing:
    return standing_of("office", "advisers")


@pytest.fixture
def metrics(standing: Standing, clock: StandingClock) -> Metrics:
    made = Metrics(standing, clock)
    made.configure(["office", "advisers"])
    return made


def families(metrics: Metrics) -> list[Metric]:
    body, _ = metrics.exposition("")
    return list(plain_text(body.decode()))


def samples(metrics: Metrics, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The values by their labels, of the connection `office` or of none."""
    return {
        tuple(sorted((label, value) for label, value in sample.labels.items() if label != "connection")): sample.value
        for family in families(metrics)
        for sample in family.samples
        if sample.name == name and sample.labels.get("connection", "office") == "office"
    }


def one(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics, name).get(tuple(sorted(labels.items())))


def connections(found: Iterable[Metric]) -> set[str]:
    return {
        sample.labels["connection"] for family in found for sample in family.samples if "connection" in sample.labels
    }


def test_a_turn_is_counted(metrics: Metrics) -> None:
    """What the parts of two turns tell adds up, by connection, state and action."""
    metrics.take(turn_of(part_of(), part_of("advisers", state=State.FAILED)))
    metrics.take(turn_of(part_of(read=5, written={"create": 1}, failed=0)))
    assert one(metrics, "tasksync_polls_total", state="ok") == 2
    assert one(metrics, "tasksync_polls_total", state="failed") == 0
    assert one(metrics, "tasksync_records_read_total") == 125
    assert one(metrics, "tasksync_writes_total", action="create") == 3
    assert one(metrics, "tasksync_writes_total", action="update") == 1
    assert one(metrics, "tasksync_writes_total", action="delete") == 0
    assert one(metrics, "tasksync_write_failures_total") == 1
    assert one(metrics, "tasksync_conflicts_total") == 2
    assert one(metrics, "tasksync_poll_duration_seconds_count") == 2
    assert one(metrics, "tasksync_poll_duration_seconds_sum") == 3
    assert one(metrics, "tasksync_cycle_duration_seconds_sum") == 4
    assert one(metrics, "tasksync_cycle_cpu_seconds_total") == 1
    assert one(metrics, "tasksync_rows_written_total") == 60


def test_a_part_that_was_not_polled_is_no_poll(metrics: Metrics) -> None:
    """What was written to a connection out of turn counts, a poll that was none does not."""
    metrics.take(turn_of(part_of(polled=False)))
    assert one(metrics, "tasksync_polls_total", state="ok") == 0
    assert one(metrics, "tasksync_poll_duration_seconds_count") == 0
    assert one(metrics, "tasksync_writes_total", action="create") == 2


def test_requests_are_counted_by_method_and_status(metrics: Metrics) -> None:
    """Every try counts, also one without an answer."""
    meter: Meter = metrics
    meter.requested("office", "GET", 200, 0.2, PAGE)
    meter.requested("office", "GET", 200, 0.4, PAGE)
    meter.requested("office", "POST", 503, 1.0, PAGE)
    meter.requested("office", "POST", None, 30.0, PAGE)
    assert samples(metrics, "tasksync_requests_total") == {
        (("method", "GET"), ("status", "200")): 2,
        (("method", "POST"), ("status", "503")): 1,
        (("method", "POST"), ("status", "none")): 1,
    }
    assert one(metrics, "tasksync_request_duration_seconds_count") == 4
    assert one(metrics, "tasksync_request_duration_seconds_sum") == pytest.approx(31.6)
    assert one(metrics, "tasksync_request_duration_seconds_bucket", le="1.0") == 3
    assert one(metrics, "tasksync_received_bytes_total") == 36_000
    assert one(metrics, "tasksync_sent_bytes_total") == 400


def test_labels_are_bounded(metrics: Metrics) -> None:
    """Whatever a CRM or a caller comes up with, there is no series for it."""
    for code in range(600, 900):
        metrics.requested("office", f"X{code}", code, 0.1, PAGE)
    metrics.requested("stranger", "GET", 200, 0.1, PAGE)
    metrics.take(turn_of(part_of("stranger"), part_of(written={"frobnicate": 2})))
    assert samples(metrics, "tasksync_requests_total") == {(("method", "other"), ("status", "other")): 300}
    assert one(metrics, "tasksync_writes_total", action="other") == 2
    assert connections(families(metrics)) == {"office", "advisers"}


def test_what_has_not_happened_yet_is_zero(metrics: Metrics) -> None:
    """The first event is a rise from zero, and not a series out of nowhere that no rate sees."""
    assert one(metrics, "tasksync_writes_total", action="create") == 0
    assert one(metrics, "tasksync_write_failures_total") == 0
    assert one(metrics, "tasksync_polls_total", state="needs_login") == 0
    assert one(metrics, "tasksync_conflicts_total") == 0


def test_a_reload_ends_the_series_of_what_is_gone(metrics: Metrics, standing: Standing) -> None:
    """A connection that is not in the config any more has none, one that stayed goes on, a new one begins."""
    metrics.requested("office", "GET", 200, 0.2, PAGE)
    metrics.requested("advisers", "GET", 500, 0.2, PAGE)
    turn = turn_of(part_of(), part_of("advisers"))
    metrics.take(turn)
    standing.take(turn)
    assert connections(families(metrics)) == {"office", "advisers"}
    standing.configure({"office": timedelta(minutes=1), "capsule": timedelta(minutes=1)}, NOON)
    metrics.configure(["office", "capsule"])
    assert connections(families(metrics)) == {"office", "capsule"}
    assert one(metrics, "tasksync_records_read_total") == 120
    metrics.requested("advisers", "GET", 200, 0.2, PAGE)
    assert connections(families(metrics)) == {"office", "capsule"}


def test_the_present_is_read_at_the_scrape(metrics: Metrics, standing: Standing, clock: StandingClock) -> None:
    """Ages grow between two turns."""
    standing.take(turn_of(part_of()))
    assert one(metrics, "tasksync_outbox_oldest_age_seconds") == 600
    assert one(metrics, "tasksync_snapshot_lag_seconds") == 30
    assert one(metrics, "tasksync_poll_lag_seconds") == 2
    clock.forward(minutes=1)
    assert one(metrics, "tasksync_outbox_oldest_age_seconds") == 660
    assert one(metrics, "tasksync_snapshot_lag_seconds") == 90
    assert one(metrics, "tasksync_poll_lag_seconds") == 62


def test_before_the_first_poll(metrics: Metrics) -> None:
    """Nothing is claimed of a connection that was not tried; its lag is since the start."""
    assert one(metrics, "tasksync_up") is None
    assert one(metrics, "tasksync_connection_state", state="unknown") == 1
    assert one(metrics, "tasksync_poll_lag_seconds") == 3600
    assert one(metrics, "tasksync_snapshot_lag_seconds") == 3600
    assert one(metrics, "tasksync_outbox_oldest_age_seconds") == 0
    assert one(metrics, "tasksync_outbox_operations", state="pending") is None
    assert one(metrics, "tasksync_next_poll_timestamp_seconds") is None
    assert one(metrics, "tasksync_last_cycle_exit_code") is None
    assert one(metrics, "tasksync_mirror_writable") == 1


def test_after_a_turn(metrics: Metrics, standing: Standing) -> None:
    """Each gauge shows what the part told of it."""
    standing.take(turn_of(part_of()))
    standing.plan("office", NOON + timedelta(minutes=1))
    assert one(metrics, "tasksync_up") == 1
    assert one(metrics, "tasksync_connection_state", state="ok") == 1
    assert one(metrics, "tasksync_connection_state", state="failed") == 0
    assert one(metrics, "tasksync_consecutive_failures") == 0
    assert one(metrics, "tasksync_poll_interval_seconds") == 60
    assert one(metrics, "tasksync_next_poll_timestamp_seconds") == NOON.timestamp() + 60
    assert one(metrics, "tasksync_holds") == 1
    assert one(metrics, "tasksync_clock_difference_seconds") == -1.25
    assert one(metrics, "tasksync_quota_remaining_requests") == 900
    assert one(metrics, "tasksync_quota_limit_requests") == 1000
    assert one(metrics, "tasksync_last_cycle_exit_code") == 4
    assert one(metrics, "tasksync_last_cycle_timestamp_seconds") == NOON.timestamp()
    assert samples(metrics, "tasksync_outbox_operations") == {
        (("state", "pending"),): 3,
        (("state", "sending"),): 0,
        (("state", "unknown"),): 0,
        (("state", "held"),): 1,
    }


def test_a_failing_connection_is_down(metrics: Metrics, standing: Standing) -> None:
    """So is one that is read in part only, and the failures are counted."""
    for state in (State.FAILED, State.INCOMPLETE):
        standing.take(turn_of(part_of(state=state, quota_left=None, quota_limit=None)))
    assert one(metrics, "tasksync_up") == 0
    assert one(metrics, "tasksync_consecutive_failures") == 2
    assert one(metrics, "tasksync_connection_state", state="incomplete") == 1
    assert one(metrics, "tasksync_quota_remaining_requests") is None


def test_the_mirror_fails(metrics: Metrics, standing: Standing) -> None:
    """It shows until a turn went through again."""
    standing.mirror_fault = "disk full"
    assert one(metrics, "tasksync_mirror_writable") == 0
    standing.take(turn_of())
    assert one(metrics, "tasksync_mirror_writable") == 1


def test_a_clock_set_back_makes_no_negative_age(metrics: Metrics, standing: Standing, clock: StandingClock) -> None:
    """Ages are not below zero."""
    standing.take(turn_of(part_of()))
    clock.forward(days=-1)
    assert one(metrics, "tasksync_outbox_oldest_age_seconds") == 0
    assert one(metrics, "tasksync_snapshot_lag_seconds") == 0


def test_the_run_goes_along_as_an_exemplar(metrics: Metrics) -> None:
    """In OpenMetrics, a bucket of the cycles' durations names the last run that fell into it."""
    metrics.take(turn_of(run="0123456789abcdef"))
    body, content_type = metrics.exposition(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    exemplars = {
        sample.labels["le"]: sample.exemplar
        for family in openmetrics(body.decode())
        for sample in family.samples
        if family.name == "tasksync_cycle_duration_seconds" and sample.exemplar is not None
    }
    assert list(exemplars) == ["2.5"]
    assert exemplars["2.5"].labels == {"run": "0123456789abcdef"}
    assert exemplars["2.5"].value == 2


def test_the_plain_format_is_what_old_scrapers_get(metrics: Metrics) -> None:
    """Without an Accept header it is the text format, with nothing in it that only OpenMetrics knows."""
    metrics.take(turn_of(part_of()))
    body, content_type = metrics.exposition("")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b" # {" not in body
    assert b"# EOF" not in body


def test_names_and_units_follow_the_convention(metrics: Metrics, standing: Standing) -> None:
    """Counters end in _total, times and durations in _seconds, nothing is in milliseconds, and all have a help text."""
    turn = turn_of(part_of(), part_of("advisers"))
    metrics.take(turn)
    standing.take(turn)
    body, _ = metrics.exposition(OPENMETRICS)
    ours = [family for family in openmetrics(body.decode()) if family.name.startswith("tasksync_")]
    assert len(ours) > 20
    for family in ours:
        assert family.documentation.endswith("."), family.name
        assert family.type in {"counter", "gauge", "histogram", "info"}, family.name
        assert not family.name.endswith(("_ms", "_milliseconds", "_minutes", "_total", "_count", "_sum")), family.name
        assert family.unit in {"", "seconds", "requests", "bytes"}, family.name
        timed = any(word in family.name for word in TIMES)
        assert (family.unit == "seconds") == timed, family.name
        assert (family.unit == "bytes") == family.name.endswith("_bytes"), family.name
        assert all(len(sample.labels) <= 4 for sample in family.samples)
        assert not any(sample.name.endswith("_created") for sample in family.samples)


def test_memory_and_descriptors_of_the_process(metrics: Metrics) -> None:
    """A leak would show: the process's own figures are there, and which tasksync it is."""
    assert (one(metrics, "process_resident_memory_bytes") or 0) > 1e6
    open_before = one(metrics, "process_open_fds") or 0
    with Path(__file__).open(encoding="utf-8"):
        assert one(metrics, "process_open_fds") == open_before + 1
    assert open_before < (one(metrics, "process_max_fds") or 0)
    assert (one(metrics, "process_cpu_seconds_total") or 0) > 0
    assert one(metrics, "process_start_time_seconds") == NOON.timestamp() - 3600
    assert any(name.startswith("python_gc_") for name in (family.name for family in families(metrics)))
    ((labels, value),) = samples(metrics, "tasksync_build_info").items()
    assert {label for label, _ in labels} == {"version", "python"}
    assert value == 1


def test_two_registries_do_not_meet() -> None:
    """Nothing is counted in the library's global registry: a second one starts at zero."""
    first, second = (Metrics(standing_of("office"), StandingClock()) for _ in range(2))
    first.configure(["office"])
    second.configure(["office"])
    first.take(turn_of(part_of()))
    assert one(second, "tasksync_conflicts_total") == 0


def test_a_long_life_adds_no_series(metrics: Metrics) -> None:
    """After the first turns, the number of lines stays what it is."""
    turn = turn_of(part_of(), part_of("advisers"))
    sizes = set()
    for number in range(50):
        metrics.take(replace(turn, run=f"{number:016x}"))
        metrics.requested("office", "GET", 200, number / 10, PAGE)
        sizes.add(len(metrics.exposition(OPENMETRICS)[0].splitlines()))
    assert len(sizes) == 1


def test_a_name_with_any_letters_is_a_label() -> None:
    """Quotes, backslashes and line breaks in a connection's name damage nothing."""
    name = 'off"ice\\ \n'
    standing = standing_of(name)
    metrics = Metrics(standing, StandingClock())
    metrics.configure([name])
    metrics.take(turn_of(part_of(name)))
    for accept, parse in (("", plain_text), (OPENMETRICS, openmetrics)):
        assert connections(parse(metrics.exposition(accept)[0].decode())) == {name}


def test_a_standing_with_a_failure_in_it_is_exposed_whole() -> None:
    """Each connection has its own series of each gauge."""
    standing = busy_standing()
    metrics = Metrics(standing, StandingClock())
    up: Mapping[str, float] = {
        sample.labels["connection"]: sample.value
        for family in families(metrics)
        for sample in family.samples
        if sample.name == "tasksync_up"
    }
    assert up == {"office": 1, "advisers": 0}
