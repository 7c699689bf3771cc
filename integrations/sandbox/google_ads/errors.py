"""What Google answers when it refuses: a google.rpc.Status whose details differ by API.

    Refused                 status (HTTP); becomes {"error": {"code", "message", "status", "details"}}
    ├── AdsRefused          Google Ads API: one GoogleAdsFailure in the details
    ├── EventsRefused       Data Manager API: ErrorInfo, RequestInfo and, for fields, BadRequest
    ├── Malformed           either API: a body that is not of the message's form
    └── PlatformRefused     either API, before it is asked: tokens, scopes, quotas of the project, services not enabled

The HTTP status of an Ads error follows from its kind; which status goes with NotAllowlistedError is unconfirmed.
Sources: the error protos of google/ads/googleads/v25, google/ads/datamanager/v1/error.proto, google/api/error_reason.proto,
developers.google.com/data-manager/api/devguides/concepts/understand-errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TYPE = "type.googleapis.com/"
CANONICAL = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: (
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    ),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    501: ("UNIMPLEMENTED", "Operation is not implemented, or supported, or enabled."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_STATUSES = {
    "authenticationError": 401,
    "authorizationError": 403,
    "notAllowlistedError": 403,
    "quotaError": 429,
    "internalError": 500,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error of a GoogleAdsFailure. ``at`` is the path to the field: names, and list items as (name, index)."""

    kind: str  # the one key of errorCode, e.g. "queryError"
    code: str
    message: str
    at: tuple[str | tuple[str, int], ...] = ()
    trigger: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the error as the API shows it."""
        shown: dict[str, Any] = {"errorCode": {self.kind: self.code}, "message": self.message}
        if self.trigger is not None:
            shown["trigger"] = {"stringValue": self.trigger}
        if self.at:
            steps = [{"fieldName": one} if isinstance(one, str) else _step(*one) for one in self.at]
            shown["location"] = {"fieldPathElements": steps}
        if self.details:
            shown["details"] = dict(self.details)
        return shown


def failure(problems: Sequence[Problem], version: str, request_id: str) -> dict[str, Any]:
    """Return a GoogleAdsFailure as it stands among the details of a status."""
    return {
        "@type": f"{_TYPE}google.ads.googleads.{version}.errors.GoogleAdsFailure",
        "errors": [one.json() for one in problems],
        "requestId": request_id,
    }


class Refused(Exception):
    """The request is answered with a status object."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or CANONICAL.get(status, ("", f"HTTP status {status}"))[1]

    def details(self, version: str, request_id: str) -> list[dict[str, Any]]:
        """Return what goes with the code and the sentence."""
        return []

    def body(self, version: str, request_id: str) -> dict[str, Any]:
        """Return the answer's body."""
        name = CANONICAL.get(self.status, ("INVALID_ARGUMENT" if self.status < 500 else "INTERNAL", ""))[0]
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": name}
        details = self.details(version, request_id)
        return {"error": error | ({"details": details} if details else {})}


class AdsRefused(Refused):
    """The Google Ads API refuses the whole request."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(_STATUSES.get(problem.kind, 400))
        self.problem = problem

    def details(self, version: str, request_id: str) -> list[dict[str, Any]]:
        """Return the failure with its one error."""
        return [failure([self.problem], version, request_id)]


class EventsRefused(Refused):
    """The Data Manager API refuses the whole request; each violation is (field, description, ErrorReason)."""

    def __init__(self, violations: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(400, "There was a problem with the request.")
        self.violations = violations

    def details(self, version: str, request_id: str) -> list[dict[str, Any]]:
        """Return ErrorInfo, RequestInfo and BadRequest."""
        fields = [{"field": at, "description": why, "reason": reason} for at, why, reason in self.violations]
        return [
            {
                "@type": f"{_TYPE}google.rpc.ErrorInfo",
                "reason": "INVALID_ARGUMENT",
                "domain": "datamanager.googleapis.com",
                "metadata": {"requestId": request_id},
            },
            {"@type": f"{_TYPE}google.rpc.RequestInfo", "requestId": request_id},
            {"@type": f"{_TYPE}google.rpc.BadRequest", "fieldViolations": fields},
        ]


class Malformed(Refused):
    """The body is no JSON, or not of the message's form."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(400, "\n".join(sentences))
        self.sentences = sentences

    def details(self, version: str, request_id: str) -> list[dict[str, Any]]:
        """Return BadRequest with a sentence each."""
        violations = [{"description": sentence} for sentence in self.sentences]
        return [{"@type": f"{_TYPE}google.rpc.BadRequest", "fieldViolations": violations}]


class PlatformRefused(Refused):
    """Google's front refuses, whatever the API behind it: ``reason`` is one of google.api.ErrorReason."""

    def __init__(self, status: int, reason: str, metadata: Mapping[str, str], message: str = "") -> None:
        super().__init__(status, message)
        self.reason = reason
        self.metadata = metadata

    def details(self, version: str, request_id: str) -> list[dict[str, Any]]:
        """Return ErrorInfo."""
        return [
            {
                "@type": f"{_TYPE}google.rpc.ErrorInfo",
                "reason": self.reason,
                "domain": "googleapis.com",
                "metadata": dict(self.metadata),
            }
        ]


def query_error(code: str, message: str, trigger: str | None = None) -> AdsRefused:
    """Return the refusal of a query."""
    return AdsRefused(Problem(kind="queryError", code=code, message=message, trigger=trigger))


def request_error(code: str, message: str, *at: str) -> AdsRefused:
    """Return the refusal of a request for its form."""
    return AdsRefused(Problem(kind="requestError", code=code, message=message, at=at))


def quota_error(code: str, scope: str, name: str, seconds: float) -> AdsRefused:
    """Return the refusal of one operation too many; ``seconds`` until it may be tried again."""
    sentence = "Too many requests. Retry in {} seconds." if "TEMPORARILY" in code else "Resource has been exhausted."
    delay = max(1, math.ceil(seconds))
    details = {"quotaErrorDetails": {"rateScope": scope, "rateName": name, "retryDelay": f"{delay}s"}}
    return AdsRefused(Problem(kind="quotaError", code=code, message=sentence.format(delay), details=details))


def wished(text: str) -> AdsRefused:
    """Return the refusal that a setting asks for by its kind and code, such as "quotaError.RESOURCE_EXHAUSTED"."""
    kind, _, code = text.partition(".")
    if kind == "quotaError":
        return quota_error(code, "DEVELOPER", "Requests per second", 30.0)
    return AdsRefused(Problem(kind=kind, code=code, message=f"{code.replace('_', ' ').capitalize()}."))


def _step(name: str, index: int) -> dict[str, Any]:
    return {"fieldName": name, "index": index}
