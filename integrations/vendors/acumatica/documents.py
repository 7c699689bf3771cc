"""A document in the ERP: found by our reference, put once, and read back to prove that it holds the reference.

The ERP numbers its documents itself and has no idempotency key, so our reference in one of its fields is the only
thing that tells a document that is already there from one that is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from integrations.adapter import Exchange
from integrations.errors import BusinessFailed, SchemaDrift
from integrations.outcome import Request, Response
from integrations.types.erp import PostedDocument
from integrations.vendors.acumatica.filters import equal, every
from integrations.vendors.acumatica.values import Record, record, records, text

JSON = {"Accept": "application/json"}
Step = Literal["", "look_up"]
MOST_RECORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of document is known. ``in_effect`` are the statuses in which it counts, ``release`` is the action that
    brings it there."""

    entity: str
    reference: str  # the field that holds our reference
    number: str  # the field that holds the ERP's number
    type: str = ""  # the ERP's document type, where numbers are per type
    type_field: str = "Type"
    in_effect: frozenset[str] = frozenset()
    release: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that identify the document and say how it stands."""
        return (*((self.type_field,) if self.type else ()), self.number, self.reference, "Status")


class Endpoint:
    """The contract-based endpoint during one call."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self.exchange = exchange
        self.path = f"/entity/{name}"

    async def list(
        self,
        entity: str,
        *,
        select: tuple[str, ...],
        filter: str = "",
        expand: str = "",
        top: int = MOST_RECORDS,
        skip: int = 0,
        step: Step = "",
    ) -> list[Record]:
        """Return one page of records; every field read later must be selected, every detail expanded."""
        query = [("$select", ",".join(select)), ("$top", str(top))]
        query += [("$filter", filter)] if filter else []
        query += [("$expand", expand)] if expand else []
        query += [("$skip", str(skip))] if skip else []
        path = f"{self.path}/{entity}"
        request = Request(method="GET", path=path, template=path, query=query, headers=JSON, step=step)
        return records((await self.exchange.send(request)).exact_json())

    async def put(self, kind: Kind, body: Mapping[str, Any]) -> Record:
        """Create a document and return what the ERP shows of it."""
        path = f"{self.path}/{kind.entity}"
        query = (("$select", ",".join(kind.fields)),)
        request = Request(method="PUT", path=path, template=path, query=query, headers=JSON, json=dict(body))
        return record((await self.exchange.send(request)).exact_json())

    async def act(self, entity: str, action: str, document: Mapping[str, Any]) -> Response:
        """Start an action on a document; repeating it is harmless."""
        path = f"{self.path}/{entity}/{action}"
        body = {"entity": dict(document)}
        return await self.exchange.send(
            Request(method="POST", path=path, template=path, headers=JSON, json=body, repeatable=True)
        )

    async def find(self, kind: Kind, reference: str) -> Record | None:
        """Return the document that holds our reference, None when there is none.

        Cancelled ones count only when there is no other. Raises BusinessFailed (duplicate_reference) for several.
        """
        condition = every([equal(kind.type_field, kind.type) if kind.type else "", equal(kind.reference, reference)])
        found = await self.list(kind.entity, select=kind.fields, filter=condition, step="look_up")
        return the_one(found, kind, reference)

    async def put_once(self, kind: Kind, reference: str, body: Mapping[str, Any]) -> PostedDocument:
        """Put a document unless the ERP has it; raise BusinessFailed when it took it without our reference."""
        found = await self.find(kind, reference)
        if found is None:
            found = await self.put_and_prove(kind, reference, body)
        return posted(found, kind, reference)

    async def put_and_prove(self, kind: Kind, reference: str, body: Mapping[str, Any]) -> Record:
        put = await self.put(kind, body)
        name = text(put, kind.number)
        if not name:
            raise SchemaDrift(f"Acumatica: {kind.number} is empty after a write.", field=kind.number)
        # 200 does not prove that every value was stored, and the next look-up stands on this one.
        proof = await self.find(kind, reference)
        if proof is None or text(proof, kind.number) != name:
            raise BusinessFailed(
                f"Acumatica made {kind.entity} {name} without our reference {reference} in {kind.reference}; write it "
                "there in the ERP before this is sent again, or there will be a second one.",
                error_type="reference_not_stored",
                fault="configuration",
            )
        return proof


def the_one(found: list[Record], kind: Kind, reference: str) -> Record | None:
    """Return the record that holds exactly this reference: the ERP compares without regard to case."""
    exact = [item for item in found if text(item, kind.reference) == reference]
    standing = [item for item in exact if text(item, "Status") not in ("Canceled", "Voided")] or exact[:1]
    if len(standing) > 1:
        numbers = ", ".join(sorted(text(item, kind.number) for item in standing))
        raise BusinessFailed(
            f"Acumatica has {reference} more than once ({kind.entity} {numbers}); cancel all but one in the ERP.",
            error_type="duplicate_reference",
            fault="configuration",
        )
    return standing[0] if standing else None


def posted(found: Record, kind: Kind, reference: str) -> PostedDocument:
    """Return a document of the ERP in our words."""
    status = text(found, "Status")
    return PostedDocument(
        vendor="acumatica",
        reference=reference,
        number=text(found, kind.number),
        status=status,
        released=status in kind.in_effect,
    )
