"""One call and its replay side by side: outcome, error, status, duration, and what differs in the redacted bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from db import calls
from db.calls import AttemptRow
from db.replays import Item
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.pages.call_details import pretty
from monitoring.pages.marks import badge, moment
from monitoring.pages.table import table
from monitoring.timerange import TimeRange

_AROUND = 3  # equal lines shown around a difference


async def comparison(item: Item, context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the comparison of an item's two calls."""
    old = _last(await calls.attempts_of(context.db, item.call_id), item.operation)
    new = _last(await calls.attempts_of(context.db, item.new_call_id), item.operation) if item.new_call_id else None
    said = item.message or item.why
    rows: list[list[Any]] = [
        ["Outcome", badge(item.old_outcome), badge(item.outcome) if item.outcome else units.NONE],
        ["Error", _words(item.old_error_type), _words(item.error_type)],
        ["HTTP status", _status(old), _status(new)],
        ["Duration of the call", units.duration(item.old_duration), units.duration(item.duration)],
        ["Last attempt", _when(old, view), _when(new, view)],
        ["Vendor's request id", _id(old), _id(new)],
    ]
    return [
        html.P(
            [
                f"{context.label(item.vendor)} · {item.operation}",
                f" · key {item.idempotency_key}" if item.idempotency_key else "",
            ],
            className="q-hint q-first",
        ),
        *([html.P(said, className="q-sentence")] if said else []),
        table(("", "Before", "Now"), rows, caption="Before and now"),
        html.H3("Sent", className="q-h3"),
        difference(old.request if old else None, new.request if new else None),
        html.H3("Answered", className="q-h3"),
        difference(_answer(old), _answer(new)),
        html.P(
            [
                "Bodies are redacted when they are recorded, and kept for a shorter time than the calls. ",
                dcc.Link("The trace of the call before", href=view.link(f"/traces/{old.correlation_id}"))
                if old
                else None,
                " · " if old else None,
                dcc.Link("The trace of the replay", href=view.link(f"/traces/{item.replay_id}")),
            ],
            className="q-hint",
        ),
    ]


def _last(attempts: Sequence[AttemptRow], operation: str) -> AttemptRow | None:
    """Return the attempt whose answer counted: the last of the operation itself, else the last of any step."""
    own = [attempt for attempt in attempts if attempt.operation == operation] or list(attempts)
    return own[-1] if own else None


def _answer(attempt: AttemptRow | None) -> str | None:
    """Return what was answered: "" where no answer came, None where it is not kept."""
    if attempt is None:
        return None
    return "" if attempt.status is None else attempt.response


def _words(error_type: str | None) -> str:
    return error_type.replace("_", " ") if error_type else units.NONE


def _status(attempt: AttemptRow | None) -> str:
    if attempt is None:
        return "nothing was sent"
    return str(attempt.status or "no answer")


def _when(attempt: AttemptRow | None, view: TimeRange) -> Any:
    return moment(attempt.started_at, view) if attempt else units.NONE


def _id(attempt: AttemptRow | None) -> Any:
    return (
        html.Span(attempt.vendor_request_id, className="q-mono")
        if attempt and attempt.vendor_request_id
        else units.NONE
    )


def difference(old: str | None, new: str | None) -> Component:
    """Return two bodies as one text whose changed lines are marked; a sentence where there is nothing to compare.

    A body is "" where there was none, and None where it is not kept.
    """
    if not old and not new:
        none = "Neither body is kept." if old is None or new is None else "No answer came, then or now."
        return html.P(none, className="q-dim")
    if old is None or new is None:
        gone = "newer" if new is None else "earlier"
        return html.Div(
            [
                html.P(f"The {gone} body is not kept, so there is nothing to compare with.", className="q-dim"),
                html.Pre(pretty(old or new or ""), className="q-body", tabIndex=0),
            ]
        )
    before, after = pretty(old).splitlines(), pretty(new).splitlines()
    if before == after:
        return html.Div(
            [
                html.P("The same as before.", className="q-dim"),
                html.Pre(pretty(new), className="q-body", tabIndex=0),
            ]
        )
    lines = [
        html.Span(f"{mark} {text}\n", className={"-": "q-diff-old", "+": "q-diff-new"}.get(mark, "q-dim"))
        for mark, text in marked(before, after)
    ]
    return html.Pre(lines, className="q-body", tabIndex=0)


def marked(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of both texts with a mark: ``-`` only before, ``+`` only after, `` `` in both, ``…`` left out."""
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            same = before[a:b]
            if len(same) > 2 * _AROUND + 1:
                yield from ((" ", line) for line in same[:_AROUND])
                yield "…", f"{len(same) - 2 * _AROUND} lines are the same"
                same = same[-_AROUND:]
            yield from ((" ", line) for line in same)
            continue
        yield from (("-", line) for line in before[a:b])
        yield from (("+", line) for line in after[c:d])
