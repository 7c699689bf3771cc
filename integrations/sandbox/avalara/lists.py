"""Pages of documents and of companies: ``@recordsetCount``, ``value`` and, while there is more, ``@nextLink``.

A list of documents whose filter says nothing of ``date`` covers the last 30 days only. A page has at most 1,000 records;
more asked for is not given (that it is no error is unconfirmed).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from integrations.sandbox.avalara.documents import ACCOUNT_ID, USER_ID, Documents
from integrations.sandbox.avalara.errors import Refused
from integrations.sandbox.avalara.filters import Filter, Record, ordered
from integrations.sandbox.avalara.shapes import Include, include, transaction
from integrations.sandbox.twin import Ask

MOST, DAYS = 1_000, 30
_NOT_FILTERABLE = {"exchangeRateCurrencyCode", "totalDiscount"}
_COMPANY_FIELDS = (
    *("id", "accountId", "companyCode", "name", "isDefault", "isActive", "hasProfile", "isReportingEntity"),
    *("defaultCountry", "baseCurrencyCode", "isTest", "inProgress"),
)


def transactions(documents: Documents, ask: Ask, company: str, now: float) -> dict[str, Any]:
    """Return a page of a company's documents, all versions of them."""
    kept = documents.of_company(company)
    by_id = {document.id: document for document in kept}
    records: Sequence[Record] = [transaction(document, Include()) for document in kept]
    fields = [name for name in transaction(documents.first(), Include()) if name not in _NOT_FILTERABLE]
    text = ask.query.get("$filter", "")
    wanted = Filter(text, fields) if text.strip() else None
    if wanted is None or "date" not in wanted.fields:
        since = (datetime.fromtimestamp(now, UTC).date() - timedelta(days=DAYS)).isoformat()
        records = [record for record in records if record["date"] >= since]
    if wanted is not None:
        records = [record for record in records if wanted.matches(record)]
    records = ordered(records, ask.query.get("$orderBy", ""), fields)
    page = _page(records, ask)
    nested = include(ask.query.get("$include"), bare=True)
    page["value"] = [transaction(by_id[record["id"]], nested) for record in page["value"]]
    return page


def companies(documents: Documents, ask: Ask) -> dict[str, Any]:
    """Return a page of the account's companies."""
    records: Sequence[Record] = [_company(documents, code) for code in documents.companies()]
    text = ask.query.get("$filter", "")
    if text.strip():
        records = [record for record in records if Filter(text, _COMPANY_FIELDS).matches(record)]
    return _page(ordered(records, ask.query.get("$orderBy", ""), _COMPANY_FIELDS), ask)


def _company(documents: Documents, code: str) -> dict[str, Any]:
    return {
        "id": documents.company_id(code),
        "accountId": ACCOUNT_ID,
        "companyCode": code,
        "name": f"{code.title()} Company",
        "isDefault": code == documents.companies()[0],
        "isActive": True,
        "hasProfile": True,
        "isReportingEntity": False,
        "defaultCountry": "US",
        "baseCurrencyCode": "USD",
        "roundingLevelId": "Line",
        "isTest": True,
        "taxDependencyLevelId": "Address",
        "inProgress": False,
        "createdDate": "2025-01-06T09:00:00",
        "createdUserId": USER_ID,
        "modifiedDate": "2025-01-06T09:00:00",
        "modifiedUserId": USER_ID,
    }


def _page(records: Sequence[Record], ask: Ask) -> dict[str, Any]:
    top, skip = _number(ask, "$top") or MOST, _number(ask, "$skip")
    top = min(top, MOST)
    page: dict[str, Any] = {"@recordsetCount": len(records), "value": list(records[skip : skip + top])}
    if skip + top < len(records):
        query = {name: value for name, value in ask.query.items() if name not in ("$top", "$skip")}
        query |= {"$top": str(top), "$skip": str(skip + top)}
        page["@nextLink"] = f"{ask.base_url}{quote(ask.path)}?{urlencode(query, safe='$')}"
    return page


def _number(ask: Ask, name: str) -> int:
    text = ask.query.get(name, "0")
    if not (text.isascii() and text.isdecimal()):
        raise Refused(
            "QueryParameterOutOfRange",
            f"The query parameter '{name}' is out of range.",
            f"The value '{text}' of '{name}' is not a whole number from 0 on.",
            target="HttpRequest",
        )
    return int(text)
