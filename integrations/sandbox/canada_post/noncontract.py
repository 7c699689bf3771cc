"""Shipments without a contract, paid by the card in the profile when they are made: no voids, refunds on request."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.sandbox.canada_post import acceptance, answers, rates
from integrations.sandbox.canada_post.errors import business, not_found
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.parcels import Parcel, Parcels
from integrations.sandbox.canada_post.places import local
from integrations.sandbox.canada_post.shipments import ask_for_refund, minute, note
from integrations.sandbox.canada_post.xml import NCSHIPMENT, Value
from integrations.sandbox.twin import World


class NonContractShipments:
    """The non-contract shipping service. It knows no ``customer-request-id``: a shipment is found by time or pin.

    Settings: ``card`` ("ok", "missing" or "declined"), ``commercial`` (false: a customer with a parcel agreement has to
    use the contract service).
    """

    def __init__(self, world: World, parcels: Parcels) -> None:
        self._world = world
        self._parcels = parcels

    def create(self, asked: Value, links: Links) -> Value:
        """Make a shipment, charge the card, and return ``non-contract-shipment-info``."""
        spec = asked["delivery-spec"]
        if self._world.setting("canada_post", "commercial", False):
            raise business("9173")
        country, destination = acceptance.check_destination(spec)
        service = acceptance.check_service(spec, country)
        acceptance.check_abroad(spec, country)
        card = self._world.setting("canada_post", "card", "ok")
        if card != "ok":
            raise business("9174" if card == "missing" else "1162")
        now = self._world.now()
        origin = asked.get("requested-shipping-point") or spec["sender"]["address-details"]["postal-zip-code"]
        options = spec.get("options", {}).get("option", [])
        parcel = Parcel(
            id=self._parcels.new_id(),
            owner=links.owner,
            behalf=links.owner,
            contract=False,
            pin=self._parcels.new_pin(links.owner),
            service=service,
            request=asked,
            origin=origin,
            destination=destination,
            country=country,
            price=rates.charge(service, origin, destination, spec["parcel-characteristics"], options),
            made=now,
            mailed=local(now).date(),
            transmitted=now,
        )
        self._parcels.keep(parcel)
        note(self._world, "shipment", parcel, f"{parcel.price.due} CAD")
        return self.info(parcel, links)

    def info(self, parcel: Parcel, links: Links) -> Value:
        """Return ``non-contract-shipment-info``."""
        own = f"/rs/{links.owner}/ncshipment/{parcel.id}"
        found = {"self": own, **{rel: f"{own}/{rel}" for rel in ("details", "receipt", "refund")}}
        return {
            "shipment-id": parcel.id,
            "tracking-pin": parcel.pin,
            "links": {
                "link": [*(links.to(NCSHIPMENT, rel, path) for rel, path in found.items()), *links.artifacts(parcel)]
            },
        }

    def find(self, query: Mapping[str, str], links: Links) -> Value:
        """Return links to the shipments made from one minute to another, or to the one of a pin."""
        if "trackingPIN" in query and ("from" in query or "to" in query):
            raise business("9196")
        owned = self._parcels.owned(links.owner, None)
        if "trackingPIN" in query:
            found = [parcel for parcel in owned if parcel.pin == query["trackingPIN"]]
        else:
            begin = minute(query.get("from"))
            end = minute(query["to"]) + 60 if query.get("to") else self._world.now() + 60
            found = [parcel for parcel in owned if begin <= parcel.made < end]
        return {"link": [links.to(NCSHIPMENT, "shipment", f"/rs/{links.owner}/ncshipment/{one.id}") for one in found]}

    def one(self, number: str, links: Links) -> Parcel:
        """Return a shipment; raises Refused, 404 without a message, for one that is not there."""
        found = self._parcels.by_id.get(number)
        if found is None or found.contract or found.owner != links.owner:
            raise not_found()
        return found

    def refund(self, parcel: Parcel) -> Value:
        """Ask for the money of a shipment, once; it comes days later."""
        return ask_for_refund(self._world, self._parcels, parcel)

    @staticmethod
    def details(parcel: Parcel) -> Value:
        """Return ``non-contract-shipment-details``."""
        return {
            "final-shipping-point": parcel.origin,
            "tracking-pin": parcel.pin,
            "delivery-spec": parcel.request["delivery-spec"],
            "refund-request-info": answers.refund(parcel) if parcel.refund else None,
        }

    @staticmethod
    def receipt(parcel: Parcel) -> Value:
        """Return ``non-contract-shipment-receipt``; here the days are called ``expected-transit-time``."""
        days = rates.transit(parcel.service, parcel.origin, parcel.destination)
        day = rates.delivery_date(parcel.service, parcel.origin, parcel.destination, parcel.mailed)
        return {
            "final-shipping-point": parcel.origin,
            "shipping-point-name": "SANDBOX POST OFFICE",
            "shipping-point-id": "0192",
            "mailed-by-customer": parcel.owner,
            "service-code": parcel.service.code,
            **answers.charges(parcel),
            "cc-receipt-details": answers.card_receipt(parcel.price.due, local(parcel.made), parcel.id),
            "service-standard": {
                "am-delivery": parcel.service.am,
                "guaranteed-delivery": parcel.service.guaranteed,
                # The schema requires both, so a service without a promise counts no days.
                "expected-transit-time": days or 0,
                "expected-delivery-date": day or parcel.mailed,
            },
        }
