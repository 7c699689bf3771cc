"""What Aramex answers, in our words. zeep's objects come in; a missing part is None."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from integrations.errors import SchemaDrift
from integrations.types.base import Money
from integrations.types.shipping import CreatedShipment, Label, RateQuote, Tracking, TrackingEvent
from integrations.vendors.aramex.declaration import PRODUCTS

VENDOR_NAME = "aramex"
Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# Aramex publishes no list of update codes, so the words of the update decide; the first that is found wins.
_WORDS: tuple[tuple[str, Status], ...] = (
    ("undeliver", "exception"),
    ("not delivered", "exception"),
    ("attempt", "exception"),
    ("refused", "exception"),
    ("on hold", "exception"),
    ("returned", "exception"),
    ("cancel", "cancelled"),
    ("out for delivery", "out_for_delivery"),
    ("delivered", "delivered"),
    ("record created", "created"),
    ("created", "created"),
)


def quote(answer: Any, group: str, product_type: str, as_of: datetime) -> RateQuote:
    """Return the price of one product. Raise SchemaDrift when it is missing."""
    total = answer.TotalAmount
    if total is None or total.Value is None or not total.CurrencyCode:
        raise SchemaDrift("Aramex's answer names no price.", field="TotalAmount")
    return RateQuote(
        vendor=VENDOR_NAME,
        service_code=product_type,
        service_name=f"Aramex {PRODUCTS[group][product_type]}",
        # A double on the wire: its shortest text has the digits Aramex wrote, three decimals of a KWD price included.
        price=Money(amount=Decimal(str(total.Value)), currency=total.CurrencyCode.strip()),
        as_of=as_of,
    )


def created(answer: Any, reference: str, service_code: str) -> CreatedShipment:
    """Return the created shipment. Raise SchemaDrift when it has no number."""
    processed = answer.Shipments.ProcessedShipment if answer.Shipments is not None else None
    first = processed[0] if processed else None
    if first is None or not first.ID:
        raise SchemaDrift("Aramex's answer names no shipment number.", field="ProcessedShipment.ID")
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=first.ID.strip(),
        service_code=service_code,
        labels=_labels(first.ShipmentLabel),
    )


def tracking(answer: Any, tracking_number: str) -> Tracking:
    """Return where the shipment is; ``unknown`` for a waybill Aramex does not know."""
    entries = (
        answer.TrackingResults.KeyValueOfstringArrayOfTrackingResultmFAkxlpY
        if answer.TrackingResults is not None
        else None
    ) or []
    updates = [
        update
        for entry in entries
        if entry.Key == tracking_number and entry.Value is not None
        for update in entry.Value.TrackingResult or []
        if update is not None
    ]
    updates.sort(key=lambda update: _local(update.UpdateDateTime), reverse=True)
    delivered = [update for update in updates if _status(update) == "delivered"]
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        status=_status(updates[0]) if updates else "unknown",
        events=tuple(_event(update) for update in updates),
        delivered_at=_utc(delivered[0].UpdateDateTime) if delivered else None,
    )


def _labels(label: Any) -> tuple[Label, ...]:
    if label is None or not (label.LabelFileContents or label.LabelURL):
        return ()
    contents = label.LabelFileContents
    content = b64encode(contents).decode() if isinstance(contents, bytes) else contents or ""
    return (Label(format="PDF", content=content, url=label.LabelURL or ""),)


def _status(update: Any) -> Status:
    if (update.ProblemCode or "").strip():
        return "exception"
    said = (update.UpdateDescription or "").lower()
    return next((status for word, status in _WORDS if word in said), "in_transit")


def _event(update: Any) -> TrackingEvent:
    said = (update.UpdateDescription or "").strip()
    at = _utc(update.UpdateDateTime)
    if at is None and update.UpdateDateTime is not None:
        # Aramex gives the local time of the place and not its zone, so it stays a text.
        said = f"{said} ({update.UpdateDateTime:%Y-%m-%d %H:%M} local time)"
    return TrackingEvent(
        at=at, status=(update.UpdateCode or "").strip(), description=said, place=(update.UpdateLocation or "").strip()
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None and moment.tzinfo else None


def _local(moment: datetime | None) -> str:
    return moment.replace(tzinfo=None).isoformat() if moment is not None else ""
