"""Click conversions uploaded through the Google Ads API: each row stands or falls alone, at status 200.

A row refused is an empty object in the results, and an error that bears its index. A duplicate is a refusal too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.sandbox.google_ads.accounts import has_action
from integrations.sandbox.google_ads.conversions import Conversion, Conversions
from integrations.sandbox.google_ads.errors import AdsRefused, Problem, failure, request_error
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import World

MOST_ROWS, MOST_IDENTIFIERS = 2_000, 5
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ECHOED = ("gclid", "gbraid", "wbraid", "conversionAction", "conversionDateTime", "userIdentifiers")
_SENTENCES = {
    "CLICK_CONVERSION_ALREADY_EXISTS": "A conversion for this click and conversion date time already exists.",
    "EVENT_NOT_FOUND": "The click could not be found.",
    "EXPIRED_EVENT": "The click occurred before the conversion action's click-through window.",
    "ORDER_ID_ALREADY_IN_USE": "The order ID is already in use for this conversion action.",
    "TOO_RECENT_CONVERSION_ACTION": "The conversion action was created too recently. Try again in 6 hours.",
    "TOO_RECENT_EVENT": "The click occurred too recently. Try again in 6 hours.",
    "UNPARSEABLE_GCLID": "The click ID could not be decoded.",
}


class Uploads:
    """Takes uploads.

    Settings: ``offline_import`` (false; whether the developer token is among those that may upload at all).
    """

    def __init__(self, world: World, conversions: Conversions) -> None:
        self._world = world
        self._conversions = conversions
        self._draw = world.chance(f"{VENDOR}.jobs:{world.now():.0f}")

    def __repr__(self) -> str:
        return f"<Uploads of {self._conversions!r}>"

    def check(self, request: Mapping[str, Any]) -> int:
        """Return how many rows a request has; raises ``AdsRefused`` for what refuses all of it."""
        if not self._world.setting(VENDOR, "offline_import", False):
            raise AdsRefused(
                Problem(
                    kind="notAllowlistedError",
                    code="CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
                    message="Customer is not allowlisted for accessing this feature.",
                )
            )
        conversions = request.get("conversions", [])
        if not conversions:
            raise request_error("REQUIRED_FIELD_MISSING", "Required field is missing.", "conversions")
        if len(conversions) > MOST_ROWS:
            sentence = f"The request contains more than {MOST_ROWS} conversions."
            raise AdsRefused(_row_problem("TOO_MANY_CONVERSIONS_IN_REQUEST", sentence))
        if not request.get("partialFailure"):
            raise AdsRefused(
                Problem(
                    kind="partialFailureError",
                    code="PARTIAL_FAILURE_MODE_REQUIRED",
                    message="The partial failure mode is required for this request.",
                )
            )
        if int(request.get("jobId", 0)) < 0:
            raise AdsRefused(_row_problem("INVALID_JOB_ID", "The job ID must not be negative.", "job_id"))
        return len(conversions)

    def take(self, customer: str, request: Mapping[str, Any], version: str, request_id: str) -> dict[str, Any]:
        """Count the rows that are right and return the answer."""
        results, problems = [], []
        seen: set[tuple[str, ...]] = set()
        for index, row in enumerate(request["conversions"]):
            problem = self._take(customer, row, index, seen, validate=bool(request.get("validateOnly")))
            if problem is not None:
                problems.append(problem)
            results.append({} if problem else {name: row[name] for name in _ECHOED if name in row})
        answer: dict[str, Any] = {}
        if problems:
            message = problems[0].message + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
            details = [failure(problems, version, request_id)]
            answer["partialFailureError"] = {"code": 3, "message": message, "details": details}
        if request.get("validateOnly"):
            return answer
        job = str(request.get("jobId") or self._draw.randrange(10**9, 2**31))
        return answer | {"results": results, "jobId": job}

    def _take(
        self, customer: str, row: Mapping[str, Any], index: int, seen: set[tuple[str, ...]], *, validate: bool
    ) -> Problem | None:
        at = ("conversions", index)
        problem = _form_problem(self._world, customer, row, at)
        if problem is not None:
            return problem
        one = _conversion(customer, row)
        if one.at.timestamp() > self._world.now():
            return _problem("dateError", "LATER_THAN_MAXIMUM_DATE", "The time lies ahead.", at, "conversion_date_time")
        for key, code in (
            (("click", one.action, one.click, row["conversionDateTime"]), "DUPLICATE_CLICK_CONVERSION_IN_REQUEST"),
            (("order", one.action, one.order), "DUPLICATE_ORDER_ID"),
        ):
            if key[2] and key in seen:
                return _problem("conversionUploadError", code, "Duplicate in the request.", at)
        refusal = self._conversions.refusal(one)
        if refusal is not None:
            sentence = _SENTENCES.get(refusal.upload, refusal.upload.replace("_", " ").capitalize())
            return _problem("conversionUploadError", refusal.upload, sentence, at)
        seen.update({("click", one.action, one.click, row["conversionDateTime"]), ("order", one.action, one.order)})
        if not validate:
            self._conversions.count(one)
        return None


def _form_problem(world: World, customer: str, row: Mapping[str, Any], at: tuple[str, int]) -> Problem | None:
    """Return what is wrong with a row's own members."""
    action = re.fullmatch(r"customers/(\d+)/conversionActions/(\d+)", row.get("conversionAction", ""))
    identifiers = row.get("userIdentifiers", [])
    clicks = [name for name in ("gclid", "gbraid", "wbraid") if row.get(name)]
    if not row.get("conversionAction"):
        return _problem("fieldError", "REQUIRED", "The required field was not present.", at, "conversion_action")
    if action is None:
        return _problem("requestError", "RESOURCE_NAME_MALFORMED", "Resource name malformed.", at, "conversion_action")
    if action[1] != customer or not has_action(world, action[2]):
        sentence = "No conversion action was found for this customer."
        return _problem("conversionUploadError", "NO_CONVERSION_ACTION_FOUND", sentence, at, "conversion_action")
    if not _is_time(row.get("conversionDateTime", "")):
        sentence = "The date time must be in the format yyyy-mm-dd hh:mm:ss+|-hh:mm."
        code = "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"
        return _problem("dateError", code, sentence, at, "conversion_date_time")
    if not clicks and not identifiers:
        return _problem("fieldError", "REQUIRED", "The required field was not present.", at, "gclid")
    if "gbraid" in clicks and "wbraid" in clicks:
        return _problem("conversionUploadError", "GBRAID_WBRAID_BOTH_SET", "Set gbraid or wbraid, not both.", at)
    if len(clicks) > 1:
        return _problem("fieldError", "VALUE_MUST_BE_UNSET", "The value must be unset.", at, clicks[1])
    if len(identifiers) > MOST_IDENTIFIERS:
        return _problem("collectionSizeError", "TOO_MANY", "Too many.", at, "user_identifiers")
    for one in identifiers:
        hashed = one.get("hashedEmail") or one.get("hashedPhoneNumber")
        if hashed is None:
            sentence = "Only hashed e-mail addresses and phone numbers are taken."
            return _problem("conversionUploadError", "UNSUPPORTED_USER_IDENTIFIER", sentence, at, "user_identifiers")
        if not _SHA256.fullmatch(hashed):
            sentence = "The user identifier is not hashed with SHA-256 in hex."
            return _problem("conversionUploadError", "INVALID_USER_IDENTIFIER", sentence, at, "user_identifiers")
    return None


def _conversion(customer: str, row: Mapping[str, Any]) -> Conversion:
    return Conversion(
        customer=customer,
        action=row["conversionAction"].rpartition("/")[2],
        click=row.get("gclid") or row.get("gbraid") or row.get("wbraid") or "",
        order=row.get("orderId", ""),
        at=datetime.fromisoformat(row["conversionDateTime"]),
        value=row.get("conversionValue"),
        currency=row.get("currencyCode", ""),
    )


def _is_time(text: str) -> bool:
    try:
        return _TIME.fullmatch(text) is not None and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _problem(kind: str, code: str, message: str, at: tuple[str, int], *field: str) -> Problem:
    return Problem(kind=kind, code=code, message=message, at=(at, *field))


def _row_problem(code: str, message: str, *at: str) -> Problem:
    return Problem(kind="conversionUploadError", code=code, message=message, at=at)
