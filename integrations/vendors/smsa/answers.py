"""What SMSA Express answers, in our words. The spelling ``Desination…`` is SMSA's; we read neither of those fields."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.reading import Answer, read
from integrations.types.shipping import CancelledShipment, CreatedShipment, Label, Tracking, TrackingEvent

VENDOR_NAME = "smsa"
CANCELLED = "cancelled"  # of "Shipment Cancelled Successfully!"
Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# Scan types by what they mean, from SMSA's status lookup as public integrations quote it; every other is a movement on
# the way. A type may carry a detail ("DEX03-12").
_EXCEPTIONS = "BA CA CD DE DEX03 DEX08 DEX14 DEX42 DEX8X DEX93 DMG MISS MS NH OH PRC RPMX RTI RTN RTO RTS UTI"
_RETURNED = frozenset({"RTI", "RTN", "RTO", "RTS"})
_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("BK", "DATA", "NEW"), "created"),
    "CAN": "cancelled",
    **dict.fromkeys(("DEX09", "DL", "POD"), "delivered"),
    **dict.fromkeys(_EXCEPTIONS.split(), "exception"),
    "OD": "out_for_delivery",
}


class _SmsaAnswer(Answer):
    model_config = ConfigDict(coerce_numbers_to_str=True)


class _Waybill(_SmsaAnswer):
    awb: str = ""
    awb_file: str | None = Field(default=None, alias="awbFile")


class _Shipped(_SmsaAnswer):
    sawb: str = Field(min_length=1)
    waybills: tuple[_Waybill, ...] = ()


class _Scan(_SmsaAnswer):
    kind: str = Field(default="", alias="ScanType")
    description: str | None = Field(default=None, alias="ScanDescription")
    moment: str | None = Field(default=None, alias="ScanDateTime")
    zone: str | None = Field(default=None, alias="ScanTimeZone")
    city: str | None = Field(default=None, alias="City")

    @property
    def code(self) -> str:
        return self.kind.upper().partition("-")[0]

    @property
    def status(self) -> Status:
        return _STATUSES.get(self.code, "in_transit")

    @property
    def at(self) -> datetime | None:
        """Return the time as UTC; None without its zone, which stands beside it."""
        try:
            at = datetime.fromisoformat(f"{self.moment}{self.zone or ''}")
        except ValueError:
            return None
        return at.astimezone(UTC) if at.tzinfo else None

    @property
    def order(self) -> str:
        at = self.at
        return f"{at:%Y-%m-%dT%H:%M:%S}" if at is not None else self.moment or ""


class _Tracked(_SmsaAnswer):
    awb: str = Field(min_length=1, alias="AWB")
    reference: str | None = Field(default=None, alias="Reference")
    delivered: bool | None = Field(default=None, alias="isDelivered")  # only in an answer on a delivered shipment
    scans: tuple[_Scan, ...] | None = Field(default=None, alias="Scans")  # a new waybill may come without

    @property
    def newest_first(self) -> Sequence[_Scan]:
        """Return the scans, newest first: so they come, but nothing promises it."""
        return sorted(self.scans or (), key=lambda scan: scan.order, reverse=True)

    @property
    def status(self) -> Status:
        """Return the status. What goes back to the sender was delivered to nobody, whatever the flag says."""
        scans = self.newest_first
        if self.delivered and not (scans and scans[0].code in _RETURNED):
            return "delivered"
        return scans[0].status if scans else "created"


def created(response: Response, reference: str, service_code: str) -> CreatedShipment:
    """Return the shipment of an answer, with a label for each parcel. SMSA names no price."""
    shipped = read(_Shipped, response.json(), status=response.status)
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=shipped.sawb,
        service_code=service_code,
        labels=_labels(shipped),
    )


def labels(response: Response) -> tuple[Label, ...]:
    """Return the labels of a shipment that is asked for again; () while SMSA does not know it."""
    return () if response.status >= 400 else _labels(read(_Shipped, response.json(), status=response.status))


def found_by_reference(response: Response, reference: str) -> str | None:
    """Return the waybill number that carries our reference, None when SMSA knows none, or only one that is cancelled.

    Raise SchemaDrift when SMSA has found something else: then nobody can tell.
    """
    tracked = _records(response)
    mine = [one for one in tracked if (one.reference or "").strip().casefold() == reference.casefold()]
    if tracked and not mine:
        raise SchemaDrift("SMSA Express found a shipment that does not carry our reference.", field="Reference")
    return next((one.awb for one in mine if one.status != "cancelled"), None)


def is_known(response: Response) -> bool:
    """Return whether SMSA knows the pickup return that was asked for."""
    if response.status >= 400 or not response.body.strip() or response.json() is None:
        return False
    read(_Shipped, response.json(), status=response.status)
    return True


def cancellation(response: Response, number: str) -> CancelledShipment:
    """Return what came of a cancellation, which is told by a plain sentence.

    Raise SchemaDrift for a success that does not say so.
    """
    if response.status >= 400:
        return kept(number, "SMSA Express does not cancel this return any more: it is cancelled, or on its way.")
    if CANCELLED not in response.text().casefold():
        raise SchemaDrift(
            "SMSA Express does not say that the return is cancelled.", field="body", status=response.status
        )
    return CancelledShipment(vendor=VENDOR_NAME, tracking_number=number, cancelled=True)


def kept(number: str, message: str) -> CancelledShipment:
    """Return that nothing was cancelled, and why."""
    return CancelledShipment(vendor=VENDOR_NAME, tracking_number=number, cancelled=False, message=message)


def tracking(response: Response, number: str) -> Tracking:
    """Return where the shipment is; ``unknown`` when SMSA does not know the number."""
    tracked = _records(response)
    if not tracked:
        return Tracking(vendor=VENDOR_NAME, tracking_number=number, status="unknown")
    shipment = tracked[0]
    scans = shipment.newest_first
    delivered = next((scan.at for scan in scans if scan.status == "delivered"), None)
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=number,
        status=shipment.status,
        events=tuple(_event(scan) for scan in scans),
        delivered_at=delivered if shipment.status == "delivered" else None,
    )


def _records(response: Response) -> Sequence[_Tracked]:
    """Return what tracking has found: an object as documented, or a list of them; nothing for 404, null or no body."""
    if response.status == 404 or not response.body.strip():
        return ()
    body: Any = response.json()
    listed = body if isinstance(body, list) else [body]
    return [read(_Tracked, one, status=response.status) for one in listed if one is not None]


def _event(scan: _Scan) -> TrackingEvent:
    at = scan.at
    said = scan.description or ""
    if at is None and scan.moment:
        # The local time of the place, whose zone SMSA did not give, so it stays a text.
        said = f"{said} ({scan.moment} local time)".strip()
    return TrackingEvent(at=at, status=scan.kind, description=said, place=scan.city or "")


def _labels(shipped: _Shipped) -> tuple[Label, ...]:
    return tuple(
        Label(format=_format(waybill.awb_file), content=waybill.awb_file)
        for waybill in shipped.waybills
        if waybill.awb_file
    )


def _format(content: str) -> Literal["PDF", "ZPL"]:
    """Return what a label is by how it begins; an account may be set to printer's code whatever we ask for."""
    try:
        return "ZPL" if b64decode(content[:8]).lstrip().startswith(b"^XA") else "PDF"
    except ValueError:
        return "PDF"
