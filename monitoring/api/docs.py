"""A plain page that lists the API, made from its own OpenAPI document: nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

router = APIRouter(include_in_schema=False)


@router.get("/api/docs.css")
async def style() -> Response:
    """Give the style sheet of the page."""
    return FileResponse(Path(__file__).with_name("docs.css"), media_type="text/css")


@router.get("/api/docs")
async def show(request: Request) -> HTMLResponse:
    """List every route with its parameters, its body's example and its answers."""
    document = request.app.openapi()
    parts = [
        _route(document, path, method, route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    ]
    return HTMLResponse(_PAGE.format(title=escape(document["info"]["title"]), routes="\n".join(parts)))


def _route(document: Mapping[str, Any], path: str, method: str, route: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> ({escape(one['in'])}{', required' if one.get('required') else ''})"
        f" {escape(one.get('description', ''))}</li>"
        for one in route.get("parameters", [])
    )
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer.get('description', ''))}</li>"
        for status, answer in sorted(route["responses"].items())
    )
    body = _example(document, route.get("requestBody"))
    good = next((answer for status, answer in sorted(route["responses"].items()) if status.startswith("2")), None)
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(route.get('description') or route.get('summary', ''))}</p>"
        + (f"<h3>Parameters</h3><ul>{parameters}</ul>" if parameters else "")
        + (f"<h3>Body</h3><pre><code>{body}</code></pre>" if body else "")
        + f"<h3>Answers</h3><ul>{answers}</ul>"
        + (f"<pre><code>{example}</code></pre>" if (example := _example(document, good)) else "")
        + "</section>"
    )


def _example(document: Mapping[str, Any], holder: Mapping[str, Any] | None) -> str:
    """Return the example of a body as indented JSON, "" when there is none."""
    schema = (holder or {}).get("content", {}).get("application/json", {}).get("schema", {})
    for option in (schema, *schema.get("anyOf", ())):
        name = option.get("$ref", "").rpartition("/")[2]
        examples = document["components"]["schemas"].get(name, {}).get("examples")
        if examples:
            return escape(orjson.dumps(examples[0], option=orjson.OPT_INDENT_2).decode())
    return ""


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} API</title>
<link rel="stylesheet" href="/api/docs.css">
<link rel="icon" href="data:,">
</head>
<body>
<main>
<h1>{title} API</h1>
<p>Every request carries a token: <code>Authorization: Bearer qs_…</code>, made with
<code>python app.py token add NAME --scope read</code>. Errors are RFC 9457 problem documents.
The same as data: <a href="/api/openapi.json">/api/openapi.json</a>.</p>
{routes}
</main>
</body>
</html>
"""
