"""The vendor page's panels in words: what changed, when quotas run out, what the vendor says of itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from db.engine import Database
from db.heat import Heat
from db.vendor_notes import Certificate, HeaderSeen
from monitoring.charts import error_rate, heat_map
from monitoring.context import DashboardContext
from monitoring.forecast import Pace, Shortfall, forecast
from monitoring.pages import forecast_panel, vendor_notes_panel
from monitoring.pages.compare import change, change_of_share, period_before
from monitoring.timerange import time_range
from tests.conftest import NOON, MovableClock
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.test_forecast import HALF_SPENT

VIEW = time_range("?range=24h", "UTC", NOON)
FEDEX = next(facts for facts in vendor_facts() if facts.name == "fedex")


def text(component: Any) -> str:
    return json.dumps(component, default=lambda part: part.to_plotly_json(), ensure_ascii=False)


def test_the_period_before_is_as_long_and_ends_where_this_one_begins() -> None:
    before = period_before(VIEW)

    assert (before.since, before.until) == (NOON - timedelta(hours=48), NOON - timedelta(hours=24))


def test_changes_are_said_with_a_sign_and_only_where_both_sides_are_known() -> None:
    assert '"+3.0 points"' in text(change_of_share(0.05, 0.02))
    assert '"−2.0 points"' in text(change_of_share(0.0, 0.02))
    assert '"+50%"' in text(change(1.5, 1.0, said="1 s"))
    assert '"40 times"' in text(change(40.0, 1.0, said="1 s"))
    assert '"as before"' in text(change(1.0, 1.0, said="1 s"))
    assert change(1.0, None, said="") is None
    assert change_of_share(None, 0.1) is None


def test_the_forecast_says_when_by_which_basis_and_which_sync_will_not_fit(
    database: Database, clock: MovableClock
) -> None:
    context = DashboardContext(db=database, vendors=vendor_facts(), syncs=sync_facts(), now=clock.now)
    known = forecast(HALF_SPENT, Pace(requests=100, seconds=3600), NOON)
    lasting = forecast(replace(HALF_SPENT, quota="month"), Pace(requests=20, seconds=3600), NOON)
    short = Shortfall(
        sync="inventory", vendor="fedex", quota="day", starts_at=NOON + timedelta(hours=3), needs=412, left=200
    )
    drawn = text(forecast_panel.panel([lasting, known], [short], context, VIEW))

    assert drawn.index("runs out") < drawn.index("lasts")
    assert "in 5\u202fh" in drawn
    assert "500 of 1,000 left by our own count" in drawn
    assert "with 300 to spare" in drawn
    assert "Inventory sync" in drawn
    assert "it needs about 412 requests" in drawn


def test_versions_are_grouped_and_what_ends_stands_first() -> None:
    seen = [
        HeaderSeen(vendor="fedex", operation="quote_rates", header=header, value=value, caller=caller,
                   first_seen=NOON - timedelta(days=2), last_seen=NOON)
        for header, value, caller in (
            ("x-api-version", "2026-01", "sync"), ("x-api-version", "2026-01", "api"), ("sunset", "Sat, 01 Aug 2026", "api")
        )
    ]  # fmt: skip
    drawn = text(vendor_notes_panel.panel(FEDEX, seen, [], None, VIEW))

    assert drawn.index("sunset") < drawn.index("x-api-version")
    assert "api, sync" in drawn
    assert "Certificate: not known; its calls go over plain http" in drawn
    assert "Token: not known" in drawn


def test_a_certificate_near_its_end_warns() -> None:
    certificates = [
        Certificate(vendor="fedex", host=host, expires_at=NOON + timedelta(days=days), seen_at=NOON)
        for host, days in (("a.example.com", 5), ("b.example.com", 90), ("c.example.com", -1))
    ]
    lines = vendor_notes_panel.expiries(FEDEX, certificates, NOON + timedelta(hours=1), VIEW)
    worn = [text(line) for line in lines if "q-tone-warn" in text(line)]

    assert len(worn) == 2
    assert "5\u202fd left" in worn[0]
    assert "1\u202fd ago" in worn[1]
    assert "renewed by itself" in text(lines[0])


def test_a_figure_tells_where_its_points_lead() -> None:
    drawn = error_rate.figure(
        VIEW, start=NOON, width=300, calls=[10, 10], errors={("http_503", "theirs"): [1, 0], ("x", "refused"): [0, 2]},
        vendor="fedex", before=[0.5, None, 0.1],
    )  # fmt: skip

    assert drawn["layout"]["meta"] == {"start": NOON.timestamp(), "width": 300, "filters": {"vendor": "fedex"}}
    assert [trace.get("meta") for trace in drawn["data"]] == [
        {"outcome": "refused"},
        {"error_type": "http_503", "outcome": "failed"},
        None,
    ]
    assert drawn["data"][-1]["y"] == [0.5, None]


def test_the_heat_map_leaves_empty_cells_empty_and_says_the_rest() -> None:
    heat = Heat(start=NOON, width=60, buckets=3, counts={(0, -5): 4, (2, -3): 1})
    drawn = heat_map.figure(VIEW, heat, "fedex")["data"][0]

    assert drawn["z"] == [[1.0, None, None], [None, None, None], [None, None, 0.5]]
    assert drawn["text"][2][2] == "1 attempt"
    assert len(drawn["x"]) == 3
