"""The SOAP interface: document/literal with an empty SOAPAction, business errors as faults that come with 200."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from lxml import etree

from integrations.sandbox.envelope import ENVELOPE, NotUnderstood, first_element
from integrations.sandbox.twin import Answer, Ask, World
from integrations.sandbox.vies.checks import TRADER_FIELDS, VENDOR, Checks, Finding, Question, Refused

TYPES = "urn:ec.europa.eu:taxud:vies:services:checkVat:types"
_BRUSSELS = ZoneInfo("Europe/Brussels")
_XML = (("Content-Type", "text/xml;charset=UTF-8"),)
_NAMES = {  # the fields' own names, which differ from REST's
    "name": "traderName",
    "company_type": "traderCompanyType",
    "street": "traderStreet",
    "postal_code": "traderPostcode",
    "city": "traderCity",
}
REQUESTS = {
    "checkVat": ("countryCode", "vatNumber"),
    "checkVatApprox": (
        *("countryCode", "vatNumber", *_NAMES.values()),
        *("requesterCountryCode", "requesterVatNumber"),
    ),
}

Check = Callable[[Question], Awaitable[Finding]]


def fault(code: str, message: str, status: int) -> Answer:
    """Return a SOAP fault."""
    body = _body()
    told = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    etree.SubElement(told, "faultcode").text = f"env:{code}"
    etree.SubElement(told, "faultstring").text = message
    return _answer(body, status)


class Soap:
    """Setting: ``soap_fault_status`` (200), the status a fault of the service's own comes with."""

    def __init__(self, world: World, checks: Checks) -> None:
        self._world = world
        self._checks = checks

    async def check(self, ask: Ask) -> Answer:
        """Answer ``checkVatService``."""
        return await self._call(ask, self._checks.check)

    async def test(self, ask: Ask) -> Answer:
        """Answer ``checkVatTestService``."""
        return await self._call(ask, self._checks.test)

    async def _call(self, ask: Ask, check: Check) -> Answer:
        try:
            message = first_element(ask.body)
            operation = _operation(message)
            question = _question(message, operation)
            finding = await check(question)
        except NotUnderstood as problem:
            return fault(problem.code, str(problem), 500)
        except Refused as no:
            return fault("Server", str(no), int(self._world.setting(VENDOR, "soap_fault_status", 200)))
        return self._found(operation, question, finding)

    def _found(self, operation: str, question: Question, finding: Finding) -> Answer:
        body = _body()
        root = etree.SubElement(body, f"{{{TYPES}}}{operation}Response", nsmap={"ns2": TYPES})
        today = datetime.fromtimestamp(self._world.now(), _BRUSSELS)
        texts = {
            "countryCode": question.country,
            "vatNumber": question.number,
            "requestDate": _day(today),
            "valid": "true" if finding.valid else "false",
        }
        if operation == "checkVat":
            texts |= {"name": finding.name, "address": finding.address}
        else:
            texts |= _approximate(finding)
        for name, text in texts.items():
            etree.SubElement(root, f"{{{TYPES}}}{name}").text = text
        return _answer(body, 200)


def _day(moment: datetime) -> str:
    """Return an ``xsd:date`` with its offset, such as 2026-10-01+02:00."""
    text = moment.isoformat()
    return f"{text[:10]}{text[-6:]}"


def _approximate(finding: Finding) -> dict[str, str]:
    """Return what ``checkVatApprox`` tells of the trader; words are numbers here: 1 valid, 2 invalid, 3 not processed."""
    texts = {"traderName": finding.name}
    if finding.trader is not None and finding.trader.company_type:
        texts["traderCompanyType"] = finding.trader.company_type
    texts["traderAddress"] = finding.address
    for field in TRADER_FIELDS:
        texts[f"{_NAMES[field]}Match"] = _match(finding.matches, field)
    return texts | {"requestIdentifier": finding.identifier}


def _match(matches: Mapping[str, bool], field: str) -> str:
    return "3" if field not in matches else "1" if matches[field] else "2"


def _operation(message: etree._Element) -> str:
    name = etree.QName(message)
    if name.namespace != TYPES or name.localname not in REQUESTS:
        raise NotUnderstood("Client", f"Unmarshalling Error: unexpected element {name.text}")
    return str(name.localname)


def _question(message: etree._Element, operation: str) -> Question:
    """Return what a message asks; raises NotUnderstood for an element that is unknown or out of order."""
    wanted = REQUESTS[operation]
    texts: dict[str, str] = {}
    reached = 0
    for child in message:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child)
        if name.namespace != TYPES or name.localname not in wanted[reached:]:
            raise NotUnderstood("Client", f"Unmarshalling Error: unexpected element {name.text}")
        reached = wanted.index(name.localname) + 1
        texts[name.localname] = (child.text or "").strip()
    return Question(
        country=texts.get("countryCode", ""),
        number=texts.get("vatNumber", ""),
        requester_country=texts.get("requesterCountryCode", ""),
        requester_number=texts.get("requesterVatNumber", ""),
        trader={field: texts[_NAMES[field]] for field in TRADER_FIELDS if texts.get(_NAMES[field])},
    )


def _body() -> etree._Element:
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"env": ENVELOPE})
    etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    return etree.SubElement(root, f"{{{ENVELOPE}}}Body")


def _answer(body: etree._Element, status: int) -> Answer:
    return Answer(status=status, headers=_XML, body=etree.tostring(body.getroottree(), encoding="UTF-8"))
