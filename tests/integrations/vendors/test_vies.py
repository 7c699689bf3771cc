"""VIES' three answers, the errors that come as a success, and every trap on the way to a checked number."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator
from stdnum.eu import vat

from integrations.errors import (
    BusinessFailed,
    CallFailed,
    CircuitIsOpen,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Response
from integrations.types.tax import VatNumberQuery
from integrations.vendors.vies import CHECK, VENDOR, WELL_FORMED, Vies, asked_for
from tests.contracts import contract
from tests.integrations.vendors.exchange import NOON, Answer, FakeExchange, answer, body_of, run
from tests.integrations.vendors.wire import on_the_wire

FRENCH = {"country": "FR", "number": "40300000122"}
FOUND = {
    "countryCode": "FR",
    "vatNumber": "40300000122",
    "requestDate": "2026-10-01T11:59:58.120Z",
    "valid": True,
    "requestIdentifier": "WAPIAAAAZ1",
    "name": "SAS EXAMPLE",
    "address": "1 RUE DE L EXEMPLE\n75009 PARIS",
    "traderName": "",
    "traderNameMatch": "NOT_PROCESSED",
}


@lru_cache(maxsize=1)
def published() -> Any:
    return yaml.safe_load(contract("vies/swagger_publicVAT.yaml").read_text(encoding="utf-8"))


async def _run(value: dict[str, Any], *answers: Answer, requester: str = "") -> tuple[Any, FakeExchange]:
    adapter = Vies({"REQUESTER": requester})
    exchange = FakeExchange(adapter, "check_vat_number", answers)
    return await run(adapter, exchange, value), exchange


def refused(code: str, status: int = 200) -> Response:
    return answer({"actionSucceed": False, "errorWrappers": [{"error": code, "message": "FR40300000122"}]}, status)


async def test_a_registered_number_is_valid_with_its_holder_and_the_evidence() -> None:
    found, _ = await _run(FRENCH, answer(FOUND))

    assert (found.status, found.country, found.number) == ("valid", "FR", "40300000122")
    assert (found.name, found.address) == ("SAS EXAMPLE", "1 RUE DE L EXEMPLE\n75009 PARIS")
    assert found.consultation == "WAPIAAAAZ1"
    assert found.checked_at == datetime(2026, 10, 1, 11, 59, 58, 120000, tzinfo=UTC)
    assert (found.reason, found.stale) == ("", False)


async def test_a_number_of_nobody_is_invalid_and_says_why() -> None:
    found, _ = await _run(FRENCH, answer({"valid": False, "name": "---", "address": "---"}))

    assert (found.status, found.name, found.address, found.consultation) == ("invalid", "", "", "")
    assert found.reason == "FR has no such number registered for trade within the Union."
    assert found.checked_at == NOON


@pytest.mark.parametrize("text", ["---", "", " --- ", None])
async def test_what_a_state_does_not_disclose_is_empty(text: str | None) -> None:
    found, _ = await _run(FRENCH, answer({**FOUND, "name": text, "address": text}))

    assert (found.status, found.name, found.address) == ("valid", "", "")


# What is sent


@pytest.mark.parametrize(
    ("value", "requester"),
    [
        (FRENCH, ""),
        (FRENCH, "NL 100000009B01"),
        ({**FRENCH, "requester_country": "DE", "requester_number": "DE100000008"}, "NL100000009B01"),
    ],
    ids=["nobody asks", "we ask", "the call says who"],
)
async def test_requests_keep_to_the_published_contract(value: dict[str, Any], requester: str) -> None:
    _, exchange = await _run(value, answer(FOUND), requester=requester)
    schema = published()["definitions"]["CheckVatRequest"]
    sent = exchange.last.json
    Draft4Validator(schema).validate(sent)

    assert set(sent) <= set(schema["properties"])
    assert exchange.last.method == "POST"
    assert exchange.last.path == f"/taxation_customs/vies/rest-api{next(iter(published()['paths']))}"
    Draft4Validator({**published(), "$ref": "#/definitions/CheckVatResponse"}).validate(FOUND)


async def test_rests_words_for_the_requester_are_sent_and_not_soaps() -> None:
    _, exchange = await _run(FRENCH, answer(FOUND), requester="NL100000009B01")

    assert body_of(exchange.last) == (
        b'{"countryCode":"FR","vatNumber":"40300000122",'
        b'"requesterMemberStateCode":"NL","requesterNumber":"100000009B01"}'
    )


async def test_the_requester_of_the_call_wins_over_the_one_set_up() -> None:
    value = {**FRENCH, "requester_country": "GR", "requester_number": "EL100000003"}
    _, exchange = await _run(value, answer(FOUND), requester="NL100000009B01")

    assert exchange.last.json["requesterMemberStateCode"] == "EL"
    assert exchange.last.json["requesterNumber"] == "100000003"


@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [
        ("FR", "FR 40 300 000 122", ("FR", "40300000122")),
        ("FR", "40.300.000-122", ("FR", "40300000122")),
        ("GR", "094259216", ("EL", "094259216")),
        ("GR", "GR094259216", ("EL", "094259216")),
        ("EL", "GR094259216", ("EL", "094259216")),
        ("GR", "EL 094 259 216", ("EL", "094259216")),
        ("XI", "XI980780684", ("XI", "980780684")),
        ("BE", "428759497", ("BE", "0428759497")),
        ("NL", "nl 100000009b01", ("NL", "100000009B01")),
        ("AT", "ATU10000005", ("AT", "U10000005")),
    ],
)
def test_numbers_go_out_as_vies_writes_them(country: str, number: str, expected: tuple[str, str]) -> None:
    assert asked_for(country, number) == expected


def test_a_french_number_that_begins_with_fr_keeps_its_own_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    def takes_eleven(text: str) -> str:
        if len(text) != 13:
            raise vat.InvalidLength()
        return text

    monkeypatch.setattr(vat, "validate", takes_eleven)

    assert asked_for("FR", "FR300000122") == ("FR", "FR300000122")
    assert asked_for("FR", "FRFR300000122") == ("FR", "FR300000122")


def test_every_register_has_a_number_to_probe_it_with() -> None:
    states = {state.upper() if state != "gr" else "EL" for state in vat.MEMBER_STATES}

    assert set(WELL_FORMED) == states
    assert all(asked_for(state, number) == (state, number) for state, number in WELL_FORMED.items())


# What is refused before anything is sent


@pytest.mark.parametrize("country", ["GB", "CH", "US"])
async def test_a_country_that_is_not_served_is_unsupported(country: str) -> None:
    with pytest.raises(Unsupported, match=rf"not {country}\.") as caught:
        await _run({"country": country, "number": "123456789"})

    assert caught.value.field == "country"


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        ({"country": "DE", "number": "123456789"}, "number", "its check digit is wrong"),
        ({"country": "DE", "number": "12345"}, "number", "its length or form is wrong"),
        ({"country": "DE", "number": "FR40300000122"}, "number", "its length or form is wrong"),
        ({"country": "NL", "number": "100000009X01"}, "number", "its length or form is wrong"),
        ({**FRENCH, "requester_country": "NL"}, "requester_number", "needs its number"),
        ({**FRENCH, "requester_number": "100000009B01"}, "requester_country", "needs its country"),
        ({**FRENCH, "requester_country": "NL", "requester_number": "12"}, "requester_number", "length or form"),
        ({**FRENCH, "requester_country": "GB", "requester_number": "980780684"}, "requester_country", "not GB"),
    ],
)
async def test_bad_input_is_refused_by_field_and_not_quoted(value: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        await _run(value)

    assert caught.value.field == field
    assert value["number"] not in caught.value.message


@pytest.mark.parametrize("setting", ["100000009B01", "NL12", "GB980780684", "N"])
async def test_a_requester_set_up_wrongly_is_named(setting: str) -> None:
    with pytest.raises(MissingCredential, match="QUAYSIDE_VIES_REQUESTER is no VAT number with its country in front"):
        await _run(FRENCH, requester=setting)


# What comes back


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("code", "fault", "retryable", "retry_after", "counts", "untouched"),
    [
        ("INVALID_INPUT", "ours", False, None, False, True),
        ("INVALID_REQUESTER_INFO", "configuration", False, None, False, False),
        ("MS_UNAVAILABLE", "theirs", True, None, True, False),
        ("SERVICE_UNAVAILABLE", "theirs", True, None, True, False),
        ("TIMEOUT", "theirs", True, None, True, False),
        ("SERVER_BUSY", "theirs", True, None, True, False),
        ("MS_MAX_CONCURRENT_REQ", "theirs", True, 30.0, True, False),
        ("MS_MAX_CONCURRENT_REQ_TIME", "theirs", True, 30.0, True, False),
        ("GLOBAL_MAX_CONCURRENT_REQ", "theirs", True, 30.0, True, True),
        ("GLOBAL_MAX_CONCURRENT_REQ_TIME", "theirs", True, 30.0, True, True),
        ("VAT_BLOCKED", "configuration", False, 3600.0, False, True),
        ("IP_BLOCKED", "configuration", False, 3600.0, False, True),
    ],
)
async def test_recorded_errors_have_their_class_whatever_the_status(
    status: int, code: str, fault: Fault, retryable: bool, retry_after: float | None, counts: bool, untouched: bool
) -> None:
    with pytest.raises(BusinessFailed if status == 200 else HttpFailed) as caught:
        await _run(FRENCH, refused(code, status))
    error = caught.value
    verdict = Vies({}).classify((await _run(FRENCH, answer(FOUND)))[1].last, refused(code, status))

    assert (error.error_type, error.fault) == (code.lower(), fault)
    assert (error.retryable, error.retry_after) == (retryable, retry_after)
    assert verdict is not None
    assert (verdict.counts, verdict.untouched) == (counts, untouched)
    assert "40300000122" not in error.message
    assert "{" not in error.message


async def test_the_state_that_has_trouble_is_named() -> None:
    with pytest.raises(CallFailed, match="The register of FR does not answer"):
        await _run(FRENCH, refused("MS_UNAVAILABLE"))


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable"),
    [
        (refused("SOMETHING_NEW"), "vendor_error", "theirs", False),
        (answer({"errorWrappers": ["TIMEOUT"]}), "vendor_error", "theirs", False),
        (answer("<html>", 429), "global_max_concurrent_req", "theirs", True),
        (answer("<html>", 403), "forbidden", "configuration", False),
        (answer("<html>", 503), "http_503", "theirs", True),
        (answer("", 301), "http_redirect", "theirs", False),
    ],
)
async def test_errors_out_of_the_list_have_their_class_too(
    response: Response, error_type: str, fault: Fault, retryable: bool
) -> None:
    with pytest.raises(CallFailed) as caught:
        await _run(FRENCH, response)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"countryCode": "FR", "vatNumber": "40300000122"}, "valid"),
        ({**FOUND, "valid": None}, "valid"),
        ({**FOUND, "valid": "false"}, "valid"),
        ({"actionSucceed": True, "errorWrappers": []}, "valid"),
        ("<html>Please wait</html>", "valid"),
        ([], "valid"),
        ({**FOUND, "requestDate": "soon"}, "requestDate"),
        ({**FOUND, "vatNumber": "40300000123"}, "vatNumber"),
        ({**FOUND, "countryCode": "DE"}, "vatNumber"),
    ],
)
async def test_an_answer_that_says_neither_is_drift_and_never_invalid(body: Any, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await _run(FRENCH, answer(body))

    assert caught.value.field == field


# Three values


def test_what_could_not_be_checked_is_unknown_with_the_reason() -> None:
    query = VatNumberQuery(country="GR", number="GR 094259216")
    found = Vies({}).unanswered(VENDOR.operations[0], query, CircuitIsOpen("The circuit of EU VIES is open."), NOON)

    assert (found.status, found.country, found.number) == ("unknown", "GR", "094259216")
    assert (found.reason, found.checked_at) == ("The circuit of EU VIES is open.", NOON)


async def test_each_member_state_has_a_circuit_and_a_probe_of_its_own() -> None:
    _, exchange = await _run(FRENCH, answer(FOUND))

    assert Vies({}).circuit(exchange.last) == "vies/FR"
    assert Vies.probe("vies/DE") == {"country": "DE", "number": "100000008"}
    assert Vies.probe("vies") == VENDOR.operations[0].example


def test_numbers_names_and_addresses_are_kept_out_of_the_record() -> None:
    personal = {"vatNumber", "name", "address", "requesterNumber", "message"}

    assert not personal & VENDOR.kept_fields


# Over the wire


async def test_the_sandbox_answers_the_example_with_evidence() -> None:
    async with on_the_wire("vies") as wire:
        found = await wire.call("check_vat_number", dict(VENDOR.operations[0].example))

        assert found.status == "valid"
        assert found.name.endswith("SARL")
        assert found.consultation.startswith("WAPIAAAA")
        assert wire.sent == [("POST", CHECK)]
        assert await wire.effects() == []


@pytest.mark.parametrize(("state", "number"), list(WELL_FORMED.items()))
async def test_every_register_answers_valid_or_invalid(state: str, number: str) -> None:
    async with on_the_wire("vies", unregistered=[f"{state}{number}"]) as wire:
        nobody = await wire.call("check_vat_number", {"country": state, "number": number})
        await wire.control("PUT", "settings", {"vies": {"unregistered": []}})
        known = await wire.call("check_vat_number", {"country": state, "number": f"{state} {number}"})

    assert (nobody.status, known.status) == ("invalid", "valid")
    assert (known.name == "") is (state in ("DE", "ES"))


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", ["MS_UNAVAILABLE", "MS_MAX_CONCURRENT_REQ", "VAT_BLOCKED"])
async def test_an_outage_of_one_state_is_an_error_there_alone(code: str, status: int) -> None:
    async with on_the_wire("vies", errors={"DE": code}, rest_error_status=status) as wire:
        with pytest.raises(CallFailed) as caught:
            await wire.call("check_vat_number", {"country": "DE", "number": "100000008"})
        french = await wire.call("check_vat_number", FRENCH)

    assert (caught.value.error_type, french.status) == (code.lower(), "valid")


async def test_a_requester_vies_does_not_know_is_for_whoever_set_it_up() -> None:
    async with on_the_wire("vies", unregistered=["NL100000009B01"]) as wire:
        with pytest.raises(CallFailed, match="QUAYSIDE_VIES_REQUESTER") as caught:
            await wire.call("check_vat_number", FRENCH)

    assert (caught.value.error_type, caught.value.fault) == ("invalid_requester_info", "configuration")


@pytest.mark.parametrize(
    ("fault", "error_type"),
    [
        ("rate_limit:60", "global_max_concurrent_req"),
        ("status:503", "service_unavailable"),
        ("schema", "schema_drift"),
        ("garbage", "schema_drift"),
    ],
)
async def test_a_broken_answer_is_an_error_and_never_an_invalid_number(fault: str, error_type: str) -> None:
    async with on_the_wire("vies") as wire:
        await wire.control("POST", "faults", [{"vendor": "vies", "fault": fault, "rate": 1.0}])
        with pytest.raises(CallFailed) as caught:
            await wire.call("check_vat_number", FRENCH)

    assert caught.value.error_type == error_type
