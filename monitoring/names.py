"""What a user or a token may be called."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}[a-z0-9]|[a-z0-9]", re.IGNORECASE)


# What the audit and the record call who is no person: nobody may pass for one of them.
RESERVED = frozenset({"command", "demo", "nobody", "prober", "quayside", "scheduler"})


def name_problem(name: str) -> str | None:
    """Return the sentence that refuses a name, or None when it will do."""
    if name.casefold() in RESERVED:
        return f'The name "{name}" stands in the audit for what no person does; choose another.'
    if _NAME.fullmatch(name):
        return None
    return f'The name "{name[:64]}" will not do; use 1 to 64 letters, digits and . _ @ - between them.'
