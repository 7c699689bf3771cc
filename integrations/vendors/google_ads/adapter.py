"""Google's operations: spend by a query over the Google Ads API, sales as events of the Data Manager API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import ClassVar

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import CallFailed, InvalidInput, MissingCredential, NotPermitted, Unsupported
from integrations.oauth import bearer
from integrations.outcome import Request, Response, Verdict
from integrations.reading import read
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
from integrations.vendors.google_ads import answers, verdicts
from integrations.vendors.google_ads.declaration import (
    ACTIONS,
    DATA_MANAGER,
    LABEL,
    NAME,
    OAUTH,
    TOKEN_PATH,
    VENDOR,
    VERSION,
)
from integrations.vendors.google_ads.event import event

SEARCH = f"/{VERSION}/customers/{{customer_id}}/googleAds:searchStream"
INGEST = "/v1/events:ingest"
STATUS = "/v1/requestStatus:retrieve"
QUERY = (
    "SELECT customer.currency_code, campaign.id, campaign.name, segments.date, metrics.cost_micros, "
    "metrics.impressions, metrics.clicks, metrics.conversions FROM campaign "
    "WHERE segments.date BETWEEN '{since}' AND '{until}'"
)
DAYS = 31  # a query; its answer comes whole, and this bounds it
FIRST_LOOK, LONGEST_PAUSE = 2.0, 30.0


class GoogleAds(Adapter):
    """The Google Ads API, version 26, and the Data Manager API, version 1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def upsert_profile(self, exchange: Exchange, value: Profile) -> SavedProfile:
        """Raise Unsupported: Google keeps no shoppers for us."""
        raise Unsupported(f"{LABEL} keeps no profiles; save shoppers where mails are sent from.", field="operation")

    async def track_event(self, exchange: Exchange, value: TrackedEvent) -> AcceptedEvent:
        """Raise Unsupported: what Google hears of are sales, by ``send_conversion``."""
        raise Unsupported(f"{LABEL} is told of sales alone; use send_conversion.", field="operation")

    async def daily_spend(self, exchange: Exchange, value: SpendQuery) -> SpendPage:
        """Return the campaign days of up to 31 days; the cursor is the day the next page begins with."""
        since = _day(value)
        until = min(value.until, since + timedelta(days=DAYS - 1))
        customer = self._number("CUSTOMER_ID")
        request = Request(
            method="POST",
            path=SEARCH.replace("{customer_id}", customer),
            template=SEARCH,
            json={"query": QUERY.format(since=since, until=until)},
        )
        response = await exchange.send(request)
        rows = answers.spend(response.exact_json(), customer)
        following = (until + timedelta(days=1)).isoformat() if until < value.until else ""
        return SpendPage(rows=rows, next_cursor=following)

    async def send_conversion(self, exchange: Exchange, value: Conversion) -> SentConversion:
        """Tell Google of one sale. Our reference is its transaction: sent again it is the same sale.

        A sale sent again with another value has that value from then on (guide "conversion adjustments"), which is how
        one is made less; a Refund is Unsupported. Google takes an event at once and processes it in the half hour that
        follows: what becomes of it is told here only within OUTCOME_WAIT seconds.
        """
        patience = self._patience()
        if value.name not in ACTIONS:
            raise Unsupported(
                f"{LABEL} has no refunds; send the Purchase again, with its reference and the value that is left.",
                field="name",
            )
        body = {
            "destinations": [self._destination(value)],
            "events": [event(value, exchange.now())],
            "encoding": "HEX",
            "validateOnly": False,
            **self._consent(),
        }
        request = Request(method="POST", host=DATA_MANAGER, path=INGEST, template=INGEST, json=body)
        taken = read(answers.Ingested, (await exchange.send(request)).json())
        accepted, message = True, f"{LABEL} has yet to process it (request {taken.request_id[:64]})."
        pause = FIRST_LOOK
        while pause <= patience and pause < exchange.remaining():
            await exchange.sleep(pause)
            statuses = await self._status(exchange, taken.request_id)
            if statuses is not None and not statuses.processing:
                accepted, message = answers.outcome(statuses.reasons)
                break
            patience -= pause
            pause = min(2 * pause, LONGEST_PAUSE, max(patience, FIRST_LOOK))
        return SentConversion(vendor=NAME, reference=value.reference, accepted=accepted, message=message)

    async def sign_in(self, exchange: Exchange) -> Access:
        """Get an access token for the refresh token, which stays the same."""
        form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.credential("CLIENT_ID")),
            ("client_secret", self.credential("CLIENT_SECRET")),
            ("refresh_token", self.credential("REFRESH_TOKEN")),
        ]
        request = Request(
            method="POST",
            host=OAUTH,
            path=TOKEN_PATH,
            template=TOKEN_PATH,
            form=form,
            step="sign_in",
            signed=False,
            repeatable=True,
            cost=0,
        )
        return await bearer(exchange, request, expires_in=3599)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the token; the Google Ads API also wants to know who develops, and through which manager we come."""
        headers = dict(access.headers) if access else {}
        if request.host == "":
            headers["developer-token"] = self.credential("DEVELOPER_TOKEN")
            if self.setting("LOGIN_CUSTOMER_ID"):
                headers["login-customer-id"] = self._number("LOGIN_CUSTOMER_ID")
        return headers

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def _status(self, exchange: Exchange, request_id: str) -> answers.Statuses | None:
        """Return how far a request is, None when Google does not say: the event is taken whatever becomes of this."""
        request = Request(
            method="GET",
            host=DATA_MANAGER,
            path=STATUS,
            template=STATUS,
            query=[("requestId", request_id)],
            step="poll",
        )
        try:
            return read(answers.Statuses, (await exchange.send(request)).json())
        except (CallFailed, NotPermitted):
            return None

    def _destination(self, value: Conversion) -> dict[str, object]:
        owner = "CONVERSION_CUSTOMER_ID" if self.setting("CONVERSION_CUSTOMER_ID") else "CUSTOMER_ID"
        found: dict[str, object] = {
            "operatingAccount": _account(self._number(owner)),
            "productDestinationId": self._number(ACTIONS[value.name]),
        }
        if self.setting("LOGIN_CUSTOMER_ID"):
            found["loginAccount"] = _account(self._number("LOGIN_CUSTOMER_ID"))
        return found

    def _consent(self) -> dict[str, object]:
        word = self.setting("CONSENT").upper()
        if not word:
            return {}
        if word not in ("GRANTED", "DENIED"):
            raise MissingCredential("QUAYSIDE_GOOGLE_ADS_CONSENT is GRANTED or DENIED, or not set.")
        return {"consent": dict.fromkeys(("adUserData", "adPersonalization"), f"CONSENT_{word}")}

    def _patience(self) -> float:
        seconds = self.setting("OUTCOME_WAIT") or "0"
        if not seconds.isdecimal():
            raise MissingCredential("QUAYSIDE_GOOGLE_ADS_OUTCOME_WAIT is a number of seconds, 0 for not at all.")
        return float(seconds)

    def _number(self, name: str) -> str:
        """Return a setting's number without the dashes people write. Raise MissingCredential when it is none."""
        number = self.credential(name).replace("-", "").strip()
        if not number.isdecimal():
            raise MissingCredential(f"QUAYSIDE_GOOGLE_ADS_{name} is not a number such as 123-456-7890.")
        return number


def _account(number: str) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": number}


def _day(value: SpendQuery) -> date:
    """Return the day a page begins with. Raise InvalidInput for a cursor that is none of the days asked for."""
    if not value.cursor:
        return value.since
    try:
        day = date.fromisoformat(value.cursor)
    except ValueError:
        day = date.min
    if not value.since <= day <= value.until:
        raise InvalidInput(f"The cursor is not one that {LABEL}'s spend gave.", field="cursor")
    return day
