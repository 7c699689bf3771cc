"""Aramex's twin: paths, actions and logins around the operations of its four services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

from integrations.sandbox.aramex import rates, soap
from integrations.sandbox.aramex.login import Logins
from integrations.sandbox.aramex.places import COUNTRIES, Country, address_problems
from integrations.sandbox.aramex.schema import ARAMEX, SERVICES
from integrations.sandbox.aramex.shipments import Shipping, refused
from integrations.sandbox.aramex.soap import Fault, Value
from integrations.sandbox.aramex.tracking import Tracking
from integrations.sandbox.aramex.wsdl import wsdl
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

# IIS does not care about case: /ShippingAPI.V2/RateCalculator/Service_1_0.svc, /shippingapi/shipping/service_1_0.svc.
_PATH = (
    "/{api:(?i:shippingapi(?:[.]v2)?)}"
    "/{service:(?i:ratecalculator|shipping|tracking|location)}"
    "/{endpoint:(?i:service_1_0[.]svc)}"
)
_ACTION = f"{ARAMEX}Service_1_0/"
_SERVICES = {name.lower(): name for name in SERVICES}
_HTML = (("Content-Type", "text/html; charset=utf-8"),)

OPERATIONS = {
    "CalculateRate": "quote_rates",
    "CreateShipments": "create_shipment",
    "TrackShipments": "track_shipment",
    "PrintLabel": "get_label",
    "CreatePickup": "create_pickup",
    "CancelPickup": "cancel_pickup",
    "TrackPickup": "track_pickup",
    "ReserveShipmentNumberRange": "reserve_numbers",
    "ValidateAddress": "validate_address",
    "FetchCountries": "fetch_countries",
    "FetchCountry": "fetch_country",
    "FetchCities": "fetch_cities",
    "FetchOffices": "fetch_offices",
}

Handler = Callable[[Value, str], Value]  # request and base URL to answer


class AramexTwin:
    """One Aramex account holder; any ClientInfo whose fields are filled opens it."""

    name = "aramex"
    latency = Latency(median=0.6, p95=1.8)
    quotas: Sequence[Quota] = ()  # none is published

    def __init__(self, world: World) -> None:
        self._logins = Logins(world)
        self._shipping = Shipping(world)
        tracking = Tracking(world, self._shipping)
        self._handlers: dict[str, Handler] = {
            "CalculateRate": lambda request, _: _calculate(request),
            "CreateShipments": self._shipping.create,
            "PrintLabel": self._shipping.print_label,
            "CreatePickup": self._shipping.create_pickup,
            "CancelPickup": lambda request, _: self._shipping.cancel_pickup(request),
            "ReserveShipmentNumberRange": lambda request, _: self._shipping.reserve(request),
            "TrackShipments": lambda request, _: tracking.shipments(request),
            "TrackPickup": lambda request, _: tracking.pickup(request),
            "ValidateAddress": lambda request, _: _validate(request),
            "FetchCountries": lambda request, _: _countries(),
            "FetchCountry": lambda request, _: _country(request),
            "FetchCities": lambda request, _: _cities(request),
            "FetchOffices": lambda request, _: _offices(request),
        }

    def __repr__(self) -> str:
        return f"<AramexTwin {self._logins!r} {self._shipping!r}>"

    def routes(self) -> Sequence[Route]:
        """Return one route for all services and their paths, their WSDLs, and the labels that URLs point at."""
        return (
            Route(method="POST", path=_PATH, operation=_operation, answer=self._answer),
            Route(method="GET", path=_PATH, operation="get_wsdl", answer=self._describe, counts=False),
            Route(
                method="GET", path=r"/labels/{number:\d+}.pdf", operation="get_label", answer=self._label, counts=False
            ),
        )

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return a plain 429 page: Aramex publishes no limit, so none of its own form is known."""
        return _page(429, "Too Many Requests")

    def unavailable(self, status: int) -> Answer:
        """Return WCF's internal fault for 500, the web server's page for any other status."""
        if status == 500:
            return soap.fault(
                Fault(
                    "InternalServiceFault",
                    "The server was unable to process the request due to an internal error.",
                )
            )
        return _page(status, {503: "Service Unavailable", 502: "Bad Gateway", 404: "Not Found"}.get(status, "Error"))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its ``HasErrors`` and with words where a number was."""
        try:
            root = etree.fromstring(answer.body)
        except etree.XMLSyntaxError:
            return answer
        for element in list(root.iter(f"{{{ARAMEX}}}HasErrors")):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
        for element in root.iter(f"{{{ARAMEX}}}Value"):
            if not len(element):
                element.text = "not a number"
        return Answer(status=answer.status, headers=answer.headers, body=etree.tostring(root))

    async def _answer(self, ask: Ask) -> Answer:
        media_type = ask.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            return _page(
                415, "Cannot process the message because the content type was not the expected type 'text/xml'."
            )
        try:
            return self._call(ask)
        except Fault as problem:
            return soap.fault(problem)

    def _call(self, ask: Ask) -> Answer:
        service = SERVICES[_SERVICES[ask.match["service"].lower()]]
        action = ask.headers.get("SOAPAction", "").strip().strip('"')
        operation = action.removeprefix(_ACTION)
        if not action.startswith(_ACTION) or operation not in service:
            raise Fault(
                "ActionNotSupported",
                f"The message with Action '{action}' cannot be processed at the receiver, due to a ContractFilter "
                "mismatch at the EndpointDispatcher.",
            )
        request_type, answer_type = service[operation]
        message = soap.parse(ask.body)
        if message.tag != f"{{{ARAMEX}}}{request_type}":
            raise soap.deserialization(request_type, f"Expecting element '{request_type}' from namespace '{ARAMEX}'.")
        request = soap.read(message, request_type, request_type)
        problem = self._logins.problem(request["ClientInfo"])
        value = refused([problem]) if problem else self._handlers[operation](request, ask.base_url)
        return soap.answer(answer_type, {"Transaction": request["Transaction"], **value})

    async def _describe(self, ask: Ask) -> Answer:
        service = _SERVICES[ask.match["service"].lower()]
        if not {"wsdl", "singlewsdl"} & {name.lower() for name in ask.query}:
            return _page(200, f"Service_1_0 Service: {service}")
        return Answer(
            headers=(("Content-Type", "text/xml; charset=utf-8"),), body=wsdl(service, f"{ask.base_url}{ask.path}")
        )

    async def _label(self, ask: Ask) -> Answer:
        waybill = self._shipping.waybills.get(ask.match["number"])
        if waybill is None:
            return self.unavailable(404)
        return Answer(headers=(("Content-Type", "application/pdf"),), body=self._shipping.document(waybill))


def _operation(ask: Ask) -> str:
    """Return the ledger's name for a request by its SOAPAction."""
    action = ask.headers.get("SOAPAction", "").strip().strip('"')
    return OPERATIONS.get(action.removeprefix(_ACTION), "unknown")


def _page(status: int, sentence: str) -> Answer:
    """Return a web server's page; XHTML, as IIS writes it."""
    body = f"<html><head><title>{sentence}</title></head><body><h2>{sentence}</h2></body></html>"
    return Answer(status=status, headers=_HTML, body=body.encode())


def _calculate(request: Value) -> Value:
    problems = address_problems(request["OriginAddress"], "OriginAddress")
    problems += address_problems(request["DestinationAddress"], "DestinationAddress")
    nothing = {"CurrencyCode": "", "Value": 0}
    if problems:
        return {**refused(problems), "TotalAmount": nothing}
    origin = request["OriginAddress"]["CountryCode"].upper()
    destination = request["DestinationAddress"]["CountryCode"].upper()
    details = request["ShipmentDetails"]
    problems = rates.details_problems(details, origin, destination)
    if problems:
        return {**refused(problems), "TotalAmount": nothing}
    price, currency = rates.charge(details, origin, destination, request["PreferredCurrencyCode"])
    return {"HasErrors": False, "Notifications": {}, "TotalAmount": {"CurrencyCode": currency, "Value": price}}


def _validate(request: Value) -> Value:
    problems = address_problems(request["Address"], "Address")
    if not problems:
        return {"HasErrors": False, "Notifications": {}, "SuggestedAddresses": {}}
    address = request["Address"] or {}
    country = COUNTRIES.get((address.get("CountryCode") or "").upper())
    begins = (address.get("City") or "")[:2].lower()
    names = [city for city in country.cities if begins and city.lower().startswith(begins)] if country else []
    # Only what every version's Address has; the newer members would be strange to an older client.
    known = {name: address.get(name) for name in ("Line1", "Line2", "Line3", "PostCode", "CountryCode")}
    suggested: list[dict[str, Any]] = [{**known, "City": city} for city in names]
    return {**refused(problems), "SuggestedAddresses": {"Address": suggested}}


def _countries() -> Value:
    found = [_told(country) for country in COUNTRIES.values()]
    return {"HasErrors": False, "Notifications": {}, "Countries": {"Country": found}}


def _country(request: Value) -> Value:
    country = COUNTRIES.get((request["Code"] or "").upper())
    if country is None:
        return refused([("ERR51", f"Code - Country code is invalid ({request['Code'] or ''})")])
    return {"HasErrors": False, "Notifications": {}, "Country": _told(country)}


def _cities(request: Value) -> Value:
    country = COUNTRIES.get((request["CountryCode"] or "").upper())
    if country is None:
        return refused([("ERR51", f"CountryCode - Country code is invalid ({request['CountryCode'] or ''})")])
    begins = (request["NameStartsWith"] or "").lower()
    names = [city for city in country.cities if city.lower().startswith(begins)]
    return {"HasErrors": False, "Notifications": {}, "Cities": {"string": names}}


def _offices(request: Value) -> Value:
    wanted = (request["CountryCode"] or "").upper()
    found = [
        {
            "Entity": country.entity,
            "EntityDescription": country.cities[0],
            "OfficeType": "Station",
            "Address": {"Line1": "Airport Road", "City": country.cities[0], "CountryCode": country.code},
            "Telephone": f"+{country.calling}",
            "WorkingDays": "Sun-Thu",
            "WorkingHours": "08:00-18:00",
            "Longtitude": 0,
            "Latitude": 0,
        }
        for country in COUNTRIES.values()
        if country.entity and wanted in ("", country.code)
    ]
    return {"HasErrors": False, "Notifications": {}, "Offices": {"Office": found}}


def _told(country: Country) -> Value:
    return {
        "Code": country.code,
        "Name": country.name,
        "IsoCode": country.iso3,
        "StateRequired": False,
        "PostCodeRequired": not country.cities,
        "PostCodeRegex": {},
        "InternationalCallingNumber": country.calling,
    }
