"""What a user or a token may be called."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}[a-z0-9]|[a-z0-9]", re.IGNORECASE)


def name_problem(name: str) -> str | None:
    """Return the sentence that refuses a name, or None when it will do."""
    if _NAME.fullmatch(name):
        return None
    return f'The name "{name[:64]}" will not do; use 1 to 64 letters, digits and . _ @ - between them.'
