"""What the overview shows, read and drawn once for all who watch it alike, as HTML text (``markup.py``).

A part that is as a tab has it already is not sent again: each has a stamp, and a tab names those it shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from dash import dcc, html
from dash.development.base_component import Component

from db import incidents
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.live import Hub
from monitoring.outlook import plans_of
from monitoring.pages.marks import aria, icon
from monitoring.pages.markup import markup
from monitoring.pages.overview_card import calm_card, hurt_card
from monitoring.pages.overview_strips import incident_strip, sync_strip
from monitoring.pages.states import empty, shown
from monitoring.timerange import TimeRange, parameters_of, time_range
from monitoring.vendor_card import VendorCard, cards
from monitoring.vendor_figures import figures_of_all

FILTERS = ("kind", "region", "find")
PARTS = ("overview-sum", "overview-incidents", "overview-hurt", "overview-syncs", "overview-calm")
Drawing = Mapping[str, tuple[str, orjson.Fragment]]  # part -> its stamp, and its text as JSON


async def drawing(context: DashboardContext, hub: Hub, search: str | None, zone: str | None) -> Drawing:
    """Return the parts of the overview as a URL asks for them, for a time zone."""
    view = time_range(search, zone, context.now())
    wanted = parameters_of(search)
    filters = tuple(wanted.get(name) for name in FILTERS)

    async def read() -> list[VendorCard]:
        return await cards(context, view, await figures_of_all(context.db, view), plans_of(context.db, context.syncs))

    async def draw_cards() -> Drawing:
        result = await hub.once(("overview", view.query, zone), read)
        found = [card for card in result if fits(card.facts, wanted)]
        hidden = [card for card in result if card.hurts and card not in found]
        hurt = [card for card in found if card.hurts]
        calm = [card for card in found if not card.hurts]
        return {
            "overview-sum": _drawn(summary(found)),
            "overview-hurt": _drawn(hurting(hurt, hidden, context, view, any_vendor=bool(result))),
            "overview-calm": _drawn(resting(calm, view, any_hurt=bool(hurt))),
        }

    async def draw_strips() -> Drawing:
        firing = [found for found in await incidents.open_incidents(context.db) if found.state == "firing"]
        return {
            "overview-incidents": _drawn(incident_strip(firing, view, context)),
            "overview-syncs": _drawn(await sync_strip(context, view)),
        }

    below = await shown("overview.cards", hub.once(("overview cards", view.query, zone, filters), draw_cards))
    if isinstance(below, Component):
        below = {**dict.fromkeys(("overview-sum", "overview-calm"), _drawn(None)), "overview-hurt": _drawn(below)}
    beside = await shown("overview.strips", hub.once(("strips", view.query, zone), draw_strips))
    if isinstance(beside, Component):
        beside = {"overview-incidents": _drawn(None), "overview-syncs": _drawn(beside)}
    return {**below, **beside}


def _drawn(part: Any) -> tuple[str, orjson.Fragment]:
    text = markup(part)
    return hashlib.sha256(text.encode()).hexdigest()[:16], orjson.Fragment(orjson.dumps(text))


def news(drawing: Drawing, known: Mapping[str, str] | None) -> dict[str, Any] | None:
    """Return what a tab that shows the parts with these stamps is sent; None when it shows all as it is."""
    known = known or {}
    parts = {name: text for name, (stamp, text) in drawing.items() if known.get(name) != stamp}
    return {"parts": parts, "stamps": {name: stamp for name, (stamp, _) in drawing.items()}} if parts else None


def fits(facts: VendorFacts, wanted: dict[str, str]) -> bool:
    """Tell whether a vendor passes the filters of the URL; one that is not filled in lets all through."""
    text = wanted.get("find", "").strip().lower()
    return (
        wanted.get("kind", facts.kind) == facts.kind
        and wanted.get("region", facts.region) == facts.region
        and (not text or text in f"{facts.label} {facts.name} {facts.kind}".lower())
    )


def summary(found: Sequence[VendorCard]) -> str:
    """Return the page in a sentence."""
    hurt = [card for card in found if card.health.verdict != "healthy"]
    calls = sum(card.figures.calls for card in found)
    if not hurt and not calls:
        return f"{units.plural(len(found), 'vendor')} · no call in this time"
    if not hurt:
        every = "" if any(card.idle for card in found) else "All "
        return f"{every}{_well(found)} · {units.plural(calls, 'call')}"
    down = [card.facts.label for card in hurt if card.health.verdict == "down"]
    degraded = [card.facts.label for card in hurt if card.health.verdict == "degraded"]
    parts = [f"{', '.join(names)} {word}" for names, word in ((down, "down"), (degraded, "degraded")) if names]
    return f"{' · '.join(parts)} · {_well(found)} · {units.plural(calls, 'call')}"


def _well(found: Sequence[VendorCard]) -> str:
    idle = sum(card.idle for card in found)
    healthy = sum(card.health.verdict == "healthy" for card in found) - idle
    return f"{healthy} healthy, {idle} idle" if idle else f"{healthy} healthy"


def hurting(
    found: Sequence[VendorCard],
    hidden: Sequence[VendorCard],
    context: DashboardContext,
    view: TimeRange,
    *,
    any_vendor: bool,
) -> Component | None:
    """Return the vendors that hurt in full; a word on those that the filter hides."""
    if not any_vendor:
        return empty("No vendor is set up.", "Credentials make a vendor appear; without any, the sandbox stands in.")
    word = None
    if hidden:
        names = ", ".join(card.facts.label for card in hidden)
        word = html.P(
            [icon("degraded"), f" The filter hides {names}, which hurts. " if len(hidden) == 1 else
             f" The filter hides {len(hidden)} vendors that hurt: {names}. ",
             dcc.Link("Show all", href=view.link("/"))],
            className="q-banner q-tone-warn",
        )  # fmt: skip
    if not found:
        return word
    grid = html.Section(
        [hurt_card(one, view, context.label) for one in found], className="q-cards", **aria(label="Vendors that hurt")
    )
    return html.Div([word, grid])


def resting(found: Sequence[VendorCard], view: TimeRange, *, any_hurt: bool) -> Component | None:
    """Return the vendors that do not hurt, in short."""
    if not found:
        return None if any_hurt else empty("No vendor fits the filter.", "Take a filter away to see the others.")
    return html.Section(
        [
            html.H2(_well(found)),
            html.Div([calm_card(one, view) for one in found], className="q-calms"),
        ],
        className="q-block",
    )
