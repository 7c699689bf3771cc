"""zeep on our own road: what is written, what is read, and whose fault it is when neither can be done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integrations.adapter import SoapService
from integrations.errors import BusinessFailed, InvalidInput, SchemaDrift, TransportFailed
from integrations.outcome import Request, Response
from integrations.soap_fault import SoapFault, parse_xml, soap_fault
from integrations.transport.soap import soap_call
from integrations.vendors.aramex.declaration import NAMESPACE, RATES, TRACKING

BASE = "https://vendor.example"
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
GOOD = ENVELOPE.format(
    f'<RateCalculatorResponse xmlns="{NAMESPACE}"><HasErrors>false</HasErrors>'
    "<TotalAmount><CurrencyCode>KWD</CurrencyCode><Value>3.782</Value></TotalAmount></RateCalculatorResponse>"
)
MESSAGE: dict[str, Any] = {"ClientInfo": None, "ShipmentDetails": {"NumberOfPieces": 1}}


class Send:
    """Answers every request with the same body and notes the requests."""

    def __init__(self, body: str, status: int = 200, error: Exception | None = None) -> None:
        self.requests: list[Request] = []
        self._answer = Response(status=status, headers={"content-type": "text/xml"}, body=body.encode())
        self._error = error

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        return self._answer


async def test_request_goes_through_send_below_the_base_url() -> None:
    send = Send(GOOD)
    answer = await soap_call(send, RATES, BASE, "CalculateRate", MESSAGE)
    (request,) = send.requests

    assert answer.TotalAmount.CurrencyCode == "KWD"
    assert (request.method, request.path, request.template) == ("POST", RATES.path, RATES.path)
    assert request.headers["SOAPAction"] == f'"{NAMESPACE}Service_1_0/CalculateRate"'
    assert request.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert request.content is not None
    assert b"<ns0:NumberOfPieces>1</ns0:NumberOfPieces>" in request.content


async def test_calls_at_once_do_not_share_their_road() -> None:
    sends = [Send(GOOD.replace("3.782", str(number))) for number in range(8)]
    answers = await asyncio.gather(*(soap_call(send, RATES, BASE, "CalculateRate", MESSAGE) for send in sends))

    assert [answer.TotalAmount.Value for answer in answers] == [float(number) for number in range(8)]
    assert [len(send.requests) for send in sends] == [1] * 8


async def test_missing_element_is_invalid_input_naming_it_and_nothing_is_sent() -> None:
    send = Send(GOOD)

    with pytest.raises(InvalidInput, match="NumberOfPieces") as caught:
        await soap_call(send, RATES, BASE, "CalculateRate", {"ShipmentDetails": {"ProductType": "EPX"}})

    assert caught.value.field.endswith("NumberOfPieces")
    assert send.requests == []


async def test_element_the_wsdl_does_not_know_is_invalid_input() -> None:
    send = Send(GOOD)

    with pytest.raises(InvalidInput, match="Colour"):
        await soap_call(send, RATES, BASE, "CalculateRate", {"Colour": "red"})

    assert send.requests == []


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Down</body></html>",
        "<html><p>broken",
        "",
        GOOD[:-30],
        '<!DOCTYPE x [<!ENTITY a "b">]>' + GOOD,
        ENVELOPE.format("<Other/>"),
    ],
    ids=["html", "broken html", "empty", "cut off", "with a DTD", "another element"],
)
async def test_answer_that_does_not_fit_is_schema_drift(body: str) -> None:
    with pytest.raises(SchemaDrift):
        await soap_call(Send(body), RATES, BASE, "CalculateRate", MESSAGE)


@pytest.mark.parametrize(
    ("code", "fault", "retryable", "sent"),
    [("s:Client.Authentication", "ours", False, False), ("s:Server", "theirs", True, True)],
)
async def test_fault_that_send_let_pass_is_a_business_failure(
    code: str, fault: str, retryable: bool, sent: bool
) -> None:
    body = ENVELOPE.format(f"<s:Fault><faultcode>{code}</faultcode><faultstring>secret</faultstring></s:Fault>")

    with pytest.raises(BusinessFailed) as caught:
        await soap_call(Send(body), TRACKING, BASE, "TrackShipments", {"ClientInfo": None})

    assert (caught.value.fault, caught.value.retryable, caught.value.sent) == (fault, retryable, sent)
    assert "secret" not in caught.value.message


async def test_failure_of_the_road_passes_through_untouched() -> None:
    lost = TransportFailed("Lost.", error_type="reset", fault="network")

    with pytest.raises(TransportFailed) as caught:
        await soap_call(Send("", error=lost), RATES, BASE, "CalculateRate", MESSAGE)

    assert caught.value is lost


async def test_wsdl_that_refers_elsewhere_is_not_fetched() -> None:
    elsewhere = b"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="x">
      <wsdl:import namespace="y" location="https://elsewhere.example/other.wsdl"/></wsdl:definitions>"""
    service = SoapService(name="Elsewhere", wsdl=elsewhere, binding="{x}b", path="/")

    with pytest.raises(Exception, match=r"elsewhere\.example"):
        await soap_call(Send(GOOD), service, BASE, "Any", {})


def test_fault_of_soap_1_2_is_read() -> None:
    body = (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>e:Receiver'
        "</e:Value></e:Code><e:Reason><e:Text>later</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
    )
    fault = soap_fault(Response(status=500, headers={}, body=body.encode()))

    assert fault == SoapFault(code="Receiver", text="later")
    assert not fault.ours


def test_entities_are_not_expanded() -> None:
    assert parse_xml(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>') is None
