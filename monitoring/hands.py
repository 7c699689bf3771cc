"""What the pages can do beyond the database: calls to vendors and to the sandbox, brought by ``app.py``.

The monitoring package reaches no vendor by itself. What must happen here and now comes as a callable; what can wait is a
row that the scheduler acts on. A hand that is None is not there (a test, or a set-up without it), and the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The callables of the pages; each field says what it takes, returns and raises."""
