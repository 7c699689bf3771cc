"""Meta's operations: spend from insights, sales as server events.

The token goes out in a header, never in an address, and ``paging.next`` is not followed, for it repeats the token: the
cursor beside it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar
from urllib.parse import quote

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import BusinessFailed, CallFailed, InvalidInput, Unsupported
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.paths import filled
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256
from integrations.types.marketing import (
    AcceptedEvent,
    Conversion,
    Profile,
    SavedProfile,
    SentConversion,
    SpendPage,
    SpendQuery,
    TrackedEvent,
)
from integrations.vendors.meta_ads import insights, usage, verdicts
from integrations.vendors.meta_ads.declaration import LABEL, NAME, READ, VENDOR, VERSION, WRITE
from integrations.vendors.meta_ads.server_event import server_event

INSIGHTS = f"/{VERSION}/act_{{ad_account_id}}/insights"
REPORT = f"/{VERSION}/{{report_run_id}}"
EVENTS = f"/{VERSION}/{{pixel_id}}/events"
PAGE, SMALLEST_PAGE = 200, 25
WIDE = 35  # days; more of them are asked for as a report
FIRST_POLL, LONGEST_POLL = 2.0, 15.0
COUNTED_ONCE = timedelta(hours=48)  # how long Meta knows an event's id again


class _Received(Answer):
    events_received: int
    messages: tuple[str, ...] = ()


class MetaAds(Adapter):
    """The Marketing API's insights and the Conversions API, version 25.0."""

    vendor: ClassVar[Vendor] = VENDOR

    async def upsert_profile(self, exchange: Exchange, value: Profile) -> SavedProfile:
        """Raise Unsupported: Meta keeps no shoppers for us."""
        raise Unsupported(f"{LABEL} keeps no profiles; save shoppers where mails are sent from.", field="operation")

    async def track_event(self, exchange: Exchange, value: TrackedEvent) -> AcceptedEvent:
        """Raise Unsupported: what Meta hears of are sales, by ``send_conversion``."""
        raise Unsupported(f"{LABEL} is told of sales alone; use send_conversion.", field="operation")

    async def daily_spend(self, exchange: Exchange, value: SpendQuery) -> SpendPage:
        """Return a page of campaign days.

        More than 35 days, and what Meta finds too much even in small pages, it is asked to make a report of, which is
        waited for; the cursor then names the report. Rows of the last days are still restated: read them anew.
        """
        report, after = _place(value.cursor)
        if not report and (value.until - value.since).days < WIDE:
            path = INSIGHTS.replace("{ad_account_id}", self._account())
            try:
                return await self._page(exchange, path, INSIGHTS, _asked(value, ",".join(insights.FIELDS)), after)
            except CallFailed as error:
                if error.error_type != verdicts.TOO_MUCH:
                    raise
            after = ""  # the report begins anew; what was read before is read once more
        report = report or await self._report(exchange, value)
        path = REPORT.replace("{report_run_id}", report) + "/insights"
        page = await self._page(exchange, path, REPORT + "/insights", (), after)
        following = f"report:{report}:{page.next_cursor}" if page.next_cursor else ""
        return page.model_copy(update={"next_cursor": following})

    async def send_conversion(self, exchange: Exchange, value: Conversion) -> SentConversion:
        """Tell Meta of one sale; the page's pixel counts as the same where it used our reference for its event id.

        A reference stands for one event: a refund needs one of its own. Meta knows an event again for 48 hours and
        counts it once; sending one again after that counts it twice.
        """
        event = server_event(value, exchange.now())
        body: dict[str, object] = {"data": [event]}
        if self.setting("TEST_EVENT_CODE"):
            body["test_event_code"] = self.setting("TEST_EVENT_CODE")
        path = filled(EVENTS, pixel_id=self.credential("PIXEL_ID"))
        request = Request(
            method="POST", path=path, template=EVENTS, query=self._proof(), json=body, repeatable=True, cost=WRITE
        )
        response = await exchange.send(request)
        received = read(_Received, response.json(), status=response.status)
        return SentConversion(
            vendor=NAME,
            reference=value.reference,
            accepted=received.events_received == 1,
            message=" ".join(received.messages)[:300],
        )

    async def look_up_send_conversion(self, exchange: Exchange, value: Conversion) -> SentConversion | None:
        """Return None while a second send is counted once: Meta cannot be asked for an event, and need not be.

        Raise BusinessFailed when the event is older than that, or does not say how old it is.
        """
        if value.at is not None and exchange.now() - value.at < COUNTED_ONCE:
            return None
        raise BusinessFailed(
            f"{LABEL} cannot be asked for an event, and knows one again for 48 hours only; look in its Events Manager.",
            error_type="look_up_impossible",
            fault="theirs",
        )

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.credential('ACCESS_TOKEN')}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        return usage.quotas(response)

    async def _page(
        self, exchange: Exchange, path: str, template: str, query: Sequence[tuple[str, str]], after: str
    ) -> SpendPage:
        """Return one page, a smaller one where Meta finds it too much. Raise CallFailed (too_much_data)."""
        limit = PAGE
        while True:
            paged = [*query, ("limit", str(limit)), *([("after", after)] if after else []), *self._proof()]
            request = Request(method="GET", path=path, template=template, query=paged, cost=READ)
            try:
                response = await exchange.send(request)
            except CallFailed as error:
                limit //= 2
                if error.error_type != verdicts.TOO_MUCH or limit < SMALLEST_PAGE:
                    raise
                continue
            rows, following = insights.page(response.json())
            return SpendPage(rows=rows, next_cursor=following)

    async def _report(self, exchange: Exchange, value: SpendQuery) -> str:
        """Have a report made and return its id. Two of the same do no harm. Raise BusinessFailed when Meta gives it up."""
        form = _asked(value, json.dumps(insights.FIELDS))
        path = INSIGHTS.replace("{ad_account_id}", self._account())
        request = Request(method="POST", path=path, template=INSIGHTS, query=self._proof(), form=form, cost=WRITE)
        id = read(insights.Started, (await exchange.send(request)).json()).report_run_id
        pause = FIRST_POLL
        while True:
            await exchange.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL)
            fields = ("fields", "async_status,async_percent_completion")
            poll = Request(
                method="GET",
                path=REPORT.replace("{report_run_id}", id),
                template=REPORT,
                query=[fields, *self._proof()],
                step="poll",
                cost=READ,
            )
            report = read(insights.Report, (await exchange.send(poll)).json())
            if report.done:
                return id
            if report.failed:
                raise BusinessFailed(
                    f"{LABEL} gave up the report; ask again, or for fewer days.",
                    error_type="report_failed",
                    fault="theirs",
                    retryable=True,
                )

    def _account(self) -> str:
        return quote(self.credential("AD_ACCOUNT_ID").removeprefix("act_"), safe="")

    def _proof(self) -> Sequence[tuple[str, str]]:
        """Return the proof that the app's own server asks: the token, signed with the app's secret."""
        secret = self.setting("APP_SECRET")
        if not secret:
            return ()
        token = self.credential("ACCESS_TOKEN")
        return [("appsecret_proof", hmac_sha256(secret, token.encode()).hex())]


def _asked(value: SpendQuery, fields: str) -> list[tuple[str, str]]:
    """Return the question: objects are JSON texts here; ``fields`` is joined by commas on GET and a list on POST."""
    days = {"since": value.since.isoformat(), "until": value.until.isoformat()}
    return [
        ("level", "campaign"),
        ("fields", fields),
        ("time_range", json.dumps(days, separators=(",", ":"))),
        ("time_increment", "1"),
    ]


def _place(cursor: str) -> tuple[str, str]:
    """Return the report, '' for none, and the page in it that a cursor names. Raise InvalidInput."""
    if not cursor.startswith("report:"):
        return "", cursor
    _, report, after = cursor.split(":", 2) if cursor.count(":") > 1 else ("", "", "")
    if not report.isdecimal():
        raise InvalidInput(f"The cursor is not one that {LABEL}'s spend gave.", field="cursor")
    return report, after
