"""Why somebody acted, in their own words: how long a reason may be, on a page as over the API."""

from __future__ import annotations

SHORTEST, LONGEST = 3, 500  # characters


def reason_problem(reason: str | None) -> str | None:
    """Return the sentence that refuses a reason; None when it will do."""
    length = len((reason or "").strip())
    return None if SHORTEST <= length <= LONGEST else f"Say it in {SHORTEST} to {LONGEST} characters."
