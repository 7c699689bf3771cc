"""What the Graph API answers when it refuses: one object whose ``code`` says more than the HTTP status.

    GraphError         status, code, subcode; becomes {"error": {"message", "type", "code", ..., "fbtrace_id"}}

The codes are those of developers.facebook.com/docs/graph-api/guides/error-handling and …/docs/marketing-apis/rate-limiting;
throttles come with HTTP 400.
"""

from __future__ import annotations

from typing import Any

OAUTH, METHOD = "OAuthException", "GraphMethodException"


class GraphError(Exception):
    """The request is answered with an error object."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        type: str = OAUTH,
        transient: bool | None = None,
        title: str = "",
        advice: str = "",
        data: Any = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.challenge = message if code == 190 else ""
        optional = {
            "error_subcode": subcode,
            "is_transient": transient,
            "error_user_title": title or None,
            "error_user_msg": advice or None,
            "error_data": data,
        }
        self._error = {"message": message, "type": type, "code": code}
        self._error |= {name: value for name, value in optional.items() if value is not None}

    def body(self, trace: str) -> dict[str, Any]:
        """Return the answer's body; ``trace`` is the id support asks for."""
        return {"error": {**self._error, "fbtrace_id": trace}}


def bad_parameter(message: str) -> GraphError:
    """Return the refusal of a parameter."""
    return GraphError(100, f"(#100) {message}")


def no_such_object(id: str, verb: str) -> GraphError:
    """Return the refusal of an id that names nothing the token may see."""
    return GraphError(
        100,
        f"Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation.",
        subcode=33,
        type=METHOD,
    )


def too_much_data() -> GraphError:
    """Return the refusal of a report that is too wide to be answered at once."""
    return GraphError(
        100,
        "Please reduce the amount of data you're asking for, then retry your request",
        subcode=1487534,
        transient=False,
        title="Too many rows",
        advice="Ask for fewer days or fewer fields, or start an asynchronous report.",
    )


def throttled(kind: str) -> GraphError:
    """Return the refusal of one call too many; ``kind`` is the limit that was reached."""
    advice = "Wait a bit and try again."
    match kind:
        case "app":
            return GraphError(4, "(#4) Application request limit reached", subcode=1504022, transient=True)
        case "account":
            return GraphError(17, "(#17) User request limit reached", subcode=2446079, transient=True)
        case "ads_insights":
            return GraphError(
                80000, f"(#80000) There have been too many calls from this ad-account. {advice}", subcode=2446079
            )
        case "ads_management":
            return GraphError(
                80004, f"(#80004) There have been too many calls to this ad-account. {advice}", subcode=2446079
            )
    return GraphError(613, "(#613) Calls to this api have exceeded the rate limit.", subcode=1487742)


def unavailable(status: int) -> GraphError:
    """Return Graph's error for an HTTP status."""
    match status:
        case 401:
            return GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        case 403:
            return GraphError(10, "(#10) Application does not have permission for this action", status=403)
        case 404 | 405:
            return GraphError(2500, "Unknown path components", status=status)
        case 429:
            return GraphError(4, "(#4) Application request limit reached", status=429, transient=True)
        case 500:
            return GraphError(1, "An unknown error occurred", status=500, transient=True)
        case _ if status >= 500:
            return GraphError(2, "Service temporarily unavailable", status=status, transient=True)
    return GraphError(100, "Invalid parameter", status=status)
