"""Plain tables: sorted by whoever asks, right-aligned where the name starts with ``>``, a list of cards on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from monitoring.pages.marks import aria


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str = "", brief: bool = False) -> Component:
    """Return a table of these columns and rows; a cell is text or a component.

    ``brief``: on a phone a row becomes a running line without the names of its columns.
    """
    right = [name.startswith(">") for name in names]
    plain = [name.removeprefix(">") for name in names]
    head = html.Tr([html.Th(name, scope="col", className=_side(side)) for name, side in zip(plain, right, strict=True)])
    body = [
        html.Tr(
            [
                html.Td(cell, className=_side(side), **_named(name))
                for cell, name, side in zip(row, plain, right, strict=True)
            ]
        )
        for row in rows
    ]
    return html.Div(
        html.Table(
            [html.Caption(caption, className="q-only-read") if caption else None, html.Thead(head), html.Tbody(body)],
            className="q-table q-table-cards q-table-brief" if brief else "q-table q-table-cards",
        ),
        className="q-scroll",
        tabIndex=0,
        role="region",
        **aria(label=caption or "Table"),
    )


def _named(name: str) -> dict[str, Any]:
    return {"data-name": name}


def _side(right: bool) -> str | None:
    return "q-right" if right else None
