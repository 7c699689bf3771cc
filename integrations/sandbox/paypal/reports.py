"""Transaction Search v1: what moved money, as it shows up hours later.

A transaction is listed once it is three hours old (the longest PayPal names; a demo makes it five minutes, the setting
``report_delay_seconds`` any other), ``last_refreshed_datetime`` says how far the list goes. Dates are in the account's own
time zone (setting ``account_offset_hours``, -7). One id can be there twice: an e-check first without and then with effect
on the balance. ``page`` counts from 1, as the schema has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.paypal.account import BUYER_EMAIL, BUYER_ID, MERCHANT_ID, Account, Body, time_text
from integrations.sandbox.paypal.errors import Refused, malformed
from integrations.sandbox.paypal.money import CURRENCIES, Money, decimals
from integrations.sandbox.paypal.records import Authorization, Capture, Refund

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.]\d+)?([Zz]|[+-]\d\d:\d\d)")
_RANGE = re.compile(r"\[?\s*(\d+)\s+TO\s+(\d+)\s*\]?")
_WINDOW = timedelta(days=31)
_HISTORY = timedelta(days=3 * 366)
_MOST_PER_PAGE = 500
_MOST = 10_000
_FILTERS = ("transaction_id", "transaction_type", "transaction_status", "transaction_amount", "transaction_currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a report. ``amount`` and ``fee`` have the sign they have on the account."""

    id: str
    reference: tuple[str, str]  # id and kind: ODR or TXN
    code: str
    status: str
    amount: Money
    fee: Money | None
    balance: bool
    started: float
    updated: float
    invoice_id: str | None
    custom_id: str | None
    ending: Money | None = None


class Reports:
    """The reports of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def transactions(self, query: Mapping[str, str], base_url: str) -> Body:
        """Return one page of transactions; raises ``Refused`` 400 for a bad window, page or filter."""
        start, end = _moment(query, "start_date"), _moment(query, "end_date")
        if end < start:
            raise malformed("INVALID_PARAMETER_VALUE", "end_date", query["end_date"], "query")
        if end - start > _WINDOW:
            raise malformed("Date range is greater than 31 days", "end_date", query["end_date"], "query")
        if start.timestamp() < self._account.now() - _HISTORY.total_seconds():
            raise malformed(
                "Data for the given start date is not available.", "start_date", query["start_date"], "query"
            )
        page, size = _number(query, "page", 1, 2**31 - 1, 1), _number(query, "page_size", 1, _MOST_PER_PAGE, 100)
        found = [line for line in self._lines(query) if start.timestamp() <= line.started <= end.timestamp()]
        if len(found) > int(self._account.setting("report_limit", _MOST)):
            text = "Result set size is greater than the maximum limit. Change the filter criteria and try again."
            raise Refused(400, name="RESULTSET_TOO_LARGE", message=text)
        pages = -(-len(found) // size)
        shown = found[(page - 1) * size : page * size]
        return {
            "transaction_details": [self._line(line, query) for line in shown],
            "account_number": MERCHANT_ID,
            "start_date": query["start_date"],
            "end_date": query["end_date"],
            "last_refreshed_datetime": time_text(self._refreshed()),
            "page": page,
            "total_items": len(found),
            "total_pages": pages,
            "links": _links(f"{base_url}/v1/reporting/transactions", query, page, pages),
        }

    def balances(self, query: Mapping[str, str]) -> Body:
        """Return what is on the account, by currency, as of a time not later than the last refresh."""
        at = min(
            _moment(query, "as_of_time").timestamp() if "as_of_time" in query else self._refreshed(), self._refreshed()
        )
        sums = {"USD": Money(Decimal(0), "USD")}
        for line in self._all():
            if line.balance and line.updated <= at:
                net = line.amount + line.fee if line.fee is not None else line.amount
                sums[net.currency] = sums.get(net.currency, net.nought()) + net
        wanted = query.get("currency_code", "ALL")
        return {
            "balances": [
                {
                    "currency": currency,
                    "primary": currency == "USD",
                    "total_balance": total.json(),
                    "available_balance": total.json(),
                    "withheld_balance": total.nought().json(),
                }
                for currency, total in sorted(sums.items())
                if wanted in ("ALL", currency)
            ],
            "account_id": MERCHANT_ID,
            "as_of_time": time_text(at),
            "last_refresh_time": time_text(self._refreshed()),
        }

    def _refreshed(self) -> float:
        delay = 300.0 if self._account.world.demo else 10_800.0
        return self._account.now() - float(self._account.setting("report_delay_seconds", delay))

    def _lines(self, query: Mapping[str, str]) -> list[Line]:
        """Return the lines that are out and pass the filters, oldest first; balances end where nothing is filtered."""
        filtered = any(query.get(name) for name in _FILTERS)
        affecting = query.get("balance_affecting_records_only", "Y")
        if affecting not in ("Y", "N"):
            raise malformed("INVALID_PARAMETER_VALUE", "balance_affecting_records_only", affecting, "query")
        lowest, highest = _range(query.get("transaction_amount"))
        currency = query.get("transaction_currency")
        if currency is not None and currency not in CURRENCIES:
            raise malformed("INVALID_PARAMETER_VALUE", "transaction_currency", currency, "query")
        wanted = {"id": "transaction_id", "code": "transaction_type", "status": "transaction_status"}
        running: dict[str, Money] = {}
        found = []
        for line in sorted(self._all(), key=lambda one: one.updated):
            if line.updated > self._refreshed():
                continue
            if line.balance:
                net = line.amount + line.fee if line.fee is not None else line.amount
                running[net.currency] = running.get(net.currency, net.nought()) + net
            gross = abs(line.amount.amount).scaleb(decimals(line.amount.currency))
            if (
                (line.balance or affecting == "N")
                and all(query.get(name) in (None, getattr(line, field)) for field, name in wanted.items())
                and currency in (None, line.amount.currency)
                and lowest <= gross <= highest
            ):
                ending = None if filtered else running.get(line.amount.currency, line.amount.nought())
                found.append(replace(line, ending=ending))
        return sorted(found, key=lambda one: one.started)

    def _all(self) -> Iterator[Line]:
        for capture in self._account.captures.oldest_first():
            yield from _capture_lines(capture)
        for refund in self._account.refunds.oldest_first():
            yield _refund_line(refund)
        for authorization in self._account.authorizations.oldest_first():
            yield _authorization_line(authorization)

    def _line(self, line: Line, query: Mapping[str, str]) -> Body:
        named = {name.strip() for name in query.get("fields", "transaction_info").split(",")}
        shown: Body = {}
        if named & {"transaction_info", "all"}:
            shown["transaction_info"] = self._info(line)
        if named & {"payer_info", "all"}:
            shown["payer_info"] = {
                "account_id": BUYER_ID,
                "email_address": BUYER_EMAIL,
                "address_status": "Y",
                "payer_status": "Y",
                "payer_name": {"given_name": "Sandy", "surname": "Buyer", "alternate_full_name": "Sandy Buyer"},
                "country_code": "US",
            }
        for name in ("shipping_info", "cart_info", "store_info", "auction_info", "incentive_info"):
            if named & {name, "all"}:
                shown[name] = {}
        return shown

    def _info(self, line: Line) -> Body:
        optional = {
            "fee_amount": line.fee.json() if line.fee is not None else None,
            "invoice_id": line.invoice_id,
            "custom_field": line.custom_id,
            "ending_balance": line.ending.json() if line.ending is not None else None,
            "available_balance": line.ending.json() if line.ending is not None else None,
        }
        return {
            "paypal_account_id": BUYER_ID,
            "transaction_id": line.id,
            "paypal_reference_id": line.reference[0],
            "paypal_reference_id_type": line.reference[1],
            "transaction_event_code": line.code,
            "transaction_initiation_date": self._local(line.started),
            "transaction_updated_date": self._local(line.updated),
            "transaction_amount": line.amount.json(),
            "transaction_status": line.status,
            "protection_eligibility": "01" if line.code.startswith("T00") else "02",
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _local(self, at: float) -> str:
        zone = timezone(timedelta(hours=float(self._account.setting("account_offset_hours", -7))))
        return datetime.fromtimestamp(int(at), UTC).astimezone(zone).isoformat()


def _capture_lines(one: Capture) -> Iterator[Line]:
    order, held = one.order, one.authorization
    code = "T0005" if order.paid_by == "card" else "T0003" if order.source and order.source.direct else "T0006"
    line = Line(
        id=one.id,
        reference=(held.id, "TXN") if held is not None else (order.id, "ODR"),
        code=code,
        status="V" if one.shown_status == "REFUNDED" else "S",
        amount=one.amount,
        fee=-one.fee,
        balance=True,
        started=one.at,
        updated=one.at,
        invoice_id=one.invoice_id,
        custom_id=one.custom_id,
    )
    if one.status == "DECLINED":
        yield replace(line, status="D", fee=None, balance=False)
        return
    if one.clears_at is not None:
        yield replace(line, status="P", fee=None, balance=False)
    if one.status == "COMPLETED":
        yield replace(line, updated=one.clears_at or one.at)


def _refund_line(one: Refund) -> Line:
    return Line(
        id=one.id,
        reference=(one.capture.id, "TXN"),
        code="T1107",
        status="S",
        amount=-one.amount,
        fee=one.amount.nought(),
        balance=True,
        started=one.at,
        updated=one.at,
        invoice_id=one.invoice_id or one.capture.invoice_id,
        custom_id=one.custom_id or one.capture.custom_id,
    )


def _authorization_line(one: Authorization) -> Line:
    return Line(
        id=one.id,
        reference=(one.order.id, "ODR"),
        code="T1300" if one.parent is None else "T1301",
        status={"DENIED": "D", "VOIDED": "V"}.get(one.status, "S"),
        amount=one.amount,
        fee=None,
        balance=False,
        started=one.at,
        updated=one.at,
        invoice_id=one.unit.invoice_id,
        custom_id=one.unit.custom_id,
    )


def _moment(query: Mapping[str, str], name: str) -> datetime:
    text = query.get(name)
    if text is None:
        raise malformed("MISSING_REQUIRED_PARAMETER", name, location="query")
    if not _DATE.fullmatch(text):
        raise malformed("INVALID_PARAMETER_SYNTAX", name, text, "query")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise malformed("INVALID_PARAMETER_SYNTAX", name, text, "query") from None


def _number(query: Mapping[str, str], name: str, low: int, high: int, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or not low <= int(text) <= high:
        raise malformed("INVALID_PARAMETER_VALUE", name, text, "query")
    return int(text)


def _range(text: str | None) -> tuple[Decimal, Decimal]:
    """Return the lowest and highest amount in minor units."""
    if text is None:
        return Decimal(0), Decimal("Infinity")
    found = _RANGE.fullmatch(text)
    if found is None:
        raise malformed("INVALID_PARAMETER_SYNTAX", "transaction_amount", text, "query")
    return Decimal(found[1]), Decimal(found[2])


def _links(url: str, query: Mapping[str, str], page: int, pages: int) -> list[dict[str, Any]]:
    """Return the links to this page and the ones beside it."""
    rels = {"self": page, "first": 1, "last": max(pages, 1), "prev": page - 1, "next": page + 1}
    return [
        {"href": f"{url}?{urlencode({**query, 'page': number})}", "rel": rel, "method": "GET"}
        for rel, number in rels.items()
        if rel in ("self", "first", "last") or 1 <= number <= pages
    ]
