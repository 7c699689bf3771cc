"""What to do about a call that did not succeed: every class of error has a sentence that fits it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.calls import CallRow
from integrations.classify import by_status
from integrations.errors import CallRefused, QuaysideError
from integrations.outcome import Response
from monitoring.next_step import next_step, next_step_of
from monitoring.pages.call_details import sentence
from tests.monitoring.rows import call_row


def descendants(kind: type[QuaysideError]) -> Iterator[type[QuaysideError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


REFUSALS = sorted({one for one in descendants(CallRefused) if "error_type" in vars(one)}, key=lambda one: one.__name__)


def failed(**values: str | None) -> CallRow:
    return call_row(0.0, 1.0, **{"outcome": "error", **values})


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda one: one.__name__)
def test_what_we_refused_says_what_to_do_and_ends_as_a_sentence(kind: type[QuaysideError]) -> None:
    said = next_step_of("refused", kind.error_type, kind.fault)

    assert said.endswith(".")
    assert len(said) > 15


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504])
def test_every_status_that_says_no_is_explained_and_says_what_to_do(status: int) -> None:
    verdict = by_status("FedEx", Response(status=status, headers={}, body=b""))
    assert verdict is not None
    call = failed(error_type=verdict.error_type, fault=verdict.fault, message=verdict.message)

    assert sentence(call).startswith("FedEx")
    assert next_step(call).endswith(".")


@pytest.mark.parametrize("fault", ["theirs", "network", "configuration", "ours"])
def test_a_class_nobody_listed_goes_by_whose_fault_it_is(fault: str) -> None:
    assert next_step(failed(error_type="never_seen", fault=fault)).endswith(".")


def test_a_write_nobody_knows_about_is_never_to_be_sent_again_by_hand() -> None:
    assert "do not send it again by hand" in next_step(failed(outcome="unknown", error_type="http_503"))


def test_a_success_needs_nothing() -> None:
    assert next_step(call_row()) == ""


def test_a_call_without_a_message_is_explained_all_the_same() -> None:
    assert sentence(failed(error_type="http_503")) == "Ended with http 503."
