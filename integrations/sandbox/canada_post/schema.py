"""What each request may hold: the vendor's XSDs as a table, read by ``checks``.

A complex type is a line of ``name=kind``; ``?`` after the name is an element that may be missing, ``*20`` one that
stands once to twenty times, ``^`` one of several of which exactly one must stand. A line beginning with ``|`` is a
choice of one. Elements stand in any order. A kind is ``@type``, ``min..max`` characters, ``n`` for a decimal above 0 up
to a maximum with so many digits behind the point, ``i`` for a whole number from 1, values parted by ``/``, or a name
from ``checks.NAMED``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.sandbox.canada_post.xml import MANIFEST, NCSHIPMENT, RATE, SHIPMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One element of a type. ``most`` is 1 unless it may repeat; ``exclusive`` ones share one place."""

    name: str
    kind: str
    optional: bool
    most: int
    exclusive: bool

    @property
    def repeated(self) -> bool:
        return self.most > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A complex type."""

    members: tuple[Member, ...]
    choice: bool


_ADDRESS_LINES = "address-line-1=1..44 address-line-2?=0..44 city=1..40"
_DESTINATION = (
    "name?=0..44 company?=0..44 additional-address-info?=0..44 client-voice-number?=0..25"
    " address-details=@destination-address"
)
_CUSTOMS = (
    "currency=1..3 reason-for-export=1..3 other-reason?=0..44 sku-list=@sku-list duties-and-taxes-prepaid?=n99999.99:2"
    " certificate-number?=0..10 licence-number?=0..10 invoice-number?=0..10"
)
_LATER_ADDRESS = (
    " city?=1..40 prov-state?=1..20 country-code=country postal-zip-code?=1..14 address-line-2?=0..44"  # abroad, less
)
_SHARED = {
    "dimensions": "length=n999.9:1 width=n999.9:1 height=n999.9:1",
    "notification": "email=email on-shipment=bool on-exception=bool on-delivery=bool",
    "preferences": "show-packing-instructions=bool show-postage-rate?=bool show-insured-value?=bool",
    "references": "cost-centre?=0..30 customer-ref-1?=0..35 customer-ref-2?=0..35",
    "options": "option*20=@option",
    "option": "option-code=1..10 option-amount?=n999999.99:2 option-qualifier-1?=bool option-qualifier-2?=0..12",
    "domestic-address": f"{_ADDRESS_LINES} prov-state=1..2 postal-zip-code=postal",
    "destination": _DESTINATION,
    "sku-list": "item*500=@sku",
    "sku": "customs-number-of-units=i9999 customs-description=1..45 sku?=0..15 hs-tariff-code?=tariff"
    " unit-weight=n99.999:3 customs-value-per-unit=n99999.99:2 customs-unit-of-measure?=3..3 country-of-origin?=country"
    " province-of-origin?=1..2",
}
_RATE = {
    "mailing-scenario": "customer-number?=number contract-id?=number promo-code?=1..10 quote-type?=commercial/counter"
    " expected-mailing-date?=date options?=@rate-options parcel-characteristics=@rated-parcel services?=@services"
    " origin-postal-code=postal destination=@rate-destination",
    "rate-options": "option*20=@rate-option",
    "rate-option": "option-code=1..10 option-amount?=n999999.99:2",
    "rated-parcel": "weight=n99.999:3 dimensions?=@dimensions unpackaged?=bool mailing-tube?=bool oversized?=bool",
    "services": "service-code*20=1..32",
    "rate-destination": "| domestic=@domestic united-states=@united-states international=@international",
    "domestic": "postal-code=postal",
    "united-states": "zip-code=zip",
    "international": "country-code=country postal-code?=1..10",
}
_SHIPMENT = {
    "shipment": "customer-request-id?=0..35 group-id^=1..32 transmit-shipment^=true quickship-label-requested?=bool"
    " cpc-pickup-indicator?=true requested-shipping-point?=postal shipping-point-id?=0..4 expected-mailing-date?=date"
    " provide-pricing-info?=true provide-receipt-info?=true delivery-spec=@delivery-spec return-spec?=@return-spec"
    " pre-authorized-payment?=@pre-authorized-payment create-public-key?=word create-qr-code?=word-or-nothing",
    "delivery-spec": "service-code=1..32 sender=@sender destination=@destination options?=@options"
    " parcel-characteristics=@parcel notification?=@notification print-preferences?=@print-preferences"
    " preferences=@preferences references?=@references customs?=@customs settlement-info=@settlement-info",
    "sender": "name?=0..44 company=0..44 contact-phone=0..25 address-details=@sender-address",
    "sender-address": f"{_ADDRESS_LINES} prov-state=1..20 country-code=country postal-zip-code?=1..14",
    "destination-address": f"address-line-1?=1..44{_LATER_ADDRESS}",
    "parcel": "weight=n999.999:3 dimensions?=@dimensions unpackaged?=bool mailing-tube?=bool oversized?=bool",
    "print-preferences": "output-format?=8.5x11/4x6 encoding?=PDF/ZPL",
    "customs": f"{_CUSTOMS} conversion-from-cad?=n9999.999999:6 ioss-id?=0..13",
    "settlement-info": "paid-by-customer?=number contract-id?=number cif-shipment?=true"
    " intended-method-of-payment=0..15 promo-code?=0..10",
    "return-spec": "service-code=1..32 return-recipient=@return-recipient return-notification?=email",
    "return-recipient": "name?=0..44 company?=0..44 address-details=@domestic-address",
    "pre-authorized-payment": "account-number=1..16 auth-code=1..16 auth-timestamp=moment charge-amount=n9999999.99:2",
    "shipment-refund-request": "email=email",
}
_NCSHIPMENT = {
    "non-contract-shipment": "requested-shipping-point?=postal delivery-spec=@delivery-spec",
    "delivery-spec": "service-code=1..32 sender=@sender destination=@destination options?=@options"
    " parcel-characteristics=@parcel notification?=@notification preferences=@preferences references?=@references"
    " customs?=@customs settlement-info?=@settlement-info",
    "sender": "name?=0..44 company=0..44 contact-phone=0..25 address-details=@domestic-address",
    "destination-address": f"address-line-1=1..44{_LATER_ADDRESS}",
    "parcel": "weight=n999.999:3 dimensions?=@dimensions document?=bool unpackaged?=bool mailing-tube?=bool",
    "customs": f"{_CUSTOMS} conversion-from-cad?=n999.999999:6",
    "settlement-info": "promo-code?=0..10",
    "notification": "email=short-email on-shipment=bool on-exception=bool on-delivery=bool",
    "non-contract-shipment-refund-request": "email=short-email",
}
_MANIFEST = {
    "transmit-set": "customer-request-id?=0..35 group-ids=@group-ids cpc-pickup-indicator?=true"
    " requested-shipping-point?=postal shipping-point-id?=0..4 detailed-manifests=bool method-of-payment=0..15"
    " manifest-address=@manifest-address customer-reference?=0..12 excluded-shipments?=@excluded-shipments",
    "group-ids": "group-id*5000=1..32",
    "excluded-shipments": "shipment-id*5000=0..32",
    "manifest-address": "manifest-company=1..44 manifest-name?=1..44 phone-number=0..25 address-details=@address",
    "address": f"{_ADDRESS_LINES} prov-state=1..2 country-code?=CA/US postal-zip-code=postal-or-zip",
}

_MEMBER = re.compile(r"([\w-]+)(\?|\^|\*(\d+))?=(\S+)")


def _type(line: str) -> Type:
    members = tuple(
        Member(name=name, kind=kind, optional=mark == "?", most=int(most or 1), exclusive=mark == "^")
        for name, mark, most, kind in _MEMBER.findall(line)
    )
    return Type(members=members, choice=line.startswith("|"))


# Namespace -> type or root element -> what it holds.
TYPES: dict[str, dict[str, Type]] = {
    namespace: {name: _type(line) for name, line in {**_SHARED, **own}.items()}
    for namespace, own in ((RATE, _RATE), (SHIPMENT, _SHIPMENT), (NCSHIPMENT, _NCSHIPMENT), (MANIFEST, _MANIFEST))
}
