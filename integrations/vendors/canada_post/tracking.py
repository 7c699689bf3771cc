"""Where a parcel of Canada Post's is, read from its scans.

Sources: the developer program's "Messages and code tables" (scan events). A code may have leading zeros or not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from pydantic import Field

from integrations.outcome import Response
from integrations.types.shipping import Tracking, TrackingEvent
from integrations.vendors.canada_post import xml
from integrations.vendors.canada_post.answers import VENDOR_NAME
from integrations.vendors.canada_post.xml import XmlAnswer

Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

_CREATED = "3000 3002"  # announced, not yet handed over
_OUT = "174 500"
_DELIVERED = (
    "1405 1406 1408 1409 1421 1422 1423 1424 1425 1426 1427 1428 1429 1430 1431 1432 1433 1434 1441 1442 1461 1462 "
    "1463 1465 1466 1467 1468 1469 1471 1472 1473 1475 1476 1496 1497 1498 1499"
)
# Nobody was in and a card was left; held; at customs; cannot be delivered; on its way back.
_EXCEPTIONS = (
    "117 118 120 121 127 150 156 167 168 169 179 181 182 183 184 810 1100 1411 1412 1415 1416 1417 1418 1419 1420 1435 "
    "1436 1437 1438 1443 1450 1479 1481 1482 1483 1484 1487 1488 1491 1492 1493 1494 1495 2411 2412 2600 2802 3001 "
    "4650 4700"
)
_STATUSES: dict[str, Status] = {
    **dict.fromkeys(_CREATED.split(), "created"),
    **dict.fromkeys(_OUT.split(), "out_for_delivery"),
    **dict.fromkeys(_DELIVERED.split(), "delivered"),
    **dict.fromkeys(_EXCEPTIONS.split(), "exception"),
}
# Signatures, photos, wishes, new dates and duties: something is noted, the parcel does not move.
_SILENT = "20 21 1200 1203 1210 1214 1215 1216 1220 1221 1223 1224 1225 2001".split()  # noqa: SIM905 - as above
_BACK = re.compile(r"\breturned to (the )?sender\b", re.IGNORECASE)  # delivered, but to whom it came from
_ZONES = ("NST", "AST", "EST", "CST", "MST", "PST"), (-3.5, -4, -5, -6, -7, -8)  # half an hour is Newfoundland's own
_OFFSETS = {  # hours
    **dict(zip(*_ZONES, strict=True)),
    **{zone.replace("S", "D", 1): offset + 1 for zone, offset in zip(*_ZONES, strict=True)},
}


class _Event(XmlAnswer):
    """One scan. Who signed (``signatory-name``) is nobody's business and is not read."""

    code: str = Field(default="", alias="event-identifier")
    date: str = Field(default="", alias="event-date")
    time: str = Field(default="", alias="event-time")
    zone: str = Field(default="", alias="event-time-zone")
    description: str = Field(default="", alias="event-description")
    site: str = Field(default="", alias="event-site")
    province: str = Field(default="", alias="event-province")

    @property
    def number(self) -> str:
        return self.code.lstrip("0")

    @property
    def at(self) -> datetime | None:
        """Return the time as UTC; None where the zone is abroad or not given."""
        offset = _OFFSETS.get(self.zone.upper())
        try:
            local = datetime.fromisoformat(f"{self.date}T{self.time}")
        except ValueError:
            return None
        if offset is None or local.tzinfo is not None:
            return None
        return local.replace(tzinfo=timezone(timedelta(hours=offset))).astimezone(UTC)

    @property
    def status(self) -> Status:
        found = _STATUSES.get(self.number, "in_transit")
        return "exception" if found == "delivered" and _BACK.search(self.description) else found

    @property
    def order(self) -> tuple[str, str]:
        at = self.at
        return (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}") if at is not None else (self.date, self.time)


def tracking(response: Response, number: str) -> Tracking:
    """Return where the parcel is; ``unknown`` when Canada Post has no history of the number."""
    if xml.messages(response.body) is not None:
        return Tracking(vendor=VENDOR_NAME, tracking_number=number, status="unknown")
    root = xml.document(response, "tracking-detail")
    scans = [xml.fields(_Event, element) for element in xml.each(root, "significant-events/occurrence")]
    events = sorted(scans, key=lambda scan: scan.order, reverse=True)
    status = _status(events)
    delivered = next((event.at for event in events if event.status == "delivered"), None)
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=number,
        status=status,
        events=tuple(_event(event) for event in events),
        delivered_at=delivered if status == "delivered" else None,
    )


def _status(events: Sequence[_Event]) -> Status:
    """Return the status of the newest scan that says something of the parcel; scans come newest first."""
    return next((event.status for event in events if event.number not in _SILENT), "created")


def _event(event: _Event) -> TrackingEvent:
    at = event.at
    said = event.description
    if at is None and event.date:
        # The local time of the place, whose zone we do not know, so it stays a text.
        said = f"{said} ({' '.join(part for part in (event.date, event.time, event.zone) if part)} local time)"
    place = ", ".join(part for part in (event.site, event.province) if part)
    return TrackingEvent(at=at, status=event.code, description=said, place=place)
