"""Twilio's operations: form-encoded requests with names in PascalCase, answers in JSON.

Messages know no idempotency key. After a lost answer the recipient's messages of the last day are read, and one with the
same text counts as ours: keep the order's number in the text, so that it is the only one that can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import ClassVar, Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import field_validator

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import BusinessFailed, InvalidInput, MissingCredential
from integrations.oauth import basic
from integrations.outcome import Request, Response, Verdict
from integrations.reading import Answer, read
from integrations.types.base import Money
from integrations.types.messages import SentTextMessage, TextMessage, TextMessageQuery
from integrations.vendors.twilio import events, verdicts
from integrations.vendors.twilio.declaration import LABEL, NAME, STATUSES, VENDOR, VERSION

MESSAGES = f"/{VERSION}/Accounts/{{AccountSid}}/Messages.json"
MESSAGE = f"/{VERSION}/Accounts/{{AccountSid}}/Messages/{{Sid}}.json"
PAGE, MOST_PAGES = 100, 10
LOOK_BACK = timedelta(hours=25)  # our keys are kept a day
# How soon a new message stands in the list Twilio does not say; these waits are our allowance.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)

Status = Literal["queued", "sent", "delivered", "undelivered", "failed", "cancelled"]


class _Message(Answer):
    sid: str
    status: str
    to: str = ""
    body: str | None = None
    error_code: int | str | None = None
    num_segments: str | None = None
    price: Decimal | None = None
    price_unit: str | None = None
    date_created: datetime | None = None
    date_sent: datetime | None = None

    @field_validator("date_created", "date_sent", mode="before")
    @classmethod
    def _rfc_2822(cls, value: object) -> object:
        return parsedate_to_datetime(value).astimezone(UTC) if isinstance(value, str) else value


class _Page(Answer):
    messages: tuple[_Message, ...]
    next_page_uri: str | None = None


class Twilio(Adapter):
    """Programmable Messaging, version 2010-04-01."""

    vendor: ClassVar[Vendor] = VENDOR

    async def send_sms(self, exchange: Exchange, value: TextMessage) -> SentTextMessage:
        """Hand a text message to Twilio, which queues it: whether it arrives is told later.

        Raise MissingCredential when there is neither a number nor a messaging service to send from.
        """
        form = [("To", value.to), self._sender(), ("Body", value.text), ("ValidityPeriod", str(value.valid_for))]
        callback = self.setting("STATUS_CALLBACK")
        if callback:
            mark = "&" if urlsplit(callback).query else "?"
            form.append(("StatusCallback", f"{callback}{mark}{urlencode({'reference': value.reference})}"))
        request = Request(method="POST", path=self._path(MESSAGES), template=MESSAGES, form=form)
        made = read(_Message, (await exchange.send(request)).json())
        return _sent(made, value.reference)

    async def look_up_send_sms(self, exchange: Exchange, value: TextMessage) -> SentTextMessage | None:
        """Return the recipient's message of the last day with the same text; None when there is none after a while.

        Raise BusinessFailed when there are more messages than can be read through.
        """
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            found = await self._find(exchange, value)
            if found is not None:
                return _sent(found, value.reference)
        return None

    async def get_sms(self, exchange: Exchange, value: TextMessageQuery) -> SentTextMessage:
        """Return how a message fares."""
        if not value.message_id.isalnum():
            raise InvalidInput("A message id of Twilio's is SM or MM and 32 hex digits.", field="message_id")
        path = self._path(MESSAGE).replace("{Sid}", value.message_id)
        response = await exchange.send(Request(method="GET", path=path, template=MESSAGE))
        return _sent(read(_Message, response.json()), "")

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"authorization": basic(self.credential("ACCOUNT_SID"), self.credential("AUTH_TOKEN"))}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the change of status a callback tells of, proven by its signature."""
        return [events.event(delivery, self.credential("AUTH_TOKEN"), self.setting("SIGNING_KEY"))]

    async def _find(self, exchange: Exchange, value: TextMessage) -> _Message | None:
        oldest = exchange.now() - LOOK_BACK
        query: Sequence[tuple[str, str]] = [("To", value.to), ("PageSize", str(PAGE))]
        path = self._path(MESSAGES)
        for _ in range(MOST_PAGES):
            request = Request(method="GET", path=path, template=MESSAGES, query=query, step="look_up")
            page = read(_Page, (await exchange.send(request)).json())
            for message in page.messages:  # newest first
                if message.date_created is not None and message.date_created < oldest:
                    return None
                if message.body == value.text and message.to == value.to:
                    return message
            if not page.next_page_uri:
                return None
            # Their page tokens are not for us to build: the address of the next page is taken as it comes.
            query = parse_qsl(urlsplit(page.next_page_uri).query)
        raise BusinessFailed(
            f"{LABEL} has more than {PAGE * MOST_PAGES} messages to this number since yesterday; look for it there.",
            error_type="look_up_too_long",
            fault="theirs",
        )

    def _path(self, template: str) -> str:
        return template.replace("{AccountSid}", self.credential("ACCOUNT_SID"))

    def _sender(self) -> tuple[str, str]:
        service = self.setting("MESSAGING_SERVICE_SID")
        if service:
            return "MessagingServiceSid", service
        number = self.setting("FROM")
        if number:
            return "From", number
        raise MissingCredential(
            "Neither QUAYSIDE_TWILIO_FROM nor QUAYSIDE_TWILIO_MESSAGING_SERVICE_SID is set; set what to send from."
        )


def _sent(message: _Message, reference: str) -> SentTextMessage:
    code = str(message.error_code) if message.error_code else ""
    segments = message.num_segments or ""
    price = None
    if message.price is not None and message.price_unit:
        price = Money(amount=abs(message.price), currency=message.price_unit.upper())  # what it cost comes negative
    return SentTextMessage(
        vendor=NAME,
        message_id=message.sid,
        reference=reference,
        # A word that is new to us is not an end.
        status=cast(Status, STATUSES.get(message.status, "sent")),
        error_code=code,
        price=price,
        # With a messaging service the count is 0 until a sender is chosen.
        segments=(int(segments) or None) if segments.isdecimal() else None,
        sent_at=message.date_sent,
    )
