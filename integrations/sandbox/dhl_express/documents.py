"""The papers of a shipment, as its request asks for them.

Trap of the vendor's own samples: a waybill document comes typed ``label`` like the label before it; only
``linkLabelsByPieces`` tells the two apart and gives each piece its own label.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from integrations.sandbox import labels

_FORMATS = {"pdf": "PDF", "zpl": "ZPL", "lp2": "LP2", "epl": "EPL2"}


def made_for(waybill: str, pieces: Sequence[str], lines: list[str], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return ``documents``: always a label; waybill document, invoice and receipt where they are requested."""
    wanted = body.get("outputImageProperties", {})
    options = {
        option["typeCode"]
        for option in wanted.get("imageOptions", [])
        if option.get("isRequested", option["typeCode"] == "label")
    }
    thermal = wanted.get("encodingFormat", "pdf")
    apart = any(
        item.get("typeCode") == "linkLabelsByPieces" and item["isRequested"]
        for item in body.get("getAdditionalInformation", [])
    )
    made: list[dict[str, Any]] = []
    if apart:
        for place, piece in enumerate(pieces, start=1):
            label = _document(thermal, [*lines, f"PIECE {place}/{len(pieces)} {piece}"], "label")
            made.append({**label, "packageReferenceNumber": place})
    else:
        made.append(_document(thermal, [*lines, *pieces[:5]], "label"))
    if "waybillDoc" in options:
        made.append(_document(thermal, ["WAYBILL DOCUMENT", *lines], "waybillDoc" if apart else "label"))
    if "invoice" in options:
        made.append(_document("pdf", ["COMMERCIAL INVOICE", f"WAYBILL {waybill}"], "invoice"))
    if "shipmentReceipt" in options:
        made.append(_document("pdf", ["SHIPMENT RECEIPT", f"WAYBILL {waybill}"], "receipt"))
    return made


def waybill_document(lines: list[str]) -> str:
    """Return the waybill document again, base64 of a PDF."""
    return _encoded("pdf", ["WAYBILL DOCUMENT", *lines])


def _document(encoding: str, lines: list[str], kind: str) -> dict[str, Any]:
    return {"imageFormat": _FORMATS[encoding], "content": _encoded(encoding, lines), "typeCode": kind}


def _encoded(encoding: str, lines: list[str]) -> str:
    make = {"pdf": labels.pdf, "zpl": labels.zpl}.get(encoding, labels.epl)
    return base64.b64encode(make(lines)).decode()
