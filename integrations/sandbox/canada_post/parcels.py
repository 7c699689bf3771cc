"""Parcels, under contract or not: what is kept of each, and the samples an example can ask for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.canada_post import rates
from integrations.sandbox.canada_post.places import local
from integrations.sandbox.canada_post.rates import Charge, Service
from integrations.sandbox.canada_post.xml import Value
from integrations.sandbox.journey import Journey, Stage
from integrations.sandbox.twin import World

_KEPT = 50_000
DEVELOPMENT_PIN = "123456789012"  # "In development the tracking pin is always" this one

# Event identifiers as the vendor's tracking shows them; the last part of each way depends on how it ends.
_START = (
    Stage(share=0.0, code="3000", text="Electronic information submitted by shipper"),
    Stage(share=0.1, code="2300", text="Item picked up by Canada Post"),
    Stage(share=0.3, code="0100", text="Item processed at postal facility"),
)
_END = (
    Stage(share=0.7, code="0100", text="Item processed at postal facility", arrived=True),
    Stage(share=0.9, code="0174", text="Item out for delivery", arrived=True),
)
DELIVERED: Sequence[Stage] = (
    *_START,
    *_END,
    Stage(share=1.0, code="1496", text="Item successfully delivered", arrived=True),
)
_CARDED = (
    Stage(
        share=1.0,
        code="1479",
        text="Attempted delivery. Notice card left indicating where item can be picked up.",
        arrived=True,
    ),
    Stage(share=1.05, code="1701", text="Item available for pickup at Post Office", arrived=True),
)
_REFUSED = (Stage(share=1.0, code="1415", text="Item refused by recipient. Item being returned.", arrived=True),)

# Tracking pin -> stages and where on the way it stands for ever; None has not been transmitted, so it can be voided.
SAMPLES: dict[str, tuple[Sequence[Stage], float | None]] = {
    "7023210039400011": (DELIVERED, None),
    "7023210039400028": (DELIVERED, 0.0),
    "7023210039400035": (DELIVERED, 0.5),
    "7023210039400042": (DELIVERED, 0.95),
    "7023210039400059": (DELIVERED, 1.2),
    "7023210039400066": ((*_START, *_END, *_CARDED), 1.2),
    "7023210039400073": ((*_START, *_END, *_REFUSED), 1.2),
}


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One shipment. ``group`` is None from the moment it is transmitted; nobody's samples have no ``owner``."""

    id: str
    owner: str
    behalf: str
    contract: bool
    pin: str
    service: Service
    request: Value
    origin: str
    destination: str  # the postal code
    country: str
    price: Charge
    made: float
    mailed: date
    group: str | None = None
    transmitted: float | None = None
    po_number: str | None = None
    manifest: str | None = None
    return_pin: str | None = None
    refund: tuple[date, str] | None = None
    artifacts: dict[str, str] = field(default_factory=dict)  # rel -> path
    stages: Sequence[Stage] = DELIVERED
    pinned: float | None = None

    @property
    def status(self) -> str:
        return "created" if self.transmitted is None else "transmitted"

    @property
    def reference(self) -> str:
        """What the customer calls it: the request id, else the first reference."""
        named = self.request["delivery-spec"].get("references", {})
        return str(self.request.get("customer-request-id") or named.get("customer-ref-1", ""))

    @property
    def journey(self) -> Journey:
        days = rates.transit(self.service, self.origin, self.destination) or 15
        start = self.made if self.transmitted is None else self.transmitted
        return Journey(stages=self.stages, made=start, days=days, pinned=self.pinned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A document to fetch: a label, a customs invoice, a manifest."""

    media_type: str
    content: bytes
    ready: float
    made: float


class Parcels:
    """All parcels and documents. Settings: ``development`` (false: every pin is 123456789012), ``artifact_seconds`` (0)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"canada_post.parcels:{world.now():.0f}")
        self._numbers = self._random.randrange(10**6) * 100
        self.by_id: dict[str, Parcel] = {}
        self.artifacts: dict[str, Artifact] = {}  # by path
        for pin, (stages, share) in SAMPLES.items():
            self._add_sample(pin, stages, share)

    def __repr__(self) -> str:
        return f"<Parcels {len(self.by_id)} parcels, {len(self.artifacts)} documents>"

    def keep(self, parcel: Parcel) -> None:
        """Add a parcel, with its label and what else is printed for it."""
        self.by_id[parcel.id] = parcel
        if len(self.by_id) > _KEPT:
            oldest = self.by_id.pop(next(iter(self.by_id)))
            for path in oldest.artifacts.values():
                self.artifacts.pop(path, None)
        printing = parcel.request["delivery-spec"].get("print-preferences", {})
        lines = ["SANDBOX - NOT FOR MAILING", parcel.service.name, f"PIN {parcel.pin}", f"REF {parcel.reference}"]
        zpl = printing.get("encoding") == "ZPL"
        parcel.artifacts["label"] = self.publish(lines, zpl=zpl)
        if parcel.return_pin is not None:
            parcel.artifacts["returnLabel"] = self.publish([*lines[:2], f"PIN {parcel.return_pin}"], zpl=zpl)
        if parcel.country != "CA":
            parcel.artifacts["commercialInvoice"] = self.publish(["COMMERCIAL INVOICE", f"PIN {parcel.pin}"])

    def publish(self, lines: list[str], *, zpl: bool = False) -> str:
        """Make a document of the lines and return its path; it can be fetched ``artifact_seconds`` later."""
        now = self._world.now()
        self._numbers += 1
        path = f"/rs/artifact/{self._random.getrandbits(64):016x}/{10_000_000_000 + self._numbers}/0"
        self.artifacts[path] = Artifact(
            media_type="application/zpl" if zpl else "application/pdf",
            content=labels.zpl(lines) if zpl else labels.pdf(lines),
            made=now,
            ready=now + float(self._world.setting("canada_post", "artifact_seconds", 0)),
        )
        return path

    def new_id(self) -> str:
        """Return an unused shipment id: eighteen digits."""
        while (number := str(self._random.randrange(10**17, 10**18))) in self.by_id:
            pass
        return number

    def new_pin(self, owner: str) -> str:
        """Return a tracking pin: seven digits of the customer number, eight of a sequence, a check digit."""
        if self._world.setting("canada_post", "development", False):
            return DEVELOPMENT_PIN
        self._numbers += 1
        digits = f"{owner[-7:]}{self._numbers % 10**8:08d}"
        check = -sum(int(digit) * weight for digit, weight in zip(digits, (3, 1) * 8, strict=False)) % 10
        return f"{digits}{check}"

    def new_number(self, letter: str) -> str:
        """Return a document number such as a purchase order's."""
        return f"{letter}{self._random.randrange(10**8, 10**9)}"

    def owned(self, owner: str, behalf: str | None) -> list[Parcel]:
        """Return a customer's parcels, oldest first; ``behalf`` None are those without a contract.

        The samples are everybody's.
        """
        return [
            parcel
            for parcel in self.by_id.values()
            if parcel.contract == (behalf is not None)
            and (not parcel.owner or (parcel.owner == owner and behalf in (None, parcel.behalf)))
        ]

    def with_pin(self, pin: str) -> Parcel | None:
        """Return the parcel of a pin; of several, as in development, the newest."""
        return next((parcel for parcel in reversed(list(self.by_id.values())) if parcel.pin == pin), None)

    def _add_sample(self, pin: str, stages: Sequence[Stage], share: float | None) -> None:
        now = self._world.now()
        service = rates.SERVICES["DOM.EP"]
        draw = random.Random(pin)
        kg = Decimal(draw.randint(300, 4000)) / 1000
        spec = _sample_spec(pin, f"{kg:f}")
        parcel = Parcel(
            id=f"40695132198{pin[-7:]}",
            owner="",
            behalf="",
            contract=True,
            pin=pin,
            service=service,
            request={"customer-request-id": f"SAMPLE-{pin[-4:]}", "group-id": "samples", "delivery-spec": spec},
            origin="K2B8J6",
            destination="V6B1A1",
            country="CA",
            price=rates.charge(service, "K2B8J6", "V6B1A1", spec["parcel-characteristics"], []),
            made=now,
            mailed=local(now).date(),
            group="samples" if share is None else None,
            transmitted=None if share is None else now,
            po_number=None if share is None else "P000000001",
            stages=stages,
            pinned=share,
        )
        self.keep(parcel)


def _sample_spec(pin: str, kg: str) -> dict[str, Any]:
    def address(line: str, city: str, code: str, postal: str) -> dict[str, str]:
        return {
            "address-line-1": line,
            "city": city,
            "prov-state": code,
            "country-code": "CA",
            "postal-zip-code": postal,
        }

    return {
        "service-code": "DOM.EP",
        "sender": {
            "company": "Quayside Sandbox",
            "contact-phone": "6135550100",
            "address-details": address("1 Quay St", "OTTAWA", "ON", "K2B8J6"),
        },
        "destination": {"name": "Jo Sample", "address-details": address("2 Pier Rd", "VANCOUVER", "BC", "V6B1A1")},
        "parcel-characteristics": {"weight": kg},
        "preferences": {"show-packing-instructions": "true"},
        "references": {"customer-ref-1": f"SAMPLE-{pin[-4:]}"},
        "settlement-info": {"contract-id": "0042708517", "intended-method-of-payment": "Account"},
    }
