"""What UPS answers when it refuses: a list of codes under ``response.errors``, in small letters, for every API.

Codes above ten thousand are from UPS's error lists; what stands here for a status is from its documents.
"""

from __future__ import annotations

from integrations.sandbox.twin import Answer


class Refused(Exception):
    """The request is answered with an error; ``status`` 400 unless said."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


_BY_STATUS = {
    400: ("10002", "The request is well formed but the request is not valid."),
    401: ("250002", "Invalid Authentication Information."),
    403: ("10403", "Blocked Merchant"),  # the document has the words, no source the code (unconfirmed)
    404: ("404", "The requested resource was not found."),
    405: ("405", "Method Not Allowed."),
    429: ("10429", "Too Many Requests"),
}
_BROKEN = ("10004", "Something went wrong while processing your request, please try again later")


def for_status(status: int) -> Refused:
    """Return UPS's own refusal for a status."""
    code, message = _BY_STATUS.get(status, _BROKEN if status >= 500 else _BY_STATUS[400])
    return Refused(code, message, status=status)


def written(refused: Refused) -> Answer:
    """Return the refusal as an answer; no header tells more."""
    error = {"code": refused.code, "message": refused.message}
    return Answer.json({"response": {"errors": [error]}}, refused.status)


def missing(path: str) -> Refused:
    """Return the refusal of a request without a required field that has no code of its own."""
    return Refused("20007", f"Missing Required field, {path}.")


def wrong(path: str, value: object) -> Refused:
    """Return the refusal of a field whose value is of no use."""
    return Refused("20008", f"The field, {path}, contains invalid data, {value}.")
