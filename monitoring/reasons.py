"""Why somebody acted, in their own words: how long a reason may be, on a page as over the API."""

from __future__ import annotations

SHORTEST, LONGEST = 3, 500  # characters
LONGEST_NOTE = 2000


def reason_problem(reason: str | None, longest: int = LONGEST) -> str | None:
    """Return the sentence that refuses a reason; None when it will do."""
    length = len((reason or "").strip())
    return None if SHORTEST <= length <= longest else f"Say it in {SHORTEST} to {longest} characters."
