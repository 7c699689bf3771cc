"""Contract shipments: made, found again by the customer's own id, voided before they are transmitted, refunded after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from integrations.sandbox.canada_post import acceptance, answers, rates
from integrations.sandbox.canada_post.errors import business, not_found
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.parcels import Parcel, Parcels
from integrations.sandbox.canada_post.places import HEAD_OFFICE, local
from integrations.sandbox.canada_post.quotes import check_contract, check_mailing_date
from integrations.sandbox.canada_post.xml import SHIPMENT, Value
from integrations.sandbox.twin import World


class Shipments:
    """The contract shipping service, each operation from its request to its answer.

    A ``customer-request-id`` is stored, returned and searchable, but a repeated one makes a second shipment: whether
    the vendor refuses it is not known.
    """

    def __init__(self, world: World, parcels: Parcels) -> None:
        self._world = world
        self._parcels = parcels

    def create(self, asked: Value, links: Links) -> Value:
        """Make a shipment, waiting in a group or transmitted at once, and return ``shipment-info``."""
        spec = asked["delivery-spec"]
        if "requested-shipping-point" in asked and "shipping-point-id" in asked:
            raise business("9186")
        now = self._world.now()
        mailed = check_mailing_date(asked, now)
        country, destination = acceptance.check_destination(spec)
        service = acceptance.check_service(spec, country)
        acceptance.check_abroad(spec, country)
        acceptance.check_printing(spec)
        acceptance.check_payment(spec["settlement-info"])
        check_contract(self._world, spec["settlement-info"]["contract-id"])
        origin = asked.get("requested-shipping-point") or spec["sender"]["address-details"].get("postal-zip-code", "")
        options = spec.get("options", {}).get("option", [])
        at_once = "transmit-shipment" in asked
        parcel = Parcel(
            id=self._parcels.new_id(),
            owner=links.owner,
            behalf=links.behalf,
            contract=True,
            pin=self._parcels.new_pin(links.owner),
            service=service,
            request=asked,
            origin=origin,
            destination=destination,
            country=country,
            price=rates.charge(service, origin, destination, spec["parcel-characteristics"], options),
            made=now,
            mailed=mailed,
            group=asked.get("group-id"),
            transmitted=now if at_once else None,
            po_number=self._parcels.new_number("P") if at_once else None,
            return_pin=self._parcels.new_pin(links.owner) if "return-spec" in asked else None,
        )
        self._parcels.keep(parcel)
        note(self._world, "shipment", parcel, f"{parcel.price.due} CAD")
        return answers.info(parcel, links, priced="provide-pricing-info" in asked)

    def find(self, query: Mapping[str, str], links: Links) -> Value:
        """Return ``shipments``: links, or the shipments themselves with ``provideShipmentInfo=true``.

        By ``requestId``, ``trackingPIN``, ``groupId``, ``manifestId`` or ``noManifest=true`` with ``date`` and
        ``limit``; nothing found is an empty list (unconfirmed).
        """
        owned = self._parcels.owned(links.owner, links.behalf)
        found = [parcel for parcel in owned if _matches(parcel, query)]
        if query.get("limit", "").isdigit():
            found = found[: int(query["limit"])]
        if query.get("provideShipmentInfo") == "true":
            return {"shipment-info": [answers.info(parcel, links, priced=True) for parcel in found]}
        return {"link": [links.to(SHIPMENT, "shipment", f"{links.home()}/shipment/{one.id}") for one in found]}

    def one(self, number: str, links: Links) -> Parcel:
        """Return a shipment; raises Refused, 404 without a message, for one that is not there or was voided."""
        found = self._parcels.by_id.get(number)
        if found is None or not found.contract:
            raise not_found()
        if found.owner and (found.owner, found.behalf) != (links.owner, links.behalf):
            raise not_found()
        return found

    def void(self, parcel: Parcel) -> None:
        """Delete a shipment that has not been transmitted."""
        if parcel.transmitted is not None:
            raise business("8064")
        del self._parcels.by_id[parcel.id]
        note(self._world, "void", parcel)

    def refund(self, parcel: Parcel) -> Value:
        """Ask for the money of a transmitted shipment, once; it comes days later."""
        if parcel.transmitted is None:
            raise business("99002")
        return ask_for_refund(self._world, self._parcels, parcel)

    def groups(self, links: Links) -> Value:
        """Return the groups that hold shipments not yet transmitted."""
        owned = self._parcels.owned(links.owner, links.behalf)
        names = dict.fromkeys(parcel.group for parcel in owned if parcel.group)
        return {
            "group": [
                {"group-id": name, "link": links.to(SHIPMENT, "group", f"{links.home()}/shipment?groupId={name}")}
                for name in names
            ]
        }


def ask_for_refund(world: World, parcels: Parcels, parcel: Parcel) -> Value:
    """Note a refund request and return its ticket; raises Refused for a second one."""
    if parcel.refund is not None:
        raise business("7292")
    parcel.refund = (local(world.now()).date(), f"{parcels.new_number('GT')}RT")
    note(world, "void", parcel)
    return answers.refund(parcel)


def note(world: World, kind: str, parcel: Parcel, amount: str | None = None) -> None:
    """Report an effect on a parcel."""
    world.ledger.effect(vendor="canada_post", kind=kind, reference=parcel.reference, id=parcel.pin, amount=amount)


def day(text: str | None) -> date:
    """Return a day of a query, ``20261001`` or ``2026-10-01``; raises Refused when it is missing or none."""
    if not text:
        raise business("9105")
    try:
        return datetime.strptime(text.replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise business("99007") from None


def minute(text: str | None) -> float:
    """Return a minute of a query, ``202610011230`` Eastern time, as Unix seconds; raises Refused likewise."""
    if not text:
        raise business("9105")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=ZoneInfo(HEAD_OFFICE)).timestamp()
    except ValueError:
        raise business("99007") from None


def _matches(parcel: Parcel, query: Mapping[str, str]) -> bool:
    if "requestId" in query:
        return parcel.request.get("customer-request-id") == query["requestId"]
    if "trackingPIN" in query:
        return parcel.pin == query["trackingPIN"]
    if "groupId" in query:
        return parcel.group == query["groupId"]
    if "manifestId" in query:
        return parcel.manifest == query["manifestId"]
    if query.get("noManifest") == "true":
        sent = parcel.transmitted is not None and parcel.manifest is None
        return parcel.mailed == day(query.get("date")) and sent
    raise business("9105")
