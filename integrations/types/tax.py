"""Tax: what a sale owes, where and by which rule; addresses as a tax engine knows them; VAT numbers."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from integrations.types.base import Country, Currency, Exact, Model, Money, Reference, UtcDatetime
from integrations.types.shipping import Address

Treatment = Literal["taxed", "zero_rated", "exempt", "reverse_charge", "out_of_scope", "import"]


class TaxCustomer(Model):
    """Who buys. ``vat_number`` with its country prefix, for a business."""

    code: str = Field(default="", max_length=50)
    vat_number: str = Field(default="", max_length=20)


class TaxLine(Model):
    """One line of a sale. ``amount`` is the extended amount: price times quantity; negative for a credit."""

    sku: str = Field(default="", max_length=50)
    quantity: Exact = Field(gt=0)
    amount: Money
    tax_code: str = Field(default="", max_length=25)  # the engine's product code, or standard, reduced, zero, exempt
    description: str = Field(default="", max_length=255)
    hs_code: str = Field(default="", max_length=25)  # for duty across a border, where the engine computes it


class TaxRequest(Model):
    """A sale to be taxed. ``date`` is the tax point, None for today; ``tax_included`` says that amounts are gross."""

    reference: Reference
    currency: Currency
    origin: Address
    destination: Address
    customer: TaxCustomer = TaxCustomer()
    lines: tuple[TaxLine, ...] = Field(min_length=1, max_length=1000)
    date: datetime.date | None = None
    tax_included: bool = False


class TaxedLine(Model):
    """A line with its tax. ``rate`` in percent, the sum of all jurisdictions."""

    sku: str = ""
    taxable: Money
    tax: Money
    rate: Exact
    treatment: Treatment = "taxed"


class TaxedJurisdiction(Model):
    """What one authority takes. ``rate`` in percent."""

    name: str
    kind: str = ""  # country, state, county, city, special
    rate: Exact
    tax: Money


class VatCheck(Model):
    """The register's word on a buyer's VAT number, without the number. ``consultation`` is the evidence of a check, where
    the register knows who asks; ``stale``: a word of earlier the same day stands in."""

    status: Literal["valid", "invalid", "unknown"]
    reason: str = ""
    consultation: str = ""
    checked_at: UtcDatetime | None = None  # None: nobody was asked
    stale: bool = False


class TaxQuote(Model):
    """The tax of a sale. ``source`` is who computed it; ``rule`` is the sentence that says why it is this much;
    ``vat_check`` what the register said of the buyer's number, where it matters."""

    source: str
    reference: str
    total_tax: Money
    lines: tuple[TaxedLine, ...]
    jurisdictions: tuple[TaxedJurisdiction, ...] = ()
    rule: str = ""
    valid_from: datetime.date | None = None  # since when the rate applied is in force, where it comes from a table
    vat_check: VatCheck | None = None
    stale: bool = False
    as_of: UtcDatetime


class TaxDocument(Model):
    """A sale the tax engine has stored. ``status`` committed or voided."""

    vendor: str
    reference: str
    document_id: str
    status: Literal["committed", "voided"]
    total_tax: Money | None = None  # None after a void


class TaxDocumentQuery(Model):
    """Which sale, by our reference."""

    reference: Reference


class ResolvedAddress(Model):
    """An address as the engine knows it. ``resolved`` False: it does not, and ``message`` says why."""

    vendor: str
    resolved: bool
    address: Address | None = None
    quality: str = ""
    message: str = ""


class VatNumberQuery(Model):
    """A VAT number to check, with or without the country prefix; ``requester`` is ours, for the consultation number."""

    country: Country
    number: str = Field(min_length=2, max_length=20)
    requester_country: Country | None = None
    requester_number: str = Field(default="", max_length=20)


class VatNumberCheck(Model):
    """Valid, invalid or unknown; unknown (an outage, a throttle) is never invalid. ``consultation`` is the evidence."""

    vendor: str
    country: Country
    number: str
    status: Literal["valid", "invalid", "unknown"]
    reason: str = ""
    name: str = ""
    address: str = ""
    consultation: str = ""
    checked_at: UtcDatetime
    stale: bool = False
