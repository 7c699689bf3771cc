"""How an incident reads in Slack."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from db.incidents import Incident
from monitoring.alerts.slack import cut, escape, message, span
from tests.conftest import NOON

URL = "https://ops.example.com"


def incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "i1",
        "rule": "circuit_open",
        "subject": "fedex",
        "open_key": "circuit_open:fedex",
        "state": "firing",
        "severity": "page",
        "title": "The circuit of FedEx is open",
        "facts": {
            "sentence": "5 calls in a row failed.",
            "fault": "theirs",
            "todo": "See FedEx's status page.",
            "path": "/vendors/fedex",
            "dependents": ["Orders", "Stock"],
            "numbers": {"http_503": 5},
        },
        "started_at": NOON,
        "fired_at": NOON,
        "resolved_at": None,
        "changed_at": NOON,
        "version": 1,
        "acknowledged_by": None,
        "acknowledged_at": None,
        "calm_since": None,
        "inhibited_by": None,
    }
    return Incident(**(values | changes))


def words(**changes: Any) -> str:
    return orjson.dumps(message(incident(**changes), public_url=URL).blocks).decode()


def test_a_firing_message_says_what_since_when_whose_fault_what_waits_and_what_to_do() -> None:
    shown = words()

    for part in (
        "🔴 Firing: The circuit of FedEx is open",
        "5 calls in a row failed.",
        f"<!date^{int(NOON.timestamp())}^",
        "theirs",
        "Orders, Stock",
        "See FedEx's status page.",
        f"<{URL}/vendors/fedex|Open the page>",
    ):
        assert part in shown


def test_a_resolved_message_says_for_how_long_and_asks_for_nothing() -> None:
    over = {"state": "resolved", "resolved_at": NOON + timedelta(minutes=75)}

    shown = words(**over)

    assert "✅ Resolved" in shown
    assert "1 h 15 min" in shown
    assert "What to do" not in shown
    assert message(incident(**over), public_url=URL).text.endswith("is open after 1 h 15 min.")


def test_nothing_a_vendor_says_can_ping_a_channel() -> None:
    shown = words(facts={"sentence": "<!channel> & <@U123>", "fault": "<!here>"}, title="x")

    assert "<!channel>" not in shown
    assert "<!here>" not in shown
    assert "&lt;!channel&gt; &amp; &lt;@U123&gt;" in shown


def test_the_longest_texts_still_fit_what_slack_takes() -> None:
    long = "<&>" * 5000
    built = message(
        incident(title=long, facts={"sentence": long, "todo": long, "fault": long, "dependents": [long]}),
        public_url=URL,
    )

    assert len(built.text.encode()) <= 4000
    assert len(orjson.dumps(built.blocks)) < 13_200
    for block in built.blocks:
        assert len(str(block.get("text", {}).get("text", ""))) <= 3000


@pytest.mark.parametrize(
    ("seconds", "said"), [(4.4, "4 s"), (60, "1 min"), (3599, "59 min"), (11_100, "3 h 05 min"), (187_200, "2 d 4 h")]
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_text_is_never_cut_inside_an_entity() -> None:
    for length in range(2, 30):
        shown = cut(escape("<a&b>" * 8), length)
        assert len(shown) <= length
        assert shown.rpartition("&")[2].count(";") or "&" not in shown
