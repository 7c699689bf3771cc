"""Parts of a page as HTML text: what was text stays text, and what needs a script is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
import pytest
from dash import dcc, html
from orjson import Fragment

from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.markup import markup
from monitoring.pages.overview_parts import news
from monitoring.timerange import TimeRange


def test_components_become_their_elements() -> None:
    part = html.Div(
        [
            html.Strong("UPS"),
            None,
            3,
            " of ",
            html.Img(src="/a.svg", alt="a line"),
            dcc.Link("Calls", href="/calls?vendor=ups&outcome=failed", className="q-act"),
            html.Div(style={"width": "40%", "marginTop": "2px"}, hidden=True, role="meter", **aria(label="left")),
        ],
        id={"row": "ups", "act": "see"},
    )

    assert markup(part) == (
        '<div id="{&quot;act&quot;:&quot;see&quot;,&quot;row&quot;:&quot;ups&quot;}"><strong>UPS</strong>3 of '
        '<img alt="a line" src="/a.svg">'
        '<a href="/calls?vendor=ups&amp;outcome=failed" class="q-act">Calls</a>'
        '<div hidden="" role="meter" style="width:40%;margin-top:2px" aria-label="left"></div></div>'
    )


def test_times_and_badges_keep_what_a_screen_reader_needs() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    view = TimeRange(since=now, until=now, now=now, zone=ZoneInfo("UTC"), preset=None)

    assert 'datetime="2026-03-02T12:00:00+00:00"' in markup(moment(now, view))
    assert 'aria-hidden="true"' in markup(badge("down"))


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a & b", "</div>"], ids=lambda text: text[:8]
)
def test_text_of_a_vendor_stays_text(evil: str) -> None:
    quoting = f'"{evil}'
    drawn = markup(html.P(quoting, title=quoting, className=quoting))

    assert "<script" not in drawn
    assert "<img" not in drawn
    assert drawn.count("<p ") == drawn.count("</p>") == 1
    assert drawn.count('"') == 5  # two attributes, and the quote of the text itself, which needs no escape there


def test_what_has_state_is_no_text() -> None:
    with pytest.raises(TypeError, match="Button needs its script"):
        markup(html.Div(dmc.Button("Do it")))
    with pytest.raises(TypeError, match="no part of a page"):
        markup(object())


def test_only_parts_that_differ_are_sent() -> None:
    drawing = {"sum": ("a1", Fragment(b'"x"')), "calm": ("b1", Fragment(b'"y"'))}

    first, later, same = (
        news(drawing, None),
        news(drawing, {"sum": "a1", "calm": "b0"}),
        news(drawing, {"sum": "a1", "calm": "b1"}),
    )

    assert first is not None
    assert later is not None
    assert set(first["parts"]) == {"sum", "calm"}
    assert set(later["parts"]) == {"calm"}
    assert later["stamps"] == {"sum": "a1", "calm": "b1"}
    assert same is None
