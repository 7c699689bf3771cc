"""Label requests and the links they lead to.

Settings: ``label_seconds`` (5: how long a label takes that nobody waits for), ``label_error`` (false: labels fail),
``label_link_seconds`` (3600: how long a link is good; the vendor does not publish it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.australia_post import reading
from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.reading import Reader
from integrations.sandbox.australia_post.shipments import Item, Kept, Shipments, label_stamp
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.twin import Answer, World

_GROUPS = (
    "Parcel Post", "Express Post", "StarTrack", "Startrack Courier", "StarTrack Courier", "International", "Commercial",
)  # fmt: skip
_LAYOUTS = ("A4-1pp", "A4-3pp", "A4-4pp", "A6-1pp", "THERMAL-LABEL-A6-1PP")
_FORMATS = ("PDF", "ZPL")
_MOST_ZPL = 50
_MOST_AT_ONCE = 250
_DENIED = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>%s</Message></Error>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One label request: for which items, in which format, and when it is done."""

    id: str
    account: str
    shipments: tuple[Kept, ...]
    lines: tuple[str, ...]
    zpl: bool
    made: float
    ready: float
    failed: bool


class Papers:
    """All label requests."""

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments
        self._random = world.chance(f"australia_post.papers:{world.now():.0f}")
        self._requests: Shelf[Request] = Shelf()

    def __repr__(self) -> str:
        return f"<Papers {len(self._requests)} requests>"

    def request(self, asked: Reader, account: str, host: str) -> dict[str, Any]:
        """Make labels and return ``labels``: at once when the request waits for them, else ``PENDING``."""
        zpl = _preferences(asked)
        if not asked.value.get("shipments"):
            asked.problems.append(shipping("44033"))
        reading.done(asked)
        chosen = [self._chosen(one, account) for one in asked.objects("shipments")]
        reading.done(asked)
        items = [(kept, item) for kept, some in chosen for item in some]
        if zpl and len(items) > _MOST_ZPL:
            raise Refused(400, shipping("51008", str(_MOST_ZPL)))
        now = self._world.now()
        waits = asked.flag("wait_for_label_url", False) and len(items) <= _MOST_AT_ONCE
        draw = f"{self._random.getrandbits(128):032x}"
        made = Request(
            id=f"{draw[:8]}-{draw[8:12]}-{draw[12:16]}-{draw[16:20]}-{draw[20:]}",
            account=account,
            shipments=tuple(kept for kept, _ in chosen),
            lines=tuple(line for kept, item in items for line in _lines(kept, item)),
            zpl=zpl,
            made=now,
            ready=now if waits else now + float(self._world.setting("australia_post", "label_seconds", 5)),
            failed=bool(self._world.setting("australia_post", "label_error", False)),
        )
        self._requests.put(made.id, made)
        if not made.failed:
            for _, item in items:
                item.label = self._link(made, host)
        return self._told(made, host)

    def look(self, id: str, account: str, host: str) -> dict[str, Any]:
        """Return ``labels`` for a request as it stands now, with a link anew; raises Refused, 404, when unknown."""
        found = self._requests.get(id)
        if found is None or found.account != account:
            raise Refused(404, shipping("51020", id))
        return self._told(found, host)

    def document(self, file: str, expires: str, signature: str) -> Answer:
        """Return the document of a link; a storage's XML, 403, when the link is spoilt or past its time."""
        id, _, ending = file.rpartition(".")
        found = self._requests.get(id)
        good = found is not None and ending == ("zpl" if found.zpl else "pdf") and signature == _sign(file, expires)
        if found is None or not good:
            return _denied(b"Access denied")
        now = self._world.now()
        if not expires.isdigit() or now >= int(expires) or now < found.ready or found.failed:
            return _denied(b"Request has expired")
        kind = "text/plain" if found.zpl else "application/pdf"
        content = labels.zpl(list(found.lines)) if found.zpl else labels.pdf(list(found.lines))
        return Answer(headers=(("Content-Type", kind),), body=content)

    def _chosen(self, asked: Reader, account: str) -> tuple[Kept, list[Item]]:
        """Return a shipment and the items of it to label; all when none is named."""
        kept = self._shipments.find(asked.text("shipment_id", needed=True), account)
        if asked.value.get("items") is None:
            return kept, kept.items
        named = {item.text("item_id", needed=True) for item in asked.objects("items")}
        return kept, [item for item in kept.items if item.id in named]

    def _told(self, request: Request, host: str) -> dict[str, Any]:
        ids = [kept.id for kept in request.shipments]
        told: dict[str, Any] = {"request_id": request.id}
        done = self._world.now() >= request.ready
        status = "PENDING" if not done else "ERROR" if request.failed else "AVAILABLE"
        if status == "AVAILABLE":
            told["url"] = self._link(request, host)
        told |= {"status": status, "request_date": label_stamp(request.made)}
        if status == "AVAILABLE":
            told["url_creation_date"] = label_stamp(self._world.now())
        told |= {"shipments": [{"shipment_id": id, "options": {}} for id in ids], "shipment_ids": ids}
        return {"labels": [told]}

    def _link(self, request: Request, host: str) -> str:
        seconds = float(self._world.setting("australia_post", "label_link_seconds", 3600))
        expires = str(int(max(self._world.now(), request.ready) + seconds))
        file = f"{request.id}.{'zpl' if request.zpl else 'pdf'}"
        return f"{host}/lodgement4/labels/{file}?Expires={expires}&Signature={_sign(file, expires)}"


def _preferences(asked: Reader) -> bool:
    """Return whether the labels are to be ZPL, noting preferences that are incomplete."""
    zpl = False
    for preference in asked.objects("preferences"):
        if preference.text("type", needed=True) not in ("PRINT", ""):
            preference.missing("type")
        written = preference.text("format") or "PDF"
        if written not in _FORMATS:
            preference.missing("format")
        zpl = zpl or written == "ZPL"
        for group in preference.objects("groups"):
            if group.text("group", needed=True) not in (*_GROUPS, ""):
                group.missing("group")
            if group.text("layout", needed=True) not in (*_LAYOUTS, ""):
                group.missing("layout")
            if not isinstance(group.value.get("branded"), bool):
                group.missing("branded")
            for name in ("left_offset", "top_offset"):
                if not isinstance(group.value.get(name), int):
                    group.missing(name)
    return zpl


def _lines(kept: Kept, item: Item) -> list[str]:
    product = item.parcel.product.type if item.parcel.product else ""
    return ["SANDBOX - NOT FOR MAILING", product, f"ARTICLE {item.article}", f"REF {kept.wish.reference}"]


def _sign(file: str, expires: str) -> str:
    return hashlib.sha256(f"sandbox {file} {expires}".encode()).hexdigest()[:28]


def _denied(why: bytes) -> Answer:
    return Answer(status=403, headers=(("Content-Type", "application/xml"),), body=_DENIED % why)
