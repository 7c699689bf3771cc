"""Figures are pure: rows in, a small figure dict out, safe to draw in any theme and zone."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.charts import circuit_timeline, durations, error_rate, headroom
from monitoring.charts.circuit_timeline import Stretch
from monitoring.charts.graph import graph
from monitoring.charts.palette import error_colors
from monitoring.charts.waterfall import extent
from monitoring.timerange import TimeRange, time_range

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
PACKAGE = Path(__file__).parents[2] / "monitoring"


@pytest.fixture
def view() -> TimeRange:
    return time_range("?range=1h", "Asia/Dubai", NOW)


def all_figures(view: TimeRange) -> list[dict[str, Any]]:
    start = view.since
    return [
        error_rate.figure(view, start=start, width=60, calls=[10, 0, 4], errors={("timeout", "network"): [1, 0, 4]}),
        durations.figure(view, start=start, width=60, p50=[0.1, None], p95=[0.2, None], p99=[0.31234, None]),
        headroom.figure(view, start=start, width=60, shares={"burst": [1.0, 0.2], headroom.ANNOUNCED: [None, 0.3]}),
        circuit_timeline.figure(
            view, [Stretch(name="fedex", state="open", since=start, until=NOW, reason="5 in a row failed")]
        ),
    ]


def test_every_figure_is_plain_json_without_a_template(view: TimeRange) -> None:
    for figure in all_figures(view):
        text = json.dumps(figure)

        assert "template" not in figure["layout"]
        assert len(text) < 4000


def test_error_rate_is_a_share_of_calls_and_empty_buckets_stay_empty(view: TimeRange) -> None:
    figure = error_rate.figure(
        view,
        start=view.since,
        width=60,
        calls=[10, 0, 4],
        errors={("http_503", "theirs"): [1, 0, 2], ("timeout", "network"): [0, 0, 1]},
    )

    assert [trace["name"] for trace in figure["data"]] == ["http 503", "timeout"]
    assert figure["data"][0]["y"] == [0.1, None, 0.5]
    assert figure["layout"]["barmode"] == "stack"
    assert figure["layout"]["yaxis"]["range"][1] == pytest.approx(0.825)


def test_error_types_beyond_the_colours_are_drawn_as_one(view: TimeRange) -> None:
    errors = {(f"http_{400 + number}", "ours"): [1] for number in range(error_rate.SHOWN + 3)}
    figure = error_rate.figure(view, start=view.since, width=60, calls=[100], errors=errors)

    assert len(figure["data"]) == error_rate.SHOWN + 1
    assert figure["data"][-1]["name"] == "3 others"
    assert sum(trace["y"][0] for trace in figure["data"]) == pytest.approx(0.1)


def test_durations_are_milliseconds_and_gaps_stay_gaps(view: TimeRange) -> None:
    figure = durations.figure(view, start=view.since, width=60, p50=[0.1, None], p95=[0.2, None], p99=[0.31234, None])
    by_name = {trace["name"]: trace["y"] for trace in figure["data"]}

    assert by_name == {"P50": [100.0, None], "P95": [200.0, None], "P99": [312.3, None]}


def test_time_axis_stands_in_the_viewers_zone_as_start_and_step(view: TimeRange) -> None:
    trace = durations.figure(view, start=view.since, width=60, p50=[0.1], p95=[0.1], p99=[0.1])["data"][0]

    assert (trace["x0"], trace["dx"]) == ("2026-11-23 13:30:00", 60000)
    assert "x" not in trace


def test_time_axis_lists_every_bucket_where_the_clocks_change() -> None:
    view = time_range("?from=2026-10-24T12:00:00Z&to=2026-10-26T12:00:00Z", "Europe/Berlin", NOW)
    trace = durations.figure(view, start=view.since, width=3600, p50=[0.1] * 48, p95=[0.1] * 48, p99=[0.1] * 48)[
        "data"
    ][0]

    assert len(trace["x"]) == 48
    assert trace["x"].count("2026-10-25 02:00:00") == 2  # the hour that comes twice


def test_shades_of_a_fault_differ_and_stay_put() -> None:
    types = [("http_500", "theirs"), ("http_503", "theirs"), ("timeout", "network")]
    colors = error_colors(types)

    assert len(set(colors.values())) == 3
    assert error_colors(types) == colors


def test_circuit_reason_cannot_break_the_hover_text(view: TimeRange) -> None:
    reason = "a very long reason with a %{placeholder} in it " * 4
    stretch = Stretch(name="fedex", state="open", since=view.since, until=NOW, reason=reason)
    hover = circuit_timeline.figure(view, [stretch])["data"][0]["customdata"][0]

    assert "%{" not in hover
    assert "<br>" in hover


def test_waterfall_keeps_every_bar_inside_the_whole() -> None:
    whole = extent([(NOW, 2.0), (NOW + timedelta(seconds=1), 3.0)])

    assert whole.seconds == 4.0
    bar = whole.bar(NOW + timedelta(seconds=3), 9.0, "call")
    assert (bar.left, bar.width) == (0.75, 0.25)
    assert whole.ticks() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_waterfall_of_an_instant_has_a_width() -> None:
    assert extent([(NOW, 0.0)]).seconds > 0


def test_graph_never_offers_to_upload(view: TimeRange) -> None:
    made: Any = graph(all_figures(view)[0], "one")

    assert made.config["showSendToCloud"] is False
    assert made.config["displaylogo"] is False


def test_graph_is_made_in_one_place_only() -> None:
    makers = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "Graph"
    ]

    assert makers == ["charts/graph.py"]
