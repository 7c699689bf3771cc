"""Label recovery: the label of a shipment again, by tracking number or by reference and account.

By a reference that several shipments have, UPS names the candidates and gives no label. The two refusals are codes
seen in production: nothing under this reference and account, and what there was is voided.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from integrations.sandbox.twin import World
from integrations.sandbox.ups.errors import Refused, missing, wrong
from integrations.sandbox.ups.quotes import reference
from integrations.sandbox.ups.request import Node
from integrations.sandbox.ups.shipments import Sent, Shipments, form_image, graphic, html_page

_FORMATS = ("GIF", "PDF", "ZPL", "EPL", "SPL")
_DAY = 86_400.0
_NOT_FOUND = ("9801031", "No label was found for the given criteria.")
_VOIDED = ("9801040", "The shipment has been voided.")


class Recovery:
    """Gives labels again.

    Settings: ``recovery_days`` (30), ``reference_lag_seconds`` (0: how long a new shipment is not found by reference).
    """

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments

    def recover(self, body: Node) -> dict[str, Any]:
        """Return ``LabelRecoveryResponse``."""
        asked = body.node("LabelRecoveryRequest")
        image = _image(asked)
        number = asked.optional("TrackingNumber")
        found = self._by_number(number) if number else self._by_reference(asked)
        days = float(self._world.setting("ups", "recovery_days", 30))
        known = [sent for sent in found if sent.held is not None or self._world.now() <= sent.made + days * _DAY]
        if not known:
            raise Refused(*_NOT_FOUND)
        live = [sent for sent in known if not sent.voided]
        if not live:
            raise Refused(*_VOIDED)
        request = asked.maybe("Request")
        response: dict[str, Any] = {
            "Response": {
                "ResponseStatus": {"Code": "1", "Description": "Success"},
                **(reference(request) if request else {}),
            },
        }
        if len(live) > 1:
            response["LabelResults"] = []
            response["TrackingCandidate"] = [_candidate(sent) for sent in live]
        else:
            response |= self._labels(live[0], number, image)
        return {"LabelRecoveryResponse": response}

    def _by_number(self, number: str) -> list[Sent]:
        sent = self._shipments.find(number)
        return [sent] if sent else []

    def _by_reference(self, asked: Node) -> list[Sent]:
        values = asked.maybe("ReferenceValues")
        if values is None:
            raise missing(asked.at("TrackingNumber"))
        value = values.node("ReferenceNumber").text("Value")
        account = values.text("ShipperNumber").upper()
        lag = float(self._world.setting("ups", "reference_lag_seconds", 0))
        return [
            sent
            for sent in self._shipments.sent.values()
            if sent.shipper == account and sent.has_reference(value) and self._world.now() >= sent.made + lag
        ]

    def _labels(self, sent: Sent, number: str, image: str) -> dict[str, Any]:
        sample = self._world.setting("ups", "environment", "production") == "cie"
        results = []
        for parcel in sent.parcels:
            if parcel.voided or number not in ("", parcel.number):
                continue
            label = {
                "LabelImageFormat": {"Code": image},
                "GraphicImage": graphic(sent, parcel.number, image, sample=sample),
            }
            if image == "GIF":
                label["HTMLImage"] = html_page(parcel.number)
            results.append({"TrackingNumber": parcel.number, "LabelImage": label})
        told: dict[str, Any] = {"ShipmentIdentificationNumber": sent.id, "LabelResults": results}
        if sent.forms:
            told["Form"] = {"Image": form_image(sent)}
        return told


def _image(asked: Node) -> str:
    told = asked.maybe("LabelSpecification")
    kind = told.maybe("LabelImageFormat") if told else None
    if kind is None:
        return "GIF"
    code = kind.text("Code").upper()
    if code not in _FORMATS:
        raise wrong(kind.at("Code"), code)
    return code


def _candidate(sent: Sent) -> dict[str, Any]:
    return {
        "TrackingNumber": sent.id,
        "DestinationPostalCode": sent.destination.postal_code,
        "DestinationCountryCode": sent.destination.country,
        "PickupDateRange": {
            "BeginDate": sent.ship_date.strftime("%Y%m%d"),
            "EndDate": (sent.ship_date + timedelta(days=1)).strftime("%Y%m%d"),
        },
    }
