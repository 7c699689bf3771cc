"""A page without scripts or data, for somebody who is not signed in or for whom nothing else can be shown now."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

from monitoring.identity import correlation_id
from monitoring.problem import Problem

_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{refresh}
<title>{title} · Quayside</title>
<link rel="stylesheet" href="/login.css">
<link rel="icon" href="data:,">
</head>
<body>
<main>
<h1>Quayside</h1>
{body}
</main>
</body>
</html>
"""


def plain_page(title: str, body: str, status: int, *, refresh: int = 0) -> HTMLResponse:
    """Return a page; ``body`` is HTML. After ``refresh`` seconds it asks for itself again, 0 never."""
    again = f'\n<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return HTMLResponse(_DOCUMENT.format(title=escape(title), body=body, refresh=again), status)


def failed_page(problem: Problem) -> HTMLResponse:
    """Return what a browser that wanted a page is shown instead of a problem document: a sentence, the id, a way on.

    Where the problem says when to come back, the page does so by itself.
    """
    later = problem.headers.get("Retry-After", "")
    again = int(later) if later.isdecimal() else 0
    hint = "This page tries again by itself." if again else "Nothing was changed."
    body = (
        f'<p class="error" role="alert">{escape(problem.detail)}</p>'
        f"<p>{hint} The log has more under <code>{escape(correlation_id.get())}</code>.</p>"
        '<p><a href="">Try again</a></p>'
    )
    page = plain_page("Not shown", body, problem.status, refresh=again)
    page.headers.update(problem.headers)
    return page
