"""The ERP's errors as the contract shapes them, each with its exact verdict."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.outcome import Request, Response, Verdict
from integrations.vendors.acumatica import Acumatica
from integrations.vendors.acumatica.errors import field_errors, without_values
from tests.integrations.vendors.exchange import answer

READ = Request(method="GET", path="/entity/Default/24.200.001/StockItem")
SIGN_IN = Request(method="POST", path="/entity/auth/login", step="sign_in")
HTTP_ERROR = {
    "message": "An error has occurred.",
    "exceptionMessage": "Error: jane@example.com cannot be inserted",
    "exceptionType": "PX.Data.PXException",
    "stackTrace": "   at PX.Data",
}
LIMIT = Verdict(
    error_type="login_limit",
    fault="ours",
    message="Acumatica has no free API session under our licence; a session left open frees its place after 10 minutes.",
    retryable=True,
    retry_after=20.0,
    counts=False,
    untouched=True,
)
REFUSED = Verdict(
    error_type="login_refused",
    fault="configuration",
    message="Acumatica refuses our sign-in; check QUAYSIDE_ACUMATICA_USERNAME, _PASSWORD and _TENANT.",
    counts=False,
    untouched=True,
)


def _judged(request: Request, response: Response) -> Verdict | None:
    return Acumatica({"LOGIN_WAIT": "20"}).classify(request, response)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (SIGN_IN, answer("Login failed: API Login Limit", 500, content_type="text/plain")),
        (SIGN_IN, answer({**HTTP_ERROR, "exceptionMessage": "API Login Limit"}, 400)),
        (SIGN_IN, answer("", 429)),
        (READ, answer("API Login Limit", 403, content_type="text/plain")),
    ],
)
def test_the_login_limit_is_known_by_its_text_in_any_refusal(request_: Request, response: Response) -> None:
    assert _judged(request_, response) == LIMIT


def test_the_login_limits_own_retry_after_wins() -> None:
    verdict = _judged(SIGN_IN, answer("API Login Limit", 429, {"Retry-After": "90"}))

    assert verdict is not None
    assert verdict.retry_after == 90


@pytest.mark.parametrize(
    "response",
    [
        answer(HTTP_ERROR, 400),
        answer(HTTP_ERROR, 401),
        answer({**HTTP_ERROR, "exceptionMessage": "Invalid credentials. Please try again."}, 500),
    ],
)
def test_a_refused_sign_in_is_a_matter_of_configuration_and_not_tried_again(response: Response) -> None:
    assert _judged(SIGN_IN, response) == REFUSED


def test_401_means_that_the_session_is_over_and_a_new_one_helps() -> None:
    verdict = _judged(READ, answer(HTTP_ERROR, 401))

    assert verdict is not None
    assert (verdict.error_type, verdict.expired, verdict.untouched, verdict.counts) == (
        "unauthorized",
        True,
        True,
        False,
    )


def test_429_is_the_licences_requests_a_minute() -> None:
    verdict = _judged(READ, answer("", 429))

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.retryable, verdict.counts) == (
        "rate_limited",
        "ours",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ("http_400", "ours", False, True, False)),
        (403, ("forbidden", "configuration", False, True, False)),
        (412, ("precondition_failed", "ours", False, True, False)),
        (500, ("http_500", "theirs", True, False, True)),
        (502, ("http_502", "theirs", True, False, True)),
    ],
)
def test_the_other_statuses(status: int, expected: tuple[str, str, bool, bool, bool]) -> None:
    verdict = _judged(READ, answer(HTTP_ERROR, status))

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.retryable, verdict.untouched, verdict.counts) == expected
    assert "jane" not in verdict.message


def test_a_500_names_the_kind_of_exception_but_not_what_it_says() -> None:
    verdict = _judged(READ, answer(HTTP_ERROR, 500))

    assert verdict is not None
    assert verdict.message == "Acumatica has trouble on its side (HTTP 500): PX.Data.PXException."


def test_an_error_that_is_text_is_judged_by_its_status() -> None:
    verdict = _judged(READ, answer("<html>", 500, content_type="text/html"))

    assert verdict is not None
    assert verdict.message == "Acumatica has trouble on its side (HTTP 500)."


def test_422_names_every_refused_field_down_to_the_line() -> None:
    record = {
        "id": "9",
        "error": "PX.Data.PXException: Error: 'Customer' cannot be found in the system.",
        "CustomerID": {"value": "NOBODY", "error": "'Customer' cannot be found in the system."},
        "Details": [
            {"InventoryID": {"value": "A"}},
            {"InventoryID": {"value": "B", "error": 'Inventory item "B" is inactive.'}},
        ],
        "ShipToContact": {"Email": {"value": "jane@", "error": "jane@ is no address"}},
    }
    verdict = _judged(READ, answer(record, 422))

    assert verdict == Verdict(
        error_type="record_refused",
        fault="ours",
        message="Acumatica does not accept the record: record (PX.Data.PXException: Error: … cannot be found in the "
        "system.), CustomerID (… cannot be found in the system.), Details[1].InventoryID (Inventory item … is "
        "inactive.), ShipToContact.Email.",
        counts=False,
        untouched=True,
    )


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"CustomerID":{"value":"x"}}'])
def test_422_that_does_not_say_why_is_still_a_sentence(body: bytes) -> None:
    verdict = _judged(READ, answer(body, 422))

    assert verdict is not None
    assert verdict.message == "Acumatica does not accept the record: it does not say why."


def test_a_record_refused_in_many_fields_is_cut_short() -> None:
    record: dict[str, Any] = {f"Field{n}": {"error": "bad"} for n in range(9)}
    verdict = _judged(READ, answer(record, 422))

    assert len(list(field_errors(record))) == 9
    assert verdict is not None
    assert verdict.message.endswith("Field4 (bad), ….")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("'C1' is wrong", "… is wrong"),
        ("mail jane@example.com bounced", "mail … bounced"),
        ("call +1 514 555 0100 now", "call … now"),
        ("line 12 is wrong", "line 12 is wrong"),
    ],
)
def test_values_are_left_out_of_what_the_erp_says(said: str, kept: str) -> None:
    assert without_values(said) == kept


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_success_is_no_error_even_when_it_talks_of_the_limit(status: int) -> None:
    assert _judged(READ, answer("API Login Limit", status)) is None
