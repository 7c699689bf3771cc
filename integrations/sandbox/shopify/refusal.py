"""How a mutation refuses: user errors in its payload, at HTTP 200 and without a top-level error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UserError = dict[str, Any]


def user_error(message: str, field: Sequence[str] | None = None, code: str | None = None) -> UserError:
    """Return a user error; a payload whose type has no ``code`` does not show it."""
    return {"field": None if field is None else list(field), "message": message, "code": code}


class UserRefused(Exception):
    """The business refuses, for one reason or for several. ``field`` is the path into the arguments."""

    def __init__(self, message: str, field: Sequence[str] | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.errors = [user_error(message, field, code)]

    @classmethod
    def for_all(cls, errors: Sequence[UserError]) -> UserRefused:
        """Return one refusal for several reasons."""
        refused = cls(errors[0]["message"])
        refused.errors = list(errors)
        return refused
