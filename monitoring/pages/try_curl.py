"""What a try-out asks as a line for a shell, the token as a variable."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from monitoring.pages.marks import aria

TOKEN = "TOKEN"  # noqa: S105 - the name of a variable, as in docs/


def as_curl(href: str | None, route: str, body: Mapping[str, Any]) -> str:
    """Return the command that sends a body to a route of our API, at the host of a page's address."""
    split = urlsplit(href or "")
    origin = f"{split.scheme}://{split.netloc}" if split.netloc else "http://127.0.0.1:8050"
    lines = [
        f"curl {shlex.quote(origin + route)}",
        f"-H \"Authorization: Bearer ${TOKEN}\" -H 'Content-Type: application/json'",
        f"--data-raw {shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))}",
    ]
    return " \\\n  ".join(lines)


def panel(command: str) -> Component:
    """Return the command to be read and copied."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("The same over the API"),
                    html.Span(f"scope quotes; ${TOKEN} is your token", className="q-sub"),
                    html.Span(className="q-grow"),
                    dmc.CopyButton(
                        "Copy as cURL",
                        copiedChildren="Copied",
                        value=command,
                        size="compact-xs",
                        variant="default",
                        timeout=3000,
                    ),
                ],
                className="q-panel-head",
            ),
            html.Pre(html.Code(command), className="q-body", tabIndex=0, role="region", **aria(label="As cURL")),
        ],
        className="q-panel",
    )
