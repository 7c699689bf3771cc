"""Who was asked for a quote, who failed, who was left out and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from db.circuits import CircuitRow
from monitoring.facts import OperationFacts, VendorFacts
from monitoring.pages.try_shipping_answer import money
from monitoring.quoted import carrier_turns, quoting
from tests.monitoring.browser import FEDEX

OPENED = datetime(2026, 3, 2, 3, 4, tzinfo=UTC)


def carrier(name: str, **more: Any) -> VendorFacts:
    return replace(FEDEX, name=name, label=name.upper(), **more)


def asked(vendor: str, seconds: float = 0.5, refused: bool = False) -> dict[str, Any]:
    return {"vendor": vendor, "call_id": f"call-{vendor}", "seconds": seconds, "refused": refused}


def failure(vendor: str, error_type: str, **more: Any) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "error_type": error_type,
        "fault": "theirs",
        "message": f"{vendor} {error_type}.",
        "retryable": True,
        "stood_in": False,
        **more,
    }


def test_every_carrier_is_named_and_what_went_wrong_comes_first() -> None:
    answer = {
        "quotes": [{"vendor": "aramex"}, {"vendor": "ups"}, {"vendor": "aramex"}],
        "failures": [
            failure("ups", "timeout", stood_in=True),
            failure("dhl", "http_500"),
            failure("fedex", "circuit_open"),
        ],
    }
    beside = {
        "deadline": 4.0,
        "asked": [
            asked("aramex", 1.0),
            asked("ups", 9.0),
            asked("dhl"),
            asked("fedex", 0.0, refused=True),
            asked("tnt", 0.2),
        ],
        "not_asked": {"smsa": "picks up nothing in US"},
        "set_up": ["aramex", "ups", "dhl", "fedex", "smsa", "tnt", "gls"],
    }
    carriers = [carrier(name) for name in ("aramex", "ups", "dhl", "fedex", "smsa", "tnt", "gls", "dpd")] + [
        carrier("post", missing=("QUAYSIDE_POST_KEY", "QUAYSIDE_POST_USER"))
    ]
    circuits = [
        CircuitRow(name="fedex", vendor="fedex", state="open", changed_at=OPENED),
        CircuitRow(name="dhl", vendor="dhl", state="closed", changed_at=OPENED),
    ]
    turns = carrier_turns(answer, beside, carriers, circuits)

    assert [(one.vendor, one.state) for one in turns] == [
        ("dhl", "failed"),
        ("fedex", "refused"),
        ("ups", "stale"),
        ("aramex", "answered"),
        ("tnt", "answered"),
        ("dpd", "left_out"),
        ("gls", "left_out"),
        ("post", "left_out"),
        ("smsa", "left_out"),
    ]
    said = {one.vendor: one.sentence for one in turns}
    assert said["tnt"] == "It has no service for this."
    assert said["smsa"] == "SMSA picks up nothing in US."
    assert said["gls"] == "It is not among the carriers you chose."
    assert said["dpd"] == "checkout.carriers in quayside.toml leaves it out."
    assert said["post"] == "It is not set up: set QUAYSIDE_POST_KEY and QUAYSIDE_POST_USER."
    by_name = {one.vendor: one for one in turns}
    assert (by_name["aramex"].quotes, by_name["aramex"].share, by_name["ups"].share) == (2, 0.25, 1.0)
    assert (by_name["fedex"].since, by_name["dhl"].since, by_name["dhl"].call_id) == (OPENED, None, "call-dhl")


def test_only_vendors_that_can_quote_are_carriers() -> None:
    unable = [OperationFacts(**{**_facts(FEDEX.operations[0]), "supported": False})]

    assert [one.name for one in quoting([carrier("b"), carrier("a"), carrier("c", operations=unable)])] == ["a", "b"]


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("40.6", "USD", "40.60"),
        ("3.0900", "USD", "3.09"),
        ("1234.5678", "EUR", "1,234.5678"),
        ("15000", "JPY", "15,000"),
        ("6.630", "KWD", "6.630"),
        ("0.00", "EUR", "0.00"),
    ],
)
def test_an_amount_reads_as_its_currency_is_written(amount: str, currency: str, expected: str) -> None:
    assert money({"amount": amount, "currency": currency}) == f"{expected}\u202f{currency}"


def _facts(operation: OperationFacts) -> dict[str, Any]:
    return {name: getattr(operation, name) for name in OperationFacts.__dataclass_fields__}
