"""Shipments, both ways, with the waybills printed for each parcel, and the samples an example can ask for."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.journey import Journey, Stage
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.smsa.places import SERVICES
from integrations.sandbox.smsa.problems import Refused
from integrations.sandbox.smsa.reading import Address, Wish
from integrations.sandbox.twin import World

SAUDI = timezone(timedelta(hours=3))
_MOST_PARCELS = 99

_START = (
    Stage(share=0.1, code="PU", text="Picked Up"),
    Stage(share=0.3, code="HOP", text="Shipment Departed SMSA Sorting Facility"),
)
_CUSTOMS = Stage(share=0.6, code="CR", text="Customs Released", arrived=True)
_FACILITY = Stage(share=0.7, code="AF", text="Arrived Delivery Facility", arrived=True)
_OUT = Stage(share=0.9, code="OD", text="Out for Delivery", arrived=True)
_DELIVERED = Stage(share=1.0, code="DL", text="Delivered", arrived=True)
_FAILED = Stage(share=1.0, code="DE", text="Delivery Exception", arrived=True)
_COLLECT = Stage(share=1.1, code="CC", text="Processing for Consignee Collection", arrived=True)
_RETURNED = Stage(share=1.5, code="RTO", text="Returned to Origin")
HOME: Sequence[Stage] = (*_START, _FACILITY, _OUT, _DELIVERED)
ABROAD: Sequence[Stage] = (*_START, _CUSTOMS, _FACILITY, _OUT, _DELIVERED)
STATUSES = {
    "AF": ("Arrived Delivery Facility", "وصلت محطة التوزيع"),
    "CC": ("Processing for Consignee Collection", "تحت المعالجة لإستلام العميل"),
    "CR": ("Customs Released", "تم التخليص الجمركي"),
    "DE": ("Delivery Exception", "تعذر تسليم الشحنة"),
    "DL": ("Delivered", "تم التسليم"),
    "HOP": ("Shipment Departed SMSA Sorting Facility", "غادرت الشحنة محطة الفرز"),
    "OD": ("Out for Delivery", "في الطريق للتسليم"),
    "PU": ("Picked Up", "تم الاستلام"),
    "RTO": ("Returned to Origin", "أعيدت إلى المصدر"),
}

# Number of the shipment -> stages and where on the way it stands for ever.
SAMPLES: Mapping[str, tuple[Sequence[Stage], float]] = {
    "231200000011": (HOME, 0.0),  # booked, no scan yet
    "231200000022": (HOME, 0.2),
    "231200000033": (HOME, 0.5),
    "231200000044": (HOME, 0.95),
    "231200000055": (HOME, 1.2),
    "231200000066": ((*_START, _FACILITY, _OUT, _FAILED, _COLLECT), 1.2),
    "231200000077": ((*_START, _FACILITY, _OUT, _FAILED, _RETURNED), 1.6),
    "231200000088": (ABROAD, 0.65),
}


@dataclass(slots=True, kw_only=True)
class Kept:
    """One shipment. ``number`` is its own, ``waybills`` are its parcels'; samples belong to no ``owner``."""

    number: str
    owner: str
    wish: Wish
    waybills: tuple[str, ...]
    made: float
    stages: Sequence[Stage]
    pinned: float | None = None
    cancelled: bool = False

    @property
    def journey(self) -> Journey:
        """Return its way."""
        home = self.wish.origin.country == self.wish.destination.country
        return Journey(stages=self.stages, made=self.made, days=2 if home else 6, pinned=self.pinned)


class Shipments:
    """All shipments. Settings:

    - ``services`` (all of them): the service codes of the contract
    - ``duplicates`` ("allowed", or "refused"): a second shipment of one order number; nobody tells which is so
    - ``index_seconds`` (0): how long a new shipment cannot be asked for
    - ``c2b`` (true): whether the key may have parcels picked up
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"smsa.shipments:{world.now():.0f}")
        self._last = 231_200_100_000 + self._random.randrange(10**6) * 100
        self._kept: Shelf[Kept] = Shelf()
        self._by_number: Shelf[Kept] = Shelf()
        for number, (stages, share) in SAMPLES.items():
            self._keep(_sample(number, stages, share, world.now()))

    def __repr__(self) -> str:
        return f"<Shipments {len(self._kept)} shipments>"

    def create(self, wish: Wish, owner: str) -> dict[str, Any]:
        """Make a shipment and return it with its waybills; raises Refused, 400 in words, where a rule forbids it."""
        self._check_service(wish)
        if wish.parcels > _MOST_PARCELS:
            raise Refused(400, errors={"Parcels": [f"The field Parcels must be between 1 and {_MOST_PARCELS}."]})
        again = self._world.setting("smsa", "duplicates", "allowed") == "refused"
        if again and any(kept.wish.order == wish.order and kept.owner == owner for kept in self._kept.oldest_first()):
            raise Refused(400, f"Order number {wish.order} already exists")
        number = self._number()
        home = wish.origin.country == wish.destination.country
        kept = Kept(
            number=number,
            owner=owner,
            wish=wish,
            waybills=tuple(self._number() for _ in range(wish.parcels)),
            made=self._world.now(),
            stages=HOME if home else ABROAD,
        )
        self._keep(kept)
        self._report("shipment", kept)
        return told(kept)

    def find(self, number: str, owner: str, kind: str = "") -> Kept:
        """Return a shipment by its number or one of its waybills; raises Refused, 404, for one there is not (yet)."""
        kept = self._by_number.get(number)
        if kept is None or kept.owner not in ("", owner) or not self._indexed(kept) or kind not in ("", kept.wish.kind):
            raise Refused(404, f"No shipment found for AWB {number}")
        return kept

    def named(self, order: str, owner: str) -> Kept:
        """Return the newest shipment of an order number; raises Refused, 404, when there is none (yet)."""
        for kept in self._kept.newest_first():
            if kept.wish.order == order and kept.owner in ("", owner) and self._indexed(kept):
                return kept
        raise Refused(404, f"No shipment found for reference {order}")

    def cancel(self, number: str, owner: str) -> None:
        """Cancel a pickup once; raises Refused, 404 for what is none and 400 for one picked up or cancelled before."""
        kept = self.find(number, owner, "C2B")
        if kept.cancelled:
            raise Refused(400, "Shipment already cancelled")
        if kept.journey.scans(self._world.now(), self.speed):
            raise Refused(400, "Shipment cannot be cancelled")
        kept.cancelled = True
        self._report("void", kept)

    @property
    def speed(self) -> float:
        """Return how much faster than life parcels go: the setting ``tracking_speed`` (1, above 0)."""
        return float(self._world.setting("smsa", "tracking_speed", 1))

    def _check_service(self, wish: Wish) -> None:
        """Raise Refused for a service the contract lacks or that does not go there; without one the account's is taken."""
        if not wish.service:
            return
        service = SERVICES.get(wish.service)
        allowed: Sequence[str] = self._world.setting("smsa", "services", tuple(SERVICES))
        abroad = wish.origin.country != wish.destination.country
        if service is None or service.code not in allowed or service.kind != wish.kind or service.abroad != abroad:
            raise Refused(400, "Wrong service code")

    def _indexed(self, kept: Kept) -> bool:
        lag = float(self._world.setting("smsa", "index_seconds", 0))
        return kept.owner == "" or self._world.now() >= kept.made + lag

    def _keep(self, kept: Kept) -> None:
        self._kept.put(kept.number, kept)
        for number in (kept.number, *kept.waybills):
            self._by_number.put(number, kept)

    def _number(self) -> str:
        self._last += self._random.randrange(1, 90)
        return str(self._last)

    def _report(self, kind: str, kept: Kept) -> None:
        self._world.ledger.effect(vendor="smsa", kind=kind, reference=kept.wish.order, id=kept.number)


def told(kept: Kept) -> dict[str, Any]:
    """Return a shipment with its labels; times are Saudi Arabia's and do not say so."""
    return {
        "sawb": kept.number,
        "createDate": local(kept.made).isoformat(timespec="seconds"),
        "shipmentParcelsCount": len(kept.waybills),
        "waybills": [
            {"awb": waybill, "awbFile": base64.b64encode(_label(kept, waybill)).decode()} for waybill in kept.waybills
        ],
    }


def local(at: float) -> datetime:
    """Return Unix seconds as Saudi time without its offset."""
    return datetime.fromtimestamp(at, UTC).astimezone(SAUDI).replace(tzinfo=None)


def _label(kept: Kept, waybill: str) -> bytes:
    lines = ["SANDBOX - NOT FOR SHIPPING", f"AWB {waybill}", f"SAWB {kept.number}", f"REF {kept.wish.order}"]
    return labels.zpl(lines) if kept.wish.zpl else labels.pdf(lines)


def _sample(number: str, stages: Sequence[Stage], share: float, now: float) -> Kept:
    abroad = stages is ABROAD
    wish = Wish(
        kind="B2C",
        order=f"SAMPLE-{number[-4:]}",
        origin=Address(name="Quayside Sandbox", country="SA", city="Riyadh"),
        destination=Address(name="Jo Sample", country="AE" if abroad else "SA", city="Dubai" if abroad else "Jeddah"),
        parcels=1,
        content="Sample",
        collect=Decimal(0),
        currency="SAR",
        zpl=False,
        service="EIDL" if abroad else "EDDL",
    )
    return Kept(
        number=number, owner="", wish=wish, waybills=(f"{number[:-1]}9",), made=now, stages=stages, pinned=share
    )
