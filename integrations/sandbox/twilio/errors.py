"""What Twilio answers when it refuses, as an exception that carries the answer.

    Refused            code, message, status; becomes {"code", "message", "more_info", "status"}

Codes and texts after the error dictionary (twilio.com/docs/api/errors) and the table of magic numbers
(twilio.com/docs/iam/test-credentials).
"""

from __future__ import annotations

from typing import Any

_OF_STATUS = {
    400: (20001, "Invalid parameter"),
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    413: (20413, "Request Entity Too Large"),
    429: (20429, "Too Many Requests"),
    503: (20503, "Service unavailable"),
}


class Refused(Exception):
    """The request is answered with an error object."""

    def __init__(self, code: int, message: str, status: int = 400, detail: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.detail = detail

    def json(self) -> dict[str, Any]:
        """Return the body; ``detail`` comes with a 401 alone."""
        shown: dict[str, Any] = {"code": self.code}
        if self.detail is not None:
            shown["detail"] = self.detail
        return shown | {
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def of_status(status: int) -> Refused:
    """Return the error that goes with a status and says nothing more."""
    usual = (20500, "An internal server error has occurred") if status >= 500 else (20400, "Bad request")
    code, message = _OF_STATUS.get(status, usual)
    return Refused(code, message, status)


def not_found(path: str) -> Refused:
    """Return the 404 of a path that names nothing, an Account SID that is none included."""
    return Refused(20404, f"The requested resource {path} was not found", 404)


def unauthorized(*, given: bool) -> Refused:
    """Return the 401; ``given`` says whether there were credentials at all."""
    message = "Authenticate" if given else "Authentication Error - No credentials provided"
    return Refused(20003, message, 401, "Your AccountSid or AuthToken was incorrect.")
