"""An attempt as a curl line on a page: to be copied with a click, or unfolded and read."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from db.calls import AttemptRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.curl import as_curl, notes
from monitoring.pages.marks import aria

_DAY = 86400.0


def curl_of(attempt: AttemptRow, context: DashboardContext) -> Component | None:
    """Return the line with its button and what to know before running it; None for a vendor that is not known here.

    The button works without the server and says whether it copied; see ``assets/copy.js``.
    """
    facts = context.vendor(attempt.vendor)
    if facts is None:
        return None
    proof = {} if attempt.operation == "sign_in" else facts.proof
    operation = next((one for one in facts.operations if one.name == attempt.operation), None)
    said = notes(
        attempt,
        proof,
        writes=operation is not None and operation.repeat != "read",
        bodies_kept=units.span(context.retention.bodies * _DAY),
    )
    return html.Div(
        [
            html.Div(
                [
                    html.Button(
                        "Copy as cURL",
                        type="button",
                        className="q-copy-text",
                        **aria(label=f"Copy attempt {attempt.number} as cURL"),
                    ),
                    html.Span("", className="q-copied", role="status"),
                ],
                className="q-copy-head",
            ),
            html.Details(
                [
                    html.Summary("Show the line"),
                    html.Pre(
                        as_curl(attempt, facts.base_url, proof=proof),
                        className="q-body q-curl",
                        tabIndex=0,
                        role="region",
                        **aria(label=f"Attempt {attempt.number} as cURL"),
                    ),
                ],
                className="q-fold",
            ),
            html.P(" ".join(said), className="q-hint"),
        ],
        className="q-copying",
    )
