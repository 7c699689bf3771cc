"""Lists a page at a time, and choices that narrow them: all of it links, so that the URL says what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.pages.marks import aria
from monitoring.timerange import TimeRange, stamp

SIZE = 50  # rows of a page
DEEPEST = 400  # pages; who needs more narrows the list, or takes the CSV


def page_number(wanted: Mapping[str, str]) -> int:
    """Return which page a URL asks for, 1 for anything that is none."""
    text = wanted.get("page", "")
    return min(max(int(text), 1), DEEPEST) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def pager(path: str, wanted: Mapping[str, str], total: int, view: TimeRange) -> Component | None:
    """Return which rows are shown, with the way to those before and after; None where all fit on one page."""
    if total <= SIZE:
        return None
    number, last = page_number(wanted), min(-(-total // SIZE), DEEPEST)
    first = (number - 1) * SIZE + 1
    kept = {name: value for name, value in wanted.items() if name != "page"}

    def to(label: str, page: int) -> Component:
        if not 1 <= page <= last:
            return html.Span(label, className="q-choice q-dim", **aria(disabled="true"))
        return dcc.Link(label, href=view.link(path, **kept, page=str(page)), className="q-choice")

    return html.Nav(
        [
            to("Previous", number - 1),
            html.Span(
                f"{units.count(first)} to {units.count(min(first + SIZE - 1, total))} of {units.count(total)}",
                className="q-num q-dim",
            ),
            to("Next", number + 1),
        ],
        className="q-choices",
        **aria(label="Pages of the list"),
    )


def newest_and_older(
    path: str, wanted: Mapping[str, str], view: TimeRange, *, first: bool, older: str | None
) -> Component | None:
    """Return the ways to the newest page and to the older one that begins at a cursor; None where there is neither."""
    links: list[Component] = []
    if not first:
        links.append(dcc.Link("Newest", href=view.link(path, **wanted)))
    if older is not None:
        links.append(dcc.Link("Older", href=view.link(path, **wanted, before=older)))
    return html.Nav(links, className="q-pager", **aria(label="Pages")) if links else None


def all_as_csv(what: str, asked: Mapping[str, str], view: TimeRange) -> Component:
    """Return the way to a list's file, ``/api/v1/<what>/csv``: more than what is on the screen."""
    query = urlencode({**asked, "since": stamp(view.since), "until": stamp(view.until)})
    return html.A("All as CSV", href=f"/api/v1/{what}/csv?{query}", download=f"{what}.csv", className="q-csv")


def choices(
    label: str,
    name: str,
    values: Sequence[tuple[str, str, int | None]],
    path: str,
    wanted: Mapping[str, str],
    view: TimeRange,
) -> Component:
    """Return links that set one parameter of the URL: (value, how it reads, how many or None); "" takes it out."""
    kept = {key: value for key, value in wanted.items() if key not in (name, "page")}
    links: list[Component] = []
    for value, text, number in values:
        count = html.Span(units.count(number), className="q-num q-dim") if number is not None else None
        if wanted.get(name, "") == value:
            links.append(html.Span([text, count], className="q-choice q-choice-on", **aria(current="true")))
        else:
            href = view.link(path, **kept, **({name: value} if value else {}))
            links.append(dcc.Link([text, count], href=href, className="q-choice"))
    return html.Nav(
        [html.Span(label, className="q-dim q-choices-head"), *links], className="q-choices", **aria(label=label)
    )
