"""The dialog before an act that hurts: what it will do, why it is done, and the way back.

A dialog of the name ``n`` has the parts ``n-modal``, ``n-facts`` (filled when it opens), ``n-reason``, ``n-no`` and
``n-yes``. What was clicked is put into a store (``asked``); the page opens the dialog on it, and acts on ``n-yes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, html
from dash.development.base_component import Component

from monitoring.pages.marks import aria


def dialog(
    name: str,
    *,
    title: str,
    yes: str,
    no: str = "Never mind",
    body: Sequence[Component] = (),
    reason: str = "Why?",
    hint: str = "It stays in the audit. No personal data, please.",
    hurts: bool = False,
    above: bool = False,
) -> Component:
    """Return a dialog, closed. ``reason`` is the label of its field, "" for none; ``hurts`` paints ``yes`` red; ``above``
    puts it over a drawer that is open."""
    why = [
        dmc.Textarea(
            id=f"{name}-reason",
            label=reason,
            description=hint,
            withAsterisk=True,
            autosize=True,
            minRows=2,
            maxRows=6,
            mt="md",
        )
    ]
    return dmc.Modal(
        [
            html.Div(id=f"{name}-facts"),
            *body,
            *(why if reason else []),
            html.Div(
                [
                    dmc.Button(no, id=f"{name}-no", variant="default"),
                    dmc.Button(yes, id=f"{name}-yes", **({"color": "red"} if hurts else {})),
                ],
                className="q-acts",
            ),
        ],
        id=f"{name}-modal",
        title=title,
        centered=True,
        size="lg",
        closeButtonProps=aria(label="Close"),
        **({"zIndex": 300} if above else {}),
    )


def asked(app: Dash, store: str, *patterns: Mapping[str, Any]) -> None:
    """Let a click on any button of a pattern of ids put that id, and the moment (``at``), into a store.

    This happens in the browser, at once: lists are drawn anew with every tick, and a question to the server that is under
    way then would be forgotten.
    """
    for pattern in patterns:
        app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
            ClientsideFunction("quayside", "asked"),
            Output(store, "data", allow_duplicate=len(patterns) > 1),
            Input(dict(pattern), "n_clicks"),
            prevent_initial_call=True,
        )


def closes(app: Dash, name: str) -> None:
    """Let ``n-no`` close the dialog, without asking the server."""
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "never_mind"),
        Output(f"{name}-modal", "opened", allow_duplicate=True),
        Input(f"{name}-no", "n_clicks"),
        prevent_initial_call=True,
    )
