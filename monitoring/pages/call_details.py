"""One call in full: the sentence that explains it, its facts, each attempt with what was sent and answered (redacted)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from db.calls import AttemptRow, CallRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.next_step import next_step
from monitoring.pages.as_curl import curl_of
from monitoring.pages.marks import badge, moment, tone
from monitoring.timerange import TimeRange

_FAULTS = {"theirs": "theirs", "ours": "ours", "network": "the network's", "configuration": "our configuration's"}


def call_details(
    call: CallRow, attempts: Sequence[AttemptRow], context: DashboardContext, view: TimeRange, *, traced: bool = True
) -> list[Component]:
    """Return the parts of a call, the explanation first. ``traced`` adds the link to its trace."""
    return [
        html.Div(
            [html.P(sentence(call)), html.P(step, className="q-next") if (step := next_step(call)) else None],
            className=f"q-sentence q-edge-{tone(call.outcome)}",
        ),
        html.Dl(_facts(call, context, view, traced), className="q-facts"),
        html.H3(units.plural(len(attempts), "attempt") if attempts else "No attempt was sent", className="q-h3"),
        *[attempt_details(attempt, context, view, opened=len(attempts) == 1) for attempt in attempts],
    ]


def sentence(call: CallRow) -> str:
    """Return what happened, for the person on call."""
    if call.message:
        return call.message
    if call.outcome == "success":
        if call.stale:
            return "The vendor did not answer; the last good answer was given instead."
        if call.answered_by and call.answered_by != call.vendor:
            return f"Answered by {call.answered_by.replace('_', ' ')} instead."
        return "Answered." if call.attempts <= 1 else f"Answered at the {_nth(call.attempts)} attempt."
    return f"Ended with {(call.error_type or call.outcome).replace('_', ' ')}."


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _facts(call: CallRow, context: DashboardContext, view: TimeRange, traced: bool) -> list[Component]:
    trace: Any = html.Span(call.correlation_id, className="q-mono")
    if traced:
        trace = dcc.Link(trace, href=view.link(f"/traces/{call.correlation_id}"))
    who = f" by {call.user_name}" if call.user_name else ""
    return [
        *_pair("Outcome", html.Span([badge(call.outcome), _error(call.error_type, call.fault)])),
        *_pair("Vendor", dcc.Link(context.label(call.vendor), href=view.link(f"/vendors/{call.vendor}"))),
        *_pair("Operation", html.Span(call.operation, className="q-mono")),
        *_pair("Started", moment(call.started_at, view)),
        *_pair("Duration", f"{units.duration(call.duration)}, waits included"),
        *(_pair("Held back", units.duration(call.throttle_wait)) if call.throttle_wait else []),
        *_pair("Trigger", f"{call.trigger}{who} · {call.priority}"),
        *(_pair("Key", html.Span(call.idempotency_key, className="q-mono")) if call.idempotency_key else []),
        *_pair("Trace", trace),
    ]


def _error(error_type: str | None, fault: str | None) -> str:
    if not error_type:
        return ""
    return f" {error_type.replace('_', ' ')}" + (f", the fault is {_FAULTS.get(fault, fault)}" if fault else "")


def attempt_details(
    attempt: AttemptRow, context: DashboardContext, view: TimeRange, *, opened: bool = False
) -> Component:
    """Return one attempt, folded unless it is the only one."""
    word = "error" if attempt.error_type else "success"
    step = "" if attempt.operation in {"", None} else attempt.operation
    return html.Details(
        [
            html.Summary(
                [
                    badge(word, f"{attempt.number} · {attempt.status or attempt.error_type or 'no answer'}"),
                    html.Span(f"{attempt.method} {attempt.path}", className="q-mono q-path"),
                    html.Span(className="q-grow"),
                    html.Span(units.duration(attempt.duration), className="q-num"),
                ]
            ),
            html.Dl(
                [
                    *_pair("Started", moment(attempt.started_at, view)),
                    *_pair("Operation", step),
                    *(_pair("Error", _error(attempt.error_type, attempt.fault).strip()) if attempt.error_type else []),
                    *(_pair("Why", attempt.message) if attempt.message else []),
                    *(_pair("Held back", units.duration(attempt.throttle_wait)) if attempt.throttle_wait else []),
                    *(_pair("Asked to wait", units.duration(attempt.retry_after)) if attempt.retry_after else []),
                    *_pair("Circuit", attempt.circuit_state.replace("_", " ")),
                    *(_pair("Held back", units.duration(attempt.throttle_wait)) if attempt.throttle_wait else []),
                    *(_pair("Quota", _quota(attempt)) if attempt.quota_limit or attempt.quota_remaining else []),
                    *(
                        _pair("Vendor's id", html.Span(attempt.vendor_request_id, className="q-mono"))
                        if attempt.vendor_request_id
                        else []
                    ),
                ],
                className="q-facts",
            ),
            *_body("Sent", attempt.request),
            *_body("Answered", attempt.response),
            curl_of(attempt, context),
        ],
        open=opened,
        className="q-attempt",
    )


def _pair(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _quota(attempt: AttemptRow) -> str:
    left, limit = attempt.quota_remaining, attempt.quota_limit
    text = f"{units.count(left)} of {units.count(limit)} left" if limit else f"{units.count(left)} left"
    return text + (f", resets in {units.span(attempt.quota_reset)}" if attempt.quota_reset else "")


def _body(name: str, text: str | None) -> list[Component]:
    if not text:
        return []
    return [html.Div(name, className="q-figure-name"), html.Pre(pretty(text), className="q-body", tabIndex=0)]


def pretty(text: str) -> str:
    """Return JSON indented; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
