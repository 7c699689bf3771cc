from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from io import BytesIO
from typing import Any

import pytest
import yaml
import zeep
import zeep.exceptions
from jsonschema import Draft4Validator
from lxml import etree
from stdnum.eu import vat

from integrations.sandbox.vies.checks import TEST_ERRORS
from integrations.sandbox.vies.states import NUMBERS
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

ROOT = "/vies/taxation_customs/vies"
BINDING = "{urn:ec.europa.eu:taxud:vies:services:checkVat}checkVatBinding"
TYPES = "urn:ec.europa.eu:taxud:vies:services:checkVat:types"
FRENCH, SPANISH, GERMAN = "83300000007", "B58378407", "100001100"  # the German one is nobody's
REQUESTER = {"requesterMemberStateCode": "NL", "requesterNumber": "100000009B01"}
UNTOLD = ("traderName", "traderStreet", "traderPostalCode", "traderCity", "traderCompanyType")

Ask = Callable[..., Awaitable[Any]]


@lru_cache(maxsize=1)
def described() -> Any:
    return yaml.safe_load(contract("vies/swagger_publicVAT.yaml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def soap_schema() -> etree.XMLSchema:
    """Return the schema within the WSDL, written out once so that it carries the prefixes declared above it."""
    schema = etree.parse(contract("vies/checkVatService.wsdl")).find(".//{http://www.w3.org/2001/XMLSchema}schema")
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


def check(value: Any, name: str) -> None:
    """Hold an answer against the Commission's description, which requires nothing: so the names are compared too."""
    Draft4Validator({**described(), "$ref": f"#/definitions/{name}"}).validate(value)

    assert set(value) <= set(described()["definitions"][name]["properties"])


@pytest.fixture
async def vies(start: Start) -> Sandbox:
    return await start("vies")


async def post(vies: Sandbox, path: str = "check-vat-number", **body: Any) -> tuple[int, Any]:
    async with vies.client.post(f"{vies.url}{ROOT}/rest-api/{path}", json=body) as answer:
        return answer.status, await answer.json()


async def ask(vies: Sandbox, country: str, number: str, **more: str) -> Any:
    status, value = await post(vies, countryCode=country, vatNumber=number, **more)

    assert status == 200
    return value


async def get(vies: Sandbox, path: str) -> Any:
    async with vies.client.get(f"{vies.url}{ROOT}/rest-api/{path}") as answer:
        assert answer.status == 200
        return await answer.json()


async def set_to(vies: Sandbox, **values: Any) -> None:
    await vies.control("PUT", "settings", {"vies": values})


def code(value: Any) -> str:
    """Return the error of an answer that found nothing out."""
    check(value, "CommonResponse")
    (wrapper,) = value["errorWrappers"]

    assert value["actionSucceed"] is False
    assert "valid" not in value
    return str(wrapper["error"])


async def test_valid_number_names_its_holder_and_holds_to_the_description(vies: Sandbox) -> None:
    value = await ask(vies, "FR", FRENCH)
    check(value, "CheckVatResponse")

    assert (value["valid"], value["countryCode"], value["vatNumber"]) == (True, "FR", FRENCH)
    assert value["requestDate"] == "2026-10-01T12:00:00.000Z"
    assert value["name"].endswith("SARL")
    assert "\n75009 PARIS" in value["address"]
    assert value["requestIdentifier"] == ""
    assert {value[name] for name in UNTOLD} == {"---"}
    assert {value[f"{name}Match"] for name in UNTOLD} == {"NOT_PROCESSED"}


@pytest.mark.parametrize(("country", "number"), [("DE", "100002900"), ("DE", "123456789"), ("ES", SPANISH)])
async def test_some_states_disclose_nothing_of_a_valid_number(vies: Sandbox, country: str, number: str) -> None:
    await set_to(vies, unregistered=["DE100002900"])
    value = await ask(vies, country, number)

    assert value["valid"] is (number != "100002900")
    assert (value["name"], value["address"]) == ("---", "---")


@pytest.mark.parametrize(
    ("country", "number"),
    [("DE", GERMAN), ("DE", "12345678"), ("DE", "DE123456789"), ("NL", "100000009X01"), ("AT", "10223006")],
)
async def test_number_of_nobody_or_of_another_form_is_not_valid(vies: Sandbox, country: str, number: str) -> None:
    value = await ask(vies, country, number)
    check(value, "CheckVatResponse")

    assert value["valid"] is False


@pytest.mark.parametrize(
    ("country", "number"),
    [
        *(("GB", "123456789"), ("CH", "123456789"), ("GR", "094259216"), ("de", "123456789"), ("", "123456789")),
        *(("DE", ""), ("DE", "1"), ("DE", "123 456 789"), ("DE", "1234567890123")),
    ],
)
async def test_what_is_no_number_or_no_member_state_is_bad_input_within_a_200(
    vies: Sandbox, country: str, number: str
) -> None:
    assert code(await ask(vies, country, number)) == "INVALID_INPUT"


async def test_greece_is_el_and_northern_ireland_is_served(vies: Sandbox) -> None:
    assert (await ask(vies, "EL", "094259216"))["valid"] is True
    assert (await ask(vies, "XI", "123456789"))["valid"] is True


async def test_status_of_business_errors_is_the_contracts_when_set(vies: Sandbox) -> None:
    await set_to(vies, rest_error_status=400)
    status, value = await post(vies, countryCode="GB", vatNumber="1234")

    assert (status, code(value)) == (400, "INVALID_INPUT")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"countryCode": 1, "vatNumber": "123456789"}'])
async def test_a_body_that_is_no_question_is_a_400(vies: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    url = f"{vies.url}{ROOT}/rest-api/check-vat-number"
    async with vies.client.post(url, data=body, headers=headers) as answer:
        assert (answer.status, code(await answer.json())) == (400, "INVALID_INPUT")


async def test_requester_gets_a_new_consultation_number_for_each_check(vies: Sandbox) -> None:
    first = await ask(vies, "FR", FRENCH, **REQUESTER)
    second = await ask(vies, "FR", FRENCH, **REQUESTER)
    check(first, "CheckVatResponse")

    assert re.fullmatch(r"WAPIAAAA[\w-]{8}", first["requestIdentifier"])
    assert first["requestIdentifier"] != second["requestIdentifier"]
    assert first["traderName"] == first["name"]
    assert await vies.effects("vies") == []


@pytest.mark.parametrize(
    "requester",
    [
        {"requesterMemberStateCode": "GB", "requesterNumber": "123456789"},
        {"requesterMemberStateCode": "NL", "requesterNumber": "123"},
        {"requesterMemberStateCode": "NL"},
    ],
)
async def test_bad_requester_is_told_apart_from_a_bad_number(vies: Sandbox, requester: dict[str, str]) -> None:
    assert code(await ask(vies, "FR", FRENCH, **requester)) == "INVALID_REQUESTER_INFO"


async def test_soaps_names_for_the_requester_are_passed_over_by_rest(vies: Sandbox) -> None:
    wrong = {"requesterCountryCode": "NL", "requesterVatNumber": "100000009B01"}

    assert (await ask(vies, "FR", FRENCH, **wrong))["requestIdentifier"] == ""


async def test_only_spain_compares_what_is_said_of_the_trader(vies: Sandbox) -> None:
    said = {"traderName": "Somebody", "traderCity": "madrid"}
    spanish = await ask(vies, "ES", SPANISH, **said)
    french = await ask(vies, "FR", FRENCH, **said)

    assert (spanish["traderNameMatch"], spanish["traderCityMatch"]) == ("INVALID", "VALID")
    assert (spanish["traderStreetMatch"], spanish["traderName"]) == ("NOT_PROCESSED", "---")
    assert french["traderCityMatch"] == "NOT_PROCESSED"


@pytest.mark.parametrize(("number", "error"), [*TEST_ERRORS.items(), ("999", "SERVICE_UNAVAILABLE")])
async def test_test_service_answers_by_number(vies: Sandbox, number: str, error: str) -> None:
    status, value = await post(vies, "check-vat-test-service", countryCode="DE", vatNumber=number)

    assert (status, code(value)) == (200, error)


async def test_test_service_knows_a_valid_and_an_invalid_number(vies: Sandbox) -> None:
    await set_to(vies, unavailable=["DE"])
    _, valid = await post(vies, "check-vat-test-service", countryCode="DE", vatNumber="100")
    _, invalid = await post(vies, "check-vat-test-service", countryCode="DE", vatNumber="200")

    check(valid, "CheckVatResponse")
    assert (valid["valid"], invalid["valid"]) == (True, False)


async def test_status_page_tells_which_member_states_are_out_of_order(vies: Sandbox) -> None:
    await set_to(vies, unavailable=["DE"], unmonitored=["FR"])
    page = await get(vies, "check-status")
    check(page, "StatusInformationResponse")
    states = {one["countryCode"]: one["availability"] for one in page["countries"]}

    assert page["vow"] == {"available": True}
    assert set(states) == set(NUMBERS)
    assert (states["DE"], states["FR"], states["IT"]) == ("Unavailable", "Monitoring Disabled", "Available")
    assert code(await ask(vies, "DE", "123456789")) == "MS_UNAVAILABLE"
    assert (await ask(vies, "FR", FRENCH))["valid"] is True


@pytest.mark.parametrize("error", ["MS_MAX_CONCURRENT_REQ", "TIMEOUT", "SERVER_BUSY", "VAT_BLOCKED"])
async def test_one_state_can_be_set_to_any_error_while_the_others_answer(vies: Sandbox, error: str) -> None:
    await set_to(vies, errors={"DE": error})

    assert code(await ask(vies, "DE", "123456789")) == error
    assert (await ask(vies, "FR", FRENCH))["valid"] is True


async def test_the_whole_service_can_be_set_to_an_error(vies: Sandbox) -> None:
    await set_to(vies, errors={"*": "IP_BLOCKED"})

    assert code(await ask(vies, "FR", FRENCH)) == "IP_BLOCKED"
    assert (await get(vies, "check-status"))["vow"] == {"available": False}


async def test_a_state_answers_so_many_at_once_and_throttles_the_others_alone(vies: Sandbox) -> None:
    await set_to(vies, concurrent={"DE": 1, "*": 5}, seconds=0.2)
    german = [ask(vies, "DE", "123456789") for _ in range(3)]
    *answers, french = await asyncio.gather(*german, ask(vies, "FR", FRENCH))
    after = await ask(vies, "DE", "123456789")

    assert sorted(code(one) for one in answers if "valid" not in one) == ["MS_MAX_CONCURRENT_REQ"] * 2
    assert (french["valid"], after["valid"]) == (True, True)


async def test_all_states_together_have_a_limit_too(vies: Sandbox) -> None:
    await set_to(vies, concurrent_all=1, seconds=0.2)
    answers = await asyncio.gather(ask(vies, "DE", "123456789"), ask(vies, "FR", FRENCH))

    assert [code(one) for one in answers if "valid" not in one] == ["GLOBAL_MAX_CONCURRENT_REQ"]


async def test_the_undocumented_look_up_calls_an_outage_not_valid(vies: Sandbox) -> None:
    await set_to(vies, unavailable=["DE"])
    found = await get(vies, f"ms/FR/vat/{FRENCH}")
    outage = await get(vies, "ms/DE/vat/123456789")
    nobody = await get(vies, "ms/IT/vat/123")

    assert (found["isValid"], found["userError"]) == (True, "VALID")
    assert (outage["isValid"], outage["userError"]) == (False, "MS_UNAVAILABLE")
    assert (nobody["isValid"], nobody["userError"]) == (False, "INVALID")
    assert found["viesApproximate"]["matchName"] == 3


# SOAP


@contextmanager
def soap_client(wsdl: Any) -> Iterator[zeep.Client]:
    client = zeep.Client(wsdl, settings=zeep.Settings(forbid_dtd=True, forbid_external=True))
    yield client
    client.transport.session.close()


async def soap(vies: Sandbox, operation: str, *, service: str = "services/checkVatService", **message: Any) -> Any:
    """Call through zeep and the published WSDL, whose address alone is changed."""

    def call() -> Any:
        with soap_client(str(contract("vies/checkVatService.wsdl"))) as client:
            return client.create_service(BINDING, f"{vies.url}{ROOT}/{service}")[operation](**message)

    return await asyncio.to_thread(call)


async def soap_fault(vies: Sandbox, operation: str, **message: Any) -> str:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        await soap(vies, operation, **message)

    assert caught.value.code == "env:Server"
    return str(caught.value.message)


async def test_zeep_checks_a_number_by_the_published_wsdl(vies: Sandbox) -> None:
    rest = await ask(vies, "FR", FRENCH)
    found = await soap(vies, "checkVat", countryCode="FR", vatNumber=FRENCH)
    nobody = await soap(vies, "checkVat", countryCode="DE", vatNumber=GERMAN)

    assert (found.valid, found.name, found.address) == (True, rest["name"], rest["address"])
    assert found.requestDate == date(2026, 10, 1)
    assert (nobody.valid, nobody.name) == (False, "---")


async def test_zeep_asks_approximately_and_gets_a_consultation_number(vies: Sandbox) -> None:
    requester = {"requesterCountryCode": "NL", "requesterVatNumber": "100000009B01"}
    found = await soap(
        vies, "checkVatApprox", countryCode="ES", vatNumber=SPANISH, traderCity="Madrid", traderName="X", **requester
    )
    french = await soap(vies, "checkVatApprox", countryCode="FR", vatNumber=FRENCH)

    assert (found.traderCityMatch, found.traderNameMatch, found.traderStreetMatch) == ("1", "2", "3")
    assert found.requestIdentifier.startswith("WAPIAAAA")
    assert french.traderName == (await ask(vies, "FR", FRENCH))["name"]
    assert not french.requestIdentifier
    bad = {"requesterCountryCode": "NL", "requesterVatNumber": "123"}
    assert (
        await soap_fault(vies, "checkVatApprox", countryCode="FR", vatNumber=FRENCH, **bad) == "INVALID_REQUESTER_INFO"
    )


@pytest.mark.parametrize("status", [200, 500])
async def test_faults_are_raised_by_zeep_whatever_their_status(vies: Sandbox, status: int) -> None:
    await set_to(vies, soap_fault_status=status, errors={"FR": "MS_MAX_CONCURRENT_REQ"})

    assert await soap_fault(vies, "checkVat", countryCode="FR", vatNumber=FRENCH) == "MS_MAX_CONCURRENT_REQ"
    assert await soap_fault(vies, "checkVat", countryCode="GB", vatNumber="123456789") == "INVALID_INPUT"


@pytest.mark.parametrize(("number", "error"), [("302", "TIMEOUT"), ("601", "MS_MAX_CONCURRENT_REQ_TIME")])
async def test_soap_test_service_answers_by_number(vies: Sandbox, number: str, error: str) -> None:
    service = "test-services/checkVatTestService"
    valid = await soap(vies, "checkVat", service=service, countryCode="DE", vatNumber="100")

    assert valid.valid is True
    assert await soap_fault(vies, "checkVat", service=service, countryCode="DE", vatNumber=number) == error


def envelope(body: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:urn="{TYPES}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


async def send(vies: Sandbox, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    url = f"{vies.url}{ROOT}/services/checkVatService"
    async with vies.client.post(url, data=body, headers=headers) as answer:
        assert answer.content_type == "text/xml"
        return answer.status, await answer.read()


@pytest.mark.parametrize(
    "message",
    [
        f"<urn:checkVat><urn:countryCode>FR</urn:countryCode><urn:vatNumber>{FRENCH}</urn:vatNumber></urn:checkVat>",
        "<urn:checkVatApprox><urn:countryCode>FR</urn:countryCode>"
        f"<urn:vatNumber>{FRENCH}</urn:vatNumber></urn:checkVatApprox>",
        "<urn:checkVatApprox><urn:countryCode>NL</urn:countryCode><urn:vatNumber>100000010B01</urn:vatNumber>"
        "<urn:requesterCountryCode>FR</urn:requesterCountryCode>"
        f"<urn:requesterVatNumber>{FRENCH}</urn:requesterVatNumber></urn:checkVatApprox>",
        "<urn:checkVatApprox><urn:countryCode>DE</urn:countryCode>"
        f"<urn:vatNumber>{GERMAN}</urn:vatNumber></urn:checkVatApprox>",
    ],
)
async def test_soap_answers_hold_to_the_published_schema(vies: Sandbox, message: str) -> None:
    status, body = await send(vies, envelope(message))
    answer = etree.fromstring(body).find(".//{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]

    assert status == 200
    soap_schema().assertValid(answer)
    assert answer.findtext(f"{{{TYPES}}}requestDate") == "2026-10-01+02:00"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<a", b"not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', b"Document type"),
        (envelope("<urn:other/>"), b"unexpected element"),
        (envelope("<urn:checkVat><urn:number>1</urn:number></urn:checkVat>"), b"unexpected element"),
        (
            envelope(
                "<urn:checkVat><urn:vatNumber>1</urn:vatNumber><urn:countryCode>DE</urn:countryCode></urn:checkVat>"
            ),
            b"unexpected element",
        ),
    ],
)
async def test_what_is_no_message_of_the_service_is_a_clients_fault(
    vies: Sandbox, body: bytes, expected: bytes
) -> None:
    status, text = await send(vies, body)

    assert (status, b"env:Client" in text, expected in text) == (500, True, True)


async def test_missing_number_is_bad_input(vies: Sandbox) -> None:
    status, text = await send(vies, envelope("<urn:checkVat><urn:countryCode>DE</urn:countryCode></urn:checkVat>"))

    assert (status, b"INVALID_INPUT" in text) == (200, True)


async def test_wsdl_is_served_with_the_address_it_was_asked_at(vies: Sandbox) -> None:
    async with vies.client.get(f"{vies.url}{ROOT}/checkVatService.wsdl") as answer:
        document = await answer.read()

    def load() -> tuple[Any, Any]:
        with soap_client(BytesIO(document)) as client:
            (port,) = client.wsdl.services["checkVatService"].ports.values()
            found = client.service.checkVat("FR", FRENCH)
            return port.binding_options["address"], found.valid

    assert await asyncio.to_thread(load) == (f"{vies.url}{ROOT}/services/checkVatService", True)


async def test_python_stdnum_works_with_its_address_changed(vies: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vat, "vies_wsdl", f"{vies.url}{ROOT}/checkVatService.wsdl")
    found = await asyncio.to_thread(vat.check_vies, f"FR{FRENCH}", 5)

    assert found["valid"] is True


async def test_requests_are_noted_by_what_they_ask(vies: Sandbox) -> None:
    await ask(vies, "FR", FRENCH)
    await get(vies, "check-status")
    await soap(vies, "checkVat", countryCode="FR", vatNumber=FRENCH)

    noted = [seen["operation"] for seen in await vies.requests("vies")]
    assert noted == ["check_vat_number", "look_up", "check_vat_number"]


async def test_faults_are_of_the_services_own_form(vies: Sandbox) -> None:
    await vies.fault("vies", "rate_limit:60")
    limited = await ask(vies, "FR", FRENCH)
    await vies.control("DELETE", "faults")
    await vies.fault("vies", "status:503")
    status, down = await post(vies, countryCode="FR", vatNumber=FRENCH)
    await vies.control("DELETE", "faults")
    await vies.fault("vies", "schema")
    broken = await ask(vies, "FR", FRENCH)
    with pytest.raises(zeep.exceptions.XMLParseError, match="expected '{" + TYPES + "}valid'"):
        await soap(vies, "checkVat", countryCode="FR", vatNumber=FRENCH)

    assert code(limited) == "GLOBAL_MAX_CONCURRENT_REQ"
    assert (status, code(down)) == (503, "SERVICE_UNAVAILABLE")
    assert "valid" not in broken
