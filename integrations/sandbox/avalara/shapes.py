"""A document as AvaTax shows it.

An estimate (recorded) has nought for every id and lacks what only a stored document has. ``$include`` decides what is
nested: nothing named is lines with details, addresses and summary, except in a list, which then has none of them
(unconfirmed). Amounts have at most four decimals, rates six, and are numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.avalara.calculation import Detail, Place, TaxedLine
from integrations.sandbox.avalara.documents import USER_ID, Document

VERSION = "26.10.0"
Shape = dict[str, Any]

_FOUR, _SIX = Decimal("0.0001"), Decimal("0.000001")
_TAX_CODE_IDS = {"P0000000": 8087, "FR": 10890, "FR000000": 8550, "PC040100": 8140, "NT": 8100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """What ``$include`` asks for."""

    lines: bool = False
    details: bool = False
    summary: bool = False
    addresses: bool = False
    by_type: bool = False


def include(text: str | None, *, bare: bool = False) -> Include:
    """Return what is nested; ``bare`` is for lists, where nothing asked for is nothing nested."""
    words = {word.strip().lower() for word in unquote(text or "").split(",")} - {"", "forcetimeout"}
    if not words:
        return Include() if bare else Include(lines=True, details=True, summary=True, addresses=True)
    summary = bool(words & {"summary", "summaryonly"})
    details = "details" in words or "summary" in words
    if "summaryonly" in words or "linesonly" in words:
        details = False
    lines = details or bool(words & {"lines", "linesonly"})
    if "summaryonly" in words:
        lines = False
    return Include(
        lines=lines,
        details=details,
        summary=summary,
        addresses="addresses" in words,
        by_type="taxdetailsbytaxtype" in words,
    )


def transaction(document: Document, nested: Include) -> Shape:
    """Return a document."""
    model, stored = document.model, document.is_stored
    places = _places(document)
    shown: Shape = {
        "id": document.id,
        "code": document.code,
        "companyId": document.company_id,
        "date": model["date"].isoformat(),
        "paymentDate": "1900-01-01" if stored else model["date"].isoformat(),
        "status": document.status,
        "type": document.type,
        "batchCode": model["batchCode"] or "",
        "currencyCode": document.currency,
        "exchangeRateCurrencyCode": model["exchangeRateCurrencyCode"] or document.currency,
        "customerUsageType": model["customerUsageType"] or "",
        "entityUseCode": model["entityUseCode"] or model["customerUsageType"] or "",
        "customerVendorCode": model["customerCode"],
        "customerCode": model["customerCode"],
        "exemptNo": model["exemptionNo"] or "",
        "reconciled": False,
        "locationCode": model["reportingLocationCode"] or "",
        "reportingLocationCode": model["reportingLocationCode"] or "",
        "purchaseOrderNo": model["purchaseOrderNo"] or "",
        "referenceCode": model["referenceCode"] or "",
        "salespersonCode": model["salespersonCode"] or "",
    }
    if stored:
        shown |= _override(model["taxOverride"])
    shown |= {
        "totalAmount": _amount(document.taxed.total("amount")),
        "totalExempt": _amount(document.taxed.total("exempt")),
        "totalDiscount": _amount(document.taxed.total("discount")),
        "totalTax": _amount(document.tax),
        "totalTaxable": _amount(document.taxed.total("taxable")),
        "totalTaxCalculated": _amount(document.taxed.total("calculated")),
        "adjustmentReason": document.reason,
        "locked": document.locked,
        "version": document.version,
        "exchangeRateEffectiveDate": (model["exchangeRateEffectiveDate"] or model["date"]).isoformat(),
        "exchangeRate": _amount(model["exchangeRate"] or Decimal(1)),
        "modifiedDate": moment_text(document.modified) + ("" if stored else "Z"),
        "modifiedUserId": USER_ID,
        "taxDate": f"{_tax_date(document)}T00:00:00",
    }
    if stored:
        last = document.taxed.lines[-1].destination
        shown |= {
            "adjustmentDescription": document.explanation,
            "region": last.region or last.country,
            "country": last.country,
            "softwareVersion": f"{VERSION}.0",
            "originAddressId": places[document.taxed.lines[0].origin.key],
            "destinationAddressId": places[document.taxed.lines[0].destination.key],
            "isSellerImporterOfRecord": bool(model["isSellerImporterOfRecord"]),
            "description": model["description"] or "",
            "email": model["email"] or "",
            "businessIdentificationNo": model["businessIdentificationNo"] or "",
        }
    if nested.lines:
        shown["lines"] = [
            _line(document, line, index, places, details=nested.details)
            for index, line in enumerate(document.taxed.lines)
        ]
    if nested.addresses:
        shown["addresses"] = _addresses(document, places)
        if stored:
            shown["locationTypes"] = _location_types(document, places)
    if nested.summary:
        shown["summary"] = _summary(document)
    if nested.by_type:
        shown["taxDetailsByTaxType"] = _by_type(document)
    return shown


def moment_text(at: float) -> str:
    """Return Unix seconds as AvaTax writes a moment: UTC, without a zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_FOUR)


def _override(override: Shape | None) -> Shape:
    kind = (override or {}).get("type") or "None"
    return {
        "taxOverrideType": kind,
        "taxOverrideAmount": _amount((override or {}).get("taxAmount") or Decimal(0)),
        "taxOverrideReason": (override or {}).get("reason") or "",
    }


def _tax_date(document: Document) -> str:
    override = document.model["taxOverride"] or {}
    return str(override.get("taxDate") or document.model["date"])


def _line(document: Document, line: TaxedLine, index: int, places: dict[Any, int], *, details: bool) -> Shape:
    model, stored = line.model, document.is_stored
    id = document.id * 10 + index + 1 if stored else 0
    tax_code = model["taxCode"] or "P0000000"
    shown: Shape = {
        "id": id,
        "transactionId": document.id,
        "lineNumber": line.number,
        "customerUsageType": model["customerUsageType"] or "",
        "entityUseCode": model["entityUseCode"] or model["customerUsageType"] or "",
        "description": model["description"] or "",
        "discountAmount": _amount(line.discount),
        "exemptAmount": _amount(line.exempt),
        "exemptCertId": 0,
        "exemptNo": model["exemptionCode"] or "",
        "isItemTaxable": all(detail.rule in ("RateRule", "NexusRule") for detail in line.details),
        "itemCode": model["itemCode"] or "",
        "lineAmount": _amount(line.amount),
        "quantity": _amount(model["quantity"] or Decimal(1)),
        "ref1": model["ref1"] or "",
        "ref2": model["ref2"] or "",
        "reportingDate": document.model["date"].isoformat(),
        "tax": _amount(line.tax),
        "taxableAmount": _amount(line.taxable),
        "taxCalculated": _amount(line.calculated),
        "taxCode": tax_code,
        "taxCodeId": _TAX_CODE_IDS.get(tax_code, 8000 + sum(map(ord, tax_code))),
        "taxDate": _tax_date(document),
        "taxIncluded": bool(model["taxIncluded"]),
    }
    if stored:
        shown |= {
            "boundaryOverrideId": 0,
            "destinationAddressId": places[line.destination.key],
            "originAddressId": places[line.origin.key],
            "discountTypeId": 0,
            "isSSTP": False,
            "revAccount": model["revenueAccount"] or "",
            "sourcing": "Destination",
            "taxEngine": "",
            "businessIdentificationNo": model["businessIdentificationNo"] or "",
            "lineLocationTypes": [
                {
                    "documentLineLocationTypeId": id * 10 + place,
                    "documentLineId": id,
                    "documentAddressId": places[one.key],
                    "locationTypeCode": name,
                }
                for place, (name, one) in enumerate((("ShipFrom", line.origin), ("ShipTo", line.destination)))
            ],
        }
        shown |= _override(model["taxOverride"])
    if details:
        shown["details"] = [
            _detail(document, line, detail, id * 10 + place, places) for place, detail in enumerate(line.details)
        ]
        shown["nonPassthroughDetails"] = []
    shown |= {"hsCode": model["hsCode"] or "", "costInsuranceFreight": _amount(Decimal(0)), "vatCode": ""}
    shown["vatNumberTypeId"] = 0
    return shown


def _detail(document: Document, line: TaxedLine, detail: Detail, id: int, places: dict[Any, int]) -> Shape:
    one, stored = detail.jurisdiction, document.is_stored
    shown: Shape = {
        "id": id if stored else 0,
        "transactionLineId": id // 10 if stored else 0,
        "transactionId": document.id,
        "country": one.country,
        "region": one.region,
        "exemptAmount": _amount(detail.exempt),
        "jurisCode": one.code,
        "jurisName": one.name,
        "stateAssignedNo": "",
        "jurisType": one.short_kind,
        "jurisdictionType": one.kind,
        "nonTaxableAmount": _amount(detail.free),
        "rate": one.rate.quantize(_SIX),
        "tax": _amount(detail.tax),
        "taxableAmount": _amount(detail.taxable),
        "taxType": "Output" if one.value_added else "Sales",
        "taxSubTypeId": "O" if one.value_added else "S",
        "taxName": one.tax_name,
        "taxAuthorityTypeId": 45,
        "taxCalculated": _amount(detail.calculated),
        "rateType": _rate_type(detail),
        "rateTypeCode": _rate_type(detail)[0],
        "unitOfBasis": "PerCurrencyUnit",
        "isNonPassThru": False,
        "isFee": False,
        "reportingTaxableUnits": _amount(detail.taxable),
        "reportingNonTaxableUnits": _amount(detail.free),
        "reportingExemptUnits": _amount(detail.exempt),
        "reportingTax": _amount(detail.tax),
        "reportingTaxCalculated": _amount(detail.calculated),
        "liabilityType": "Seller",
    }
    if stored:
        shown |= {
            "addressId": places[line.destination.key],
            "countyFIPS": "",
            "stateFIPS": one.state_fips,
            "exemptReasonId": 4,
            "inState": line.origin.region == line.destination.region,
            "jurisdictionId": one.id,
            "signatureCode": one.signature,
            "nonTaxableRuleId": 0,
            "nonTaxableType": detail.rule,
            "rateRuleId": 0,
            "rateSourceId": 3 if one.rate else 0,
            "serCode": "",
            "sourcing": "Destination",
            "taxTypeGroupId": "InputAndOutput" if one.value_added else "SalesAndUse",
            "taxRegionId": one.id,
            "taxOverride": _amount(detail.tax if line.overridden is not None else Decimal(0)),
            "taxableUnits": _amount(detail.taxable),
            "nonTaxableUnits": _amount(detail.free),
            "exemptUnits": _amount(detail.exempt),
        }
    return shown


def _rate_type(detail: Detail) -> str:
    if not detail.jurisdiction.value_added:
        return "General"
    return "Standard" if detail.jurisdiction.rate else "Zero"


def _all_places(document: Document) -> Iterable[tuple[str, Place]]:
    for line in document.taxed.lines:
        yield "ShipTo", line.destination
        yield "ShipFrom", line.origin


def _places(document: Document) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for _, place in _all_places(document):
        found.setdefault(place.key, document.id * 100 + len(found) + 1 if document.is_stored else 0)
    return found


def _addresses(document: Document, places: dict[Any, int]) -> list[Shape]:
    by_key = {place.key: place for _, place in _all_places(document)}
    return [
        {
            "id": places[key],
            "transactionId": document.id,
            "boundaryLevel": "Address" if place.country == "US" and place.line1 else "Zip5",
            "line1": place.line1,
            "line2": place.line2,
            "line3": place.line3,
            "city": place.city,
            "region": place.region,
            "postalCode": place.postal_code,
            "country": place.country,
            "taxRegionId": 0,
            "latitude": "0",
            "longitude": "0",
        }
        for key, place in by_key.items()
    ]


def _location_types(document: Document, places: dict[Any, int]) -> list[Shape]:
    first = document.taxed.lines[0]
    return [
        {
            "documentLocationTypeId": document.id * 100 + 50 + index,
            "documentId": document.id,
            "documentAddressId": places[place.key],
            "locationTypeCode": name,
        }
        for index, (name, place) in enumerate((("ShipFrom", first.origin), ("ShipTo", first.destination)))
    ]


def _summary(document: Document) -> list[Shape]:
    found: dict[Any, list[Detail]] = {}
    for line in document.taxed.lines:
        for detail in line.details:
            found.setdefault(detail.jurisdiction, []).append(detail)
    return [
        {
            "country": one.country,
            "region": one.region,
            "jurisType": one.kind,
            "jurisCode": one.code,
            "jurisName": one.name,
            "taxAuthorityType": 45,
            "stateAssignedNo": "",
            "taxType": "Output" if one.value_added else "Sales",
            "taxSubType": "O" if one.value_added else "S",
            "taxName": one.tax_name,
            "rateType": _rate_type(details[0]),
            "taxable": _sum(details, "taxable"),
            "rate": one.rate.quantize(_SIX),
            "tax": _sum(details, "tax"),
            "taxCalculated": _sum(details, "calculated"),
            "nonTaxable": _sum(details, "free"),
            "exemption": _sum(details, "exempt"),
        }
        for one, details in found.items()
    ]


def _by_type(document: Document) -> list[Shape]:
    found: dict[str, list[Detail]] = {}
    for line in document.taxed.lines:
        for detail in line.details:
            found.setdefault("Output" if detail.jurisdiction.value_added else "Sales", []).append(detail)
    return [
        {
            "taxType": name,
            "totalTaxable": _sum(details, "taxable"),
            "totalExempt": _sum(details, "exempt"),
            "totalNonTaxable": _sum(details, "free"),
            "totalTax": _sum(details, "tax"),
        }
        for name, details in found.items()
    ]


def _sum(details: Collection[Detail], name: str) -> Decimal:
    return _amount(sum((getattr(detail, name) for detail in details), Decimal(0)))
