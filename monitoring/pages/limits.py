"""The limits of one vendor: each number with where it stands, to be edited until a moment, and back to the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import overrides
from db.overrides import Override
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.facts import LimitFacts, VendorFacts
from monitoring.limit_names import amount, named
from monitoring.pages import dialog as dialogs
from monitoring.pages.circuit_dialog import ENDS, end_of
from monitoring.pages.marks import aria, moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange


def dialog() -> Component:
    """Return the dialog that edits one number, closed."""
    return html.Div(
        [
            dcc.Store(id="limit-asked"),
            dcc.Store(id="limit-back"),
            dcc.Store(id="limit-seen"),
            dialogs.dialog(
                "limit",
                title="Edit a limit",
                yes="Edit it",
                body=[
                    dmc.TextInput(id="limit-value", label="New value", withAsterisk=True, mt="sm"),
                    dmc.Select(
                        id="limit-ends",
                        label="Back to the file",
                        data=[{"value": value, "label": label} for value, (label, _) in ENDS.items()],
                        value="never",
                        allowDeselect=False,
                        mt="md",
                    ),
                ],
                hint="People who find it so read it, and it stays in the audit. No personal data, please.",
            ),
        ]
    )


async def read(context: DashboardContext, facts: VendorFacts, view: TimeRange, act: bool) -> Component:
    """Return the limits of a vendor."""
    edits = await overrides.of_vendor(context.db, facts.name, now=view.now)
    return panel(facts, edits, view, act)


def panel(facts: VendorFacts, edits: Mapping[str, Override], view: TimeRange, act: bool) -> Component:
    """Return the limits of a vendor in two lists: what we ask at most, and when its circuit opens."""
    if not facts.limits:
        return empty("The limits are not known here.", "This process was started without the vendors' options.")
    breaker = [one for one in facts.limits if one.name.startswith("breaker.")]
    asked = [one for one in facts.limits if not one.name.startswith("breaker.")]
    edited = len(edits.keys() & {one.name for one in facts.limits})
    summary = f"{units.plural(edited, 'number')} edited here" if edited else "all as the files say"
    return html.Section(
        [
            html.Div(
                [html.H2(f"Limits of {facts.label}"), html.Span(summary, className="q-sub")], className="q-panel-head"
            ),
            html.Div(
                [
                    html.Div(
                        [html.H3(head, className="q-h3"), _list(facts.name, rows, edits, view, act, head)],
                    )
                    for head, rows in (("Quotas, reserve, concurrency", asked), ("Circuit", breaker))
                ],
                className="q-columns",
            ),
        ],
        className="q-panel",
    )


def _list(
    vendor: str,
    rows: list[LimitFacts],
    edits: Mapping[str, Override],
    view: TimeRange,
    act: bool,
    caption: str,
) -> Component:
    lines = [
        [
            html.Span(named(one.name).label, title=f"{named(one.name).meaning} ({one.name})"),
            html.Strong(amount(one.name, edits[one.name].value if one.name in edits else one.value)),
            _source(one, edits.get(one.name), view),
            html.Span(_buttons(vendor, one, one.name in edits), className="q-row-acts") if act else "",
        ]
        for one in rows
    ]
    return table(("Limit", ">Value", "Where it stands", ""), lines, caption=caption)


def _source(one: LimitFacts, edit: Override | None, view: TimeRange) -> Component:
    if edit is None:
        return html.Span(one.source, className="q-dim" if one.source == "default" else None)
    until: list[Any] = [" until ", moment(edit.expires_at, view)] if edit.expires_at else []
    return html.Div(
        [
            html.Span(["edited by ", edit.by, *until]),
            html.Span(f"{edit.reason} · {one.source}: {amount(one.name, one.value)}", className="q-dim"),
        ],
        className="q-stack",
    )


def _buttons(vendor: str, one: LimitFacts, edited: bool) -> list[Component]:
    label = named(one.name).label
    row = f"{vendor}:{one.name}"
    found: list[Component] = []
    if edited:
        found.append(
            dmc.Button(
                "Back to the file",
                id={"row": row, "act": "limit_back"},
                size="compact-xs",
                variant="subtle",
                **aria(label=f"Back to the file: {label}"),
            )
        )
    found.append(
        dmc.Button(
            "Edit…",
            id={"row": row, "act": "limit"},
            size="compact-xs",
            variant="default",
            **aria(label=f"Edit {label}"),
        )
    )
    return found


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on the number that was clicked, store what it says, and go back to the file."""
    dialogs.asked(app, "limit-asked", {"row": ALL, "act": "limit"})
    dialogs.asked(app, "limit-back", {"row": ALL, "act": "limit_back"})

    @app.callback(
        Output("limit-modal", "opened", allow_duplicate=True),
        Output("limit-facts", "children"),
        Output("limit-seen", "data"),
        Output("limit-value", "value"),
        Output("limit-value", "description"),
        Output("limit-reason", "value"),
        Output("limit-value", "error", allow_duplicate=True),
        Output("limit-reason", "error", allow_duplicate=True),
        Input("limit-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask_limit(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        found = _found(asked, context)
        if found is None:
            return (no_update,) * 8
        facts, one = found
        edits = await overrides.of_vendor(context.db, facts.name, now=context.now())
        value = edits[one.name].value if one.name in edits else one.value
        words = named(one.name)
        about = html.Div(
            [
                html.Strong(f"{facts.label} · {words.label}"),
                html.P(words.meaning, className="q-dim"),
                html.P(f"Now {amount(one.name, value)}; {one.source} says {amount(one.name, one.value)}."),
                html.P("Every process goes by it within two seconds.", className="q-dim"),
            ],
            className="q-first",
        )
        unit = {"s": "in seconds", "share": "a share, such as 0.5 or 50 %"}.get(words.unit, "a number")
        text = "" if value is None else f"{value:g}"
        return True, about, f"{facts.name}:{one.name}", text, unit, "", None, None

    dialogs.closes(app, "limit")

    @app.callback(
        Output("limit-modal", "opened", allow_duplicate=True),
        Output("limit-value", "error", allow_duplicate=True),
        Output("limit-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("limit-yes", "n_clicks"),
        State("limit-seen", "data"),
        State("limit-value", "value"),
        State("limit-ends", "value"),
        State("limit-reason", "value"),
        prevent_initial_call=True,
    )
    async def edit_limit(
        yes: int | None, seen: str | None, text: str | None, ends: str | None, reason: str | None
    ) -> tuple[Any, ...]:
        user = who_may("operate")
        if user is None:
            return False, None, None, no_update, not_allowed()
        found = _found({"row": seen}, context)
        if not yes or found is None:
            return (no_update,) * 5
        facts, one = found
        value = number_of(text)
        wrong = (_refused(context, facts.name, one.name, value), reason_problem(reason))
        if any(wrong) or value is None:
            return True, *wrong, no_update, no_update
        now = context.now()
        await overrides.put(
            context.db,
            facts.name,
            {one.name: int(value) if one.whole else value},
            by=user.label,
            reason=str(reason).strip(),
            expires_at=end_of(ends, now),
            now=now,
        )
        await context.refresh()
        told = toast(
            f"{facts.label} · {named(one.name).label}: {amount(one.name, value)}",
            "Every process goes by it within two seconds. “Back to the file” in its row undoes it.",
            "blue",
        )
        return False, None, None, now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("limit-back", "data"),
        prevent_initial_call=True,
    )
    async def back_to_file(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        user = who_may("operate")
        if user is None:
            return no_update, not_allowed()
        found = _found(asked, context)
        if found is None:
            return no_update, no_update
        facts, one = found
        now = context.now()
        done = await overrides.take_away(context.db, facts.name, [one.name], by=user.label, reason=None, now=now)
        await context.refresh()
        name = f"{facts.label} · {named(one.name).label}"
        told = (
            toast(f"{name}: {amount(one.name, one.value)}", f"As {one.source} says.", "blue")
            if done
            else toast("Done before", f"{name} is not edited any more.", "gray")
        )
        return now.timestamp(), [told]


def number_of(text: str | None) -> float | None:
    """Return what a person typed as a number: ``8``, ``0.5``, ``50 %``; None when it is none."""
    typed = (text or "").strip().replace("\u202f", "").replace(" ", "")
    try:
        return float(typed.removesuffix("%")) / (100.0 if typed.endswith("%") else 1.0)
    except ValueError:
        return None


def _refused(context: DashboardContext, vendor: str, name: str, value: float | None) -> str | None:
    """Return why a number cannot be used; None when it can."""
    if value is None:
        return "Give a number."
    if context.hands.judge_limits is None:
        return "Limits cannot be judged here: this process was started without the vendors' options."
    sentence = context.hands.judge_limits(vendor, {name: value}).get(name)
    return f"It {sentence}" if sentence else None


def _found(asked: Any, context: DashboardContext) -> tuple[VendorFacts, LimitFacts] | None:
    """Return the vendor and the limit a row names; None for what there is not."""
    vendor, _, name = str((asked or {}).get("row") or "").partition(":")
    facts = context.vendor(vendor)
    one = next((one for one in facts.limits if one.name == name), None) if facts else None
    return (facts, one) if facts and one else None
