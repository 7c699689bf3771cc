"""The documents of the account's companies, and what may be done to them.

A document is known by company, code and type (developer.avalara.com/blog/2017/03/03, "What's a DocStatusError?"):

- an Order is computed and forgotten: its id is 0, its status Temporary, and nothing of it can be read again;
- an Invoice is Saved, or Committed at once. Created again while Saved it is replaced (its id stays: unconfirmed); once
  Committed or Cancelled it is not, and create answers with a DocStatusError;
- createoradjust and adjust of a Committed one make a new version with an id of its own and leave the old one Adjusted
  (recorded). That a Saved one keeps its id, and that a Cancelled one is refused, is unconfirmed;
- a void makes it Cancelled, a second one is refused as TransactionAlreadyCancelled (an HTTP 400: unconfirmed);
- one that was reported is locked and refuses every change.

An effect is told when tax becomes owed: kind tax with the tax, for an adjustment with the difference (none when there is
none), for a refund below nought. A void is of kind void. A document that is only Saved owes nothing yet.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.avalara.calculation import Taxed, compute
from integrations.sandbox.avalara.errors import Refused, calculation_failed, locked, not_found, wrong_status
from integrations.sandbox.avalara.models import Model
from integrations.sandbox.timeline import Timeline
from integrations.sandbox.twin import World

VENDOR = "avalara"
ACCOUNT_ID = 2_000_001_234
USER_ID = 1_450_221
_FIRST_COMPANY = 7_816_098
# Where the account is registered, unless the setting says otherwise.
_NEXUS = (
    *("US-CA", "US-CO", "US-FL", "US-IL", "US-NY", "US-PA", "US-TX", "US-WA", "CA", "CA-BC"),
    *("GB", "DE", "FR", "NL", "ES", "IT", "IE", "AU", "AE", "SA", "BH", "JP"),
)


@dataclass(slots=True, kw_only=True)
class Document:
    """One version of a document. ``modified`` is Unix seconds."""

    id: int
    company_id: int
    code: str
    type: str
    status: str
    model: Model
    taxed: Taxed
    modified: float
    version: int = 1
    reason: str = "NotAdjusted"
    explanation: str = ""
    locked: bool = False

    @property
    def is_stored(self) -> bool:
        """Return True for an invoice, False for an estimate."""
        return self.type.endswith("Invoice")

    @property
    def currency(self) -> str:
        """Return the currency's code."""
        return str(self.model["currencyCode"] or "USD").upper()

    @property
    def tax(self) -> Decimal:
        """Return its whole tax."""
        return self.taxed.total("tax")


class Documents:
    """Everything the account has stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.time = Timeline(world.now)
        self._draw = world.chance(f"avalara.ids:{world.now():.0f}")
        self._current: dict[tuple[int, str, str], Document] = {}  # company, code, type
        self._by_id: dict[int, Document] = {}

    def __repr__(self) -> str:
        return f"<Documents {len(self._by_id)} versions of {len(self._current)}>"

    # Companies

    def companies(self) -> list[str]:
        """Return the codes of the companies; the first is the default (setting ``companies``)."""
        return [str(code) for code in self._world.setting(VENDOR, "companies", ["DEFAULT"])]

    def company_id(self, text: str) -> int:
        """Return the id of a company given by code or id; raises ``Refused`` 404."""
        for index, code in enumerate(self.companies()):
            if text in (code, str(_FIRST_COMPANY + index)):
                return _FIRST_COMPANY + index
        raise not_found("Company", text)

    def _company_of(self, sale: Model) -> int:
        code = sale["companyCode"] or self.companies()[0]
        if code not in self.companies():
            raise calculation_failed(
                "CompanyNotFoundError", "Company not found.  Verify the CompanyCode.", str(code), "CompanyCode"
            )
        return self.company_id(code)

    # Reading

    def find(self, company: str, code: str, type: str | None, *, kind: str = "Document") -> Document:
        """Return the current version; without a type the SalesInvoice, or the only one there is for a Transaction."""
        company_id = self.company_id(company)
        found = self._current.get((company_id, code, type or "SalesInvoice"))
        if found is None and kind == "Transaction" and type in (None, "Any"):
            same = [one for key, one in self._current.items() if key[:2] == (company_id, code)]
            found = same[0] if same else None
        if found is None:
            raise not_found(kind, f"{company}:{code}" if kind == "Transaction" else code)
        return found

    def by_id(self, id: str) -> Document:
        """Return a version by its id; raises ``Refused`` 404."""
        found = self._by_id.get(int(id)) if id.isascii() and id.isdecimal() else None
        if found is None:
            raise not_found("Transaction", id)
        return found

    def first(self) -> Document:
        """Return the oldest version there is."""
        return next(iter(self._by_id.values()))

    def of_company(self, company: str) -> list[Document]:
        """Return all versions of a company's documents, the oldest id first."""
        company_id = self.company_id(company)
        return [one for one in self._by_id.values() if one.company_id == company_id]

    # Changing

    def create(self, sale: Model) -> Document:
        """Compute a sale and store it when it is an invoice; raises ``Refused`` when its code is taken for good."""
        company_id = self._company_of(sale)
        made = self._document(company_id, sale)
        if not made.is_stored:
            return made
        known = self._current.get(self._key(made))
        if known is not None and known.status not in ("Saved", "Posted"):
            raise locked(known.code) if known.locked else wrong_status("Saved|Posted")
        if known is not None:
            made.id = known.id
        return self._keep(made)

    def create_or_adjust(self, sale: Model, reason: str, explanation: str) -> tuple[Document, bool]:
        """Create a document or replace the one there is; return it and whether it is new."""
        company_id = self._company_of(sale)
        known = self._current.get((company_id, sale["code"] or "", sale["type"]))
        if known is None:
            return self.create(sale), True
        return self._adjust(known, sale, reason, explanation), False

    def adjust(self, known: Document, sale: Model, reason: str, explanation: str) -> Document:
        """Replace a document by another of the same type; raises ``Refused``."""
        if sale["type"] != known.type:
            raise Refused(
                "CannotAdjustDocumentType",
                "Adjusting the document type is not allowed.",
                f"Document type cannot be changed from {known.type} to {sale['type']}.",
            )
        return self._adjust(known, {**sale, "code": known.code}, reason, explanation)

    def commit(self, known: Document) -> Document:
        """Make a document final; raises ``Refused`` unless it is Saved or Posted."""
        if known.status not in ("Saved", "Posted"):
            raise Refused(
                "InvalidDocumentStatus",
                f"Documents cannot be committed in the status '{known.status}'.",
                "To commit a transaction, the document must be in 'Saved' or 'Posted' status.",
            )
        known.status, known.modified = "Committed", self.time.now()
        self._effect("tax", known, known.tax)
        return known

    def void(self, known: Document) -> Document:
        """Cancel a document; raises ``Refused`` when it is locked or cancelled."""
        if known.locked:
            raise locked(known.code)
        if known.status == "Cancelled":
            raise Refused(
                "TransactionAlreadyCancelled",
                "The transaction has already been cancelled.",
                f"The transaction '{known.code}' is already in a 'Cancelled' status. There is nothing to be done.",
            )
        known.status, known.modified = "Cancelled", self.time.now()
        self._effect("void", known, known.tax)
        return known

    def refund(self, known: Document, sale: Model) -> Document:
        """Store the return of a committed sale; raises ``Refused`` for another status and for a code that is taken."""
        if known.status != "Committed":
            raise Refused(
                "InvalidDocumentStatus",
                "Document is not in a status to process refund",
                f"The document status is {known.status}, we can only process refund on committed document.",
            )
        return self.create({**sale, "companyCode": self.companies()[known.company_id - _FIRST_COMPANY]})

    # Inside

    def _adjust(self, known: Document, sale: Model, reason: str, explanation: str) -> Document:
        if known.locked:
            raise locked(known.code)
        if known.status == "Cancelled":
            raise wrong_status("Saved|Posted|Committed")
        made = self._document(known.company_id, sale)
        made.version, made.reason, made.explanation = known.version + 1, reason, explanation
        if known.status == "Committed":
            known.status = "Adjusted"
        else:
            made.id = known.id
        return self._keep(made, owed=known.tax if known.status == "Adjusted" else None)

    def _document(self, company_id: int, sale: Model) -> Document:
        nexus = frozenset(self._world.setting(VENDOR, "nexus", _NEXUS))
        stored = str(sale["type"]).endswith("Invoice")
        if sale["code"] == "":
            sale = {**sale, "code": None}
        code = sale["code"] or str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
        taxed = compute(sale, nexus)
        return Document(
            id=self.new_id() if stored else 0,
            company_id=company_id,
            code=code,
            type=sale["type"],
            status="Temporary" if not stored else "Committed" if sale["commit"] else "Saved",
            model=sale,
            taxed=taxed,
            modified=self.time.now(),
        )

    def _keep(self, made: Document, owed: Decimal | None = None) -> Document:
        """Store a version; ``owed`` is the tax of the committed one it replaces."""
        self._current[self._key(made)] = made
        self._by_id[made.id] = made
        if made.status == "Committed" and made.tax != owed:
            self._effect("tax", made, made.tax - (owed or 0))
        return made

    def new_id(self) -> int:
        """Return a number no document has."""
        id = self._draw.randrange(10**12, 10**13)
        return id if id not in self._by_id else self.new_id()

    @staticmethod
    def _key(document: Document) -> tuple[int, str, str]:
        return document.company_id, document.code, document.type

    def _effect(self, kind: str, document: Document, amount: Decimal) -> None:
        if not self.time.is_past:
            self._world.ledger.effect(
                vendor=VENDOR,
                kind=kind,
                reference=document.code,
                id=str(document.id),
                amount=f"{amount} {document.currency}",
            )
