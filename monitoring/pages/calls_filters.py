"""The filters of the call list: the common ones in sight, the rest folded; each says itself what it cannot read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from monitoring import call_filters as asked
from monitoring.call_filters import PARAMETERS, asked_of
from monitoring.context import DashboardContext
from monitoring.pages import url_fields
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import parameters_of

COMMON = ("vendor", "outcome", "operation", "error_type", "text")
FOLDED = tuple(name for name in PARAMETERS if name not in (*COMMON, "id"))  # one call's id has no field
FIELDS = (*COMMON, *FOLDED)
_WORDS: Mapping[str, tuple[str, str]] = {  # parameter -> label, placeholder
    "vendor": ("Vendor", "any"),
    "outcome": ("Outcome", "any"),
    "operation": ("Operation", "any"),
    "error_type": ("Error type", "timeout"),
    "text": ("Text", "in message, path, id or key"),
    "fault": ("Whose fault", "any"),
    "status": ("HTTP status", "503, 5xx, 400-429"),
    "trigger": ("Trigger", "any"),
    "priority": ("Priority", "any"),
    "correlation_id": ("Correlation id", "exactly"),
    "key": ("Idempotency key", "exactly"),
    "run": ("Run", "id of a sync run or replay"),
    "user": ("User or token", "exactly"),
    "slower": ("Slower than", "1.5, 250ms, 2min"),
    "faster": ("Faster than", "10s"),
    "attempts": ("Attempts, at least", "2"),
    "circuit": ("Circuit", "any"),
}


def filters(context: DashboardContext) -> Component:
    """Return the fields, empty; they are filled from the URL."""
    fields = [UrlField(name=name, kind="choice" if name in _CHOSEN else "text") for name in FIELDS]
    operations = sorted({operation.name for facts in context.vendors for operation in facts.operations})
    choices: Mapping[str, Sequence[tuple[str, str]]] = {
        "vendor": [(facts.name, facts.label) for facts in context.vendors],
        "outcome": [(name, "all but success" if name == "failed" else name) for name in asked.OUTCOMES],
        "operation": [(name, name) for name in operations],
        "fault": [(name, name) for name in asked.FAULTS],
        "trigger": [(name, name) for name in asked.TRIGGERS],
        "priority": [(name, name) for name in asked.PRIORITIES],
        "circuit": [(name, name.replace("_", " ")) for name in asked.CIRCUITS],
    }
    return html.Div(
        [
            html.Div([_field(name, choices.get(name)) for name in COMMON], className="q-filters"),
            html.Details(
                [
                    html.Summary("More filters", id="filters-more"),
                    html.Div([_field(name, choices.get(name)) for name in FOLDED], className="q-filters"),
                ],
                id="filters-folded",
                className="q-more",
            ),
            url_fields.store("filters", "/calls", fields),
        ],
        role="search",
    )


def _field(name: str, choices: Sequence[tuple[str, str]] | None) -> Component:
    label, placeholder = _WORDS[name]
    if choices is None:
        return dmc.TextInput(id=f"filter-{name}", label=label, placeholder=placeholder, size="xs", debounce=400)
    return dmc.Select(
        id=f"filter-{name}",
        label=label,
        placeholder=placeholder,
        data=[{"value": value, "label": text} for value, text in choices],
        clearable=True,
        searchable=len(choices) > 8,
        size="xs",
        comboboxProps={"shadow": "md"},
    )


def register(app: Dash) -> None:
    """Keep fields and URL the same, whichever changes."""

    url_fields.keep_in_url(app, "filters", [f"filter-{name}" for name in FIELDS])

    @app.callback(
        *[Output(f"filter-{name}", "error") for name in FIELDS],
        Output("filters-folded", "open"),
        Output("filters-more", "children"),
        Input("url", "search"),
        State("url", "pathname"),
    )
    async def show_problems(search: str | None, path: str | None) -> Any:
        if path != "/calls":
            return no_update
        wanted = parameters_of(search)
        problems = asked_of(wanted).problems
        folded = sum(1 for name in FOLDED if wanted.get(name))
        return (
            *[problems.get(name) for name in FIELDS],
            True if folded else no_update,
            f"More filters ({folded} set)" if folded else "More filters",
        )


_CHOSEN = frozenset({"vendor", "outcome", "operation", "fault", "trigger", "priority", "circuit"})
