"""The three states beside "here it is": loading, empty, failed. Each says in a sentence what is and what to do."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable
from typing import TypeVar

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from db.engine import StoreUnavailable
from monitoring.pages.marks import aria, icon

log = logging.getLogger(__name__)

T = TypeVar("T")


def loading(*heights: int) -> Component:
    """Return grey blocks of these heights (pixels) where figures will be."""
    blocks: list[Component] = [dmc.Skeleton(height=height, radius="sm", mb="sm") for height in heights or (120,)]
    return html.Div([html.Span("Loading…", className="q-only-read"), *blocks], **aria(busy="true"))


def empty(title: str, sentence: str = "", *, mark: str = "calm") -> Component:
    """Return the block for "nothing here", with what that means."""
    return html.Div(
        [icon(mark), html.Div([html.Strong(title), html.P(sentence) if sentence else None])], className="q-state"
    )


def failed(correlation_id: str) -> Component:
    """Return the block for a reading that failed; the log has the rest under the correlation id."""
    return html.Div(
        [
            icon("down"),
            html.Div(
                [
                    html.Strong("This part could not be shown."),
                    html.P(
                        [
                            "The rest of the page goes on; this part is tried again with the next update. The log has "
                            "more under ",
                            html.Code(correlation_id),
                            ".",
                        ]
                    ),
                ]
            ),
        ],
        className="q-state q-state-failed",
        role="alert",
    )


def away() -> Component:
    """Return the block for a database that does not answer."""
    return html.Div(
        [
            icon("down"),
            html.Div(
                [
                    html.Strong("The database does not answer."),
                    html.P("Nothing finished is lost: calls wait on disk. This page tries again by itself."),
                ]
            ),
        ],
        className="q-state q-state-failed",
        role="alert",
    )


async def shown(part: str, reading: Awaitable[T]) -> T | Component:
    """Return what a reading gives, or the block that says why not. ``part`` names it in the log."""
    try:
        return await reading
    except StoreUnavailable:
        return away()
    except Exception:
        correlation_id = secrets.token_hex(8)
        log.exception(
            "A part of a page could not be shown.",
            extra={"event": "page.failed", "part": part, "correlation_id": correlation_id},
        )
        return failed(correlation_id)
