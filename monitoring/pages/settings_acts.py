"""What the parts of the settings share: who may, what was clicked, what is answered."""

from __future__ import annotations

from typing import Any

from dash import ctx

from monitoring.identity import Identity, current_user
from monitoring.pages.toast import toast


def admin() -> Identity | None:
    """Return the admin who asks; None for everybody else."""
    user = current_user.get()
    return user if user is not None and user.is_admin else None


def not_allowed(what: str) -> list[dict[str, Any]]:
    """Return the toast for somebody who may not."""
    return [toast("Not allowed", f"Only an admin may {what}.", "red")]


def clicked(key: str) -> str | None:
    """Return which of many buttons was clicked, by the value of ``key`` in its id; None when it was only drawn."""
    if not ctx.triggered or not ctx.triggered[0]["value"] or not isinstance(ctx.triggered_id, dict):
        return None
    return str(ctx.triggered_id[key])
