"""Links: what an answer points at, absolute, with the media type that fetches it."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.sandbox.canada_post.parcels import Parcel
from integrations.sandbox.canada_post.xml import MEDIA_TYPES, Value

_ARTIFACTS = ("label", "returnLabel", "commercialInvoice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """How links begin for one customer: the host as it was addressed, or the vendor's own."""

    host: str
    owner: str = ""
    behalf: str = ""

    def to(self, namespace: str, rel: str, path: str) -> Value:
        """Return a link to any path."""
        return {"@rel": rel, "@href": self.host + path, "@media-type": MEDIA_TYPES[namespace]}

    def home(self) -> str:
        """Return where the customer's contract shipments are."""
        return f"/rs/{self.owner}/{self.behalf}"

    def artifacts(self, parcel: Parcel) -> list[Value]:
        """Return the links to what was printed for a parcel."""
        zpl = parcel.request["delivery-spec"].get("print-preferences", {}).get("encoding") == "ZPL"
        return [
            {
                "@rel": rel,
                "@href": self.host + parcel.artifacts[rel],
                "@media-type": "application/zpl" if zpl and rel != "commercialInvoice" else "application/pdf",
                "@index": "0",
            }
            for rel in _ARTIFACTS
            if rel in parcel.artifacts
        ]
