"""One short message in the corner: what happened after somebody acted."""

from __future__ import annotations

from typing import Any


def toast(title: str, message: str, color: str) -> dict[str, Any]:
    """Return one notification for the shell's ``toasts``; ``color`` is blue, gray or red."""
    return {
        "action": "show",
        "title": title,
        "message": message,
        "color": color,
        "autoClose": 8000,
        "closeButtonProps": {"aria-label": "Close"},
    }


def only_look(what: str) -> str:
    """Return the sentence for somebody who lacks the right to do ``what``."""
    return f"Your rights let you look, not {what}."


def not_allowed(what: str = "act") -> list[dict[str, Any]]:
    """Return the answer to somebody who lacks the right to do ``what``."""
    return [toast("Not allowed", only_look(what), "red")]
