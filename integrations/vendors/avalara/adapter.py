"""AvaTax's operations. An estimate is never stored; what is stored is known by company, our code and its kind.

A document of ours is committed as it is made. After a lost answer it is read by its code: Avalara has no idempotency key,
and a committed document is not replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import BusinessFailed, HttpFailed
from integrations.look_up import sent_or_unknown
from integrations.oauth import basic
from integrations.outcome import Request, Response, Verdict
from integrations.reading import read
from integrations.types.messages import TokenCheck, TokenQuery
from integrations.types.shipping import Address
from integrations.types.tax import ResolvedAddress, TaxDocument, TaxDocumentQuery, TaxQuote, TaxRequest
from integrations.vendors.avalara import answers, messages, verdicts
from integrations.vendors.avalara.answers import Transaction
from integrations.vendors.avalara.declaration import LABEL, NAME, VENDOR

CREATE = "/api/v2/transactions/create"
DOCUMENT = "/api/v2/companies/{companyCode}/transactions/{transactionCode}"
RESOLVE = "/api/v2/addresses/resolve"
INVOICE = ("documentType", "SalesInvoice")
CLIENT = "Quayside; 1.0; CustomREST; v2; quayside"


class Avalara(Adapter):
    """AvaTax REST, version 2."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_tax(self, exchange: Exchange, value: TaxRequest) -> TaxQuote:
        """Return what a sale owes, by line and authority. Raise InvalidInput naming the field."""
        body = messages.transaction(value, "SalesOrder", self._company(), exchange.now().date())
        request = Request(
            method="POST",
            path=CREATE,
            template=CREATE,
            query=[("$include", "Lines,Details,Summary")],
            json=body,
            repeatable=True,
        )
        found = answers.transaction((await exchange.send(request)).exact_json())
        return answers.quote(found, value, exchange.now())

    async def commit_tax(self, exchange: Exchange, value: TaxRequest) -> TaxDocument:
        """Store a sale as a committed invoice. One that is there already, with the same total, is the result.

        Raise BusinessFailed (document_differs) when another sale has this code.
        """
        body = messages.transaction(value, "SalesInvoice", self._company(), exchange.now().date(), commit=True)
        try:
            response = await exchange.send(Request(method="POST", path=CREATE, template=CREATE, json=body))
        except HttpFailed as error:
            if error.error_type != verdicts.EXISTS:
                raise
            found = await self._find(exchange, value.reference)
            if found is None or found.status != answers.COMMITTED:
                raise
            return _same(found, value)
        return answers.document(answers.transaction(response.exact_json()), value.currency)

    async def look_up_commit_tax(self, exchange: Exchange, value: TaxRequest) -> TaxDocument | None:
        """Return the committed invoice with our code, None when there is none. Raise BusinessFailed for another sale's."""
        found = await self._find(exchange, value.reference)
        if found is None or found.status != answers.COMMITTED:
            return None  # one that is not committed is replaced
        return _same(found, value)

    async def void_tax(self, exchange: Exchange, value: TaxDocumentQuery) -> TaxDocument:
        """Void a committed invoice; one that is voided already stays so. Raise HttpFailed: not_found, locked."""
        path = self._at(value.reference) + "/void"
        request = Request(
            method="POST", path=path, template=DOCUMENT + "/void", query=[INVOICE], json={"code": "DocVoided"}
        )
        try:
            response = await exchange.send(request)
        except HttpFailed as error:
            if error.error_type != verdicts.CANCELLED:
                raise
            return TaxDocument(vendor=NAME, reference=value.reference, document_id="", status="voided")
        return answers.document(answers.transaction(response.exact_json()), None)

    async def resolve_address(self, exchange: Exchange, value: Address) -> ResolvedAddress:
        """Return an address as Avalara knows it; one that cannot be placed is an answer, with the reason."""
        request = Request(
            method="POST", path=RESOLVE, template=RESOLVE, json=messages.to_resolve(value), repeatable=True
        )
        return answers.resolved((await exchange.send(request)).json(), value)

    async def check_token(self, exchange: Exchange, value: TokenQuery) -> TokenCheck:
        """Ask Avalara whether it knows us; it answers 200 either way."""
        response = await exchange.send(Request(method="GET", path=verdicts.PING, template=verdicts.PING))
        found = read(answers.Ping, response.json())
        return TokenCheck(vendor=NAME, account=str(found.authenticated_account_id or ""))

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {
            "authorization": basic(self.credential("ACCOUNT_ID"), self.credential("LICENSE_KEY")),
            "x-avalara-client": CLIENT,
        }

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def _find(self, exchange: Exchange, reference: str) -> Transaction | None:
        query: Sequence[tuple[str, str]] = [INVOICE]
        path = self._at(reference)
        request = Request(method="GET", path=path, template=DOCUMENT, query=query, step="look_up", repeatable=True)
        response = await sent_or_unknown(exchange, request)
        return None if response is None else answers.transaction(response.exact_json())

    def _at(self, reference: str) -> str:
        """Return the path of a document of ours."""
        return DOCUMENT.replace("{companyCode}", messages.in_path(self._company())).replace(
            "{transactionCode}", messages.in_path(messages.code(reference))
        )

    def _company(self) -> str:
        return self.setting("COMPANY_CODE") or "DEFAULT"


def _same(found: Transaction, value: TaxRequest) -> TaxDocument:
    """Return a document that is ours. Raise BusinessFailed when its total is another sale's."""
    amounts: Any = sum((line.amount.amount for line in value.lines), Decimal(0))
    # Where amounts are gross the total that is told is without tax; then the tax belongs to it.
    total = found.total_amount + (found.total_tax if value.tax_included else Decimal(0))
    if abs(total - amounts) > Decimal("0.01") * len(value.lines):
        raise BusinessFailed(
            f"{LABEL} has a committed document with this code and another total; use a reference of its own for each.",
            error_type="document_differs",
            fault="ours",
        )
    return answers.document(found, value.currency)
