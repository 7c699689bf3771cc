from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from integrations.sandbox.canada_post import checks
from integrations.sandbox.canada_post.errors import Refused
from integrations.sandbox.canada_post.parcels import SAMPLES
from tests.integrations.sandbox.canada_post_requests import (
    LISBON,
    NC_REFUND,
    NCSHIPMENT,
    RATE,
    REFUND,
    SHIPMENT,
    TRANSMIT,
    changed,
    element,
    fits,
    mutations,
)
from tests.integrations.sandbox.conftest import Sandbox, Start

KEY = "Basic NmU5M2Q1Mzk2ODg4MTcxNDowYmZhOWZjYjllOGE1NDVlY2I4NDQ5"
HOME = "/rs/0001111111/0001111111"
MEDIA = {
    "/rs/ship/": "application/vnd.cpc.ship.rate-v4+xml",
    "/ncshipment": "application/vnd.cpc.ncshipment-v4+xml",
    "/manifest": "application/vnd.cpc.manifest-v8+xml",
    "/vis/": "application/vnd.cpc.track-v2+xml",
    "/rs/": "application/vnd.cpc.shipment-v8+xml",
}
CREATED, TRANSMITTED, IN_TRANSIT, OUT, DELIVERED, CARDED, REFUSED = SAMPLES
ABROAD = changed(SHIPMENT, service_code="INT.XP", options="<option><option-code>RTS</option-code></option>")
ABROAD = ABROAD.replace(ABROAD[ABROAD.index("<destination>") : ABROAD.index("</destination>") + 14], LISBON)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer: its status, its root element where it has XML, and how to look into it."""

    status: int
    body: bytes
    media_type: str
    root: etree._Element | None

    def text(self, path: str) -> str | None:
        """Return the text of the first element at a path of local names."""
        assert self.root is not None, self.body
        found = self.root.find("/".join(f"{{*}}{name}" for name in path.split("/")))
        return None if found is None else found.text or ""

    def texts(self, name: str) -> list[str]:
        """Return the texts of all elements of a name."""
        assert self.root is not None, self.body
        return [found.text or "" for found in self.root.iter(f"{{*}}{name}")]

    def link(self, rel: str) -> str:
        """Return the href of a link."""
        assert self.root is not None, self.body
        return next(found.get("href") or "" for found in self.root.iter("{*}link") if found.get("rel") == rel)

    def rels(self) -> list[str]:
        assert self.root is not None, self.body
        return [found.get("rel") or "" for found in self.root.iter("{*}link")]

    @property
    def message(self) -> tuple[int, str | None]:
        """Return status and code of a refusal, an empty list of messages having no code."""
        assert self.root is not None, self.body
        assert etree.QName(self.root).localname == "messages", self.body
        return self.status, self.text("message/code")


Call = Callable[..., Awaitable[Told]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("canada_post")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request to a path or a link; every XML answer is held against the published schemas."""

    async def call_one(method: str, path: str, body: str | None = None, **headers: str) -> Told:
        url = path if path.startswith("http") else f"{sandbox.url}/canada_post{path}"
        media_type = next(found for part, found in MEDIA.items() if part in path)
        named = {"Authorization": KEY, "Accept": media_type}
        named |= {"Content-Type": media_type} if body is not None else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body.strip().encode() if body is not None else None
        async with sandbox.client.request(method, url, data=data, headers=named) as answer:
            content = await answer.read()
            kind = answer.headers.get("Content-Type", "")
            root = etree.fromstring(content) if "xml" in kind and content else None
            if root is not None:
                assert fits(root), (content, path)
            return Told(status=answer.status, body=content, media_type=kind, root=root)

    return call_one


async def ship(call: Call, body: str = SHIPMENT) -> Told:
    made = await call("POST", f"{HOME}/shipment", body)
    assert made.status == 200, made.body
    return made


def inner(name: str, value: str) -> str:
    """Return an element as the inside of another."""
    return f"<{name}>{value}</{name}>"


# What a request may hold


@pytest.mark.parametrize(
    "request_", [RATE, SHIPMENT, NCSHIPMENT, TRANSMIT, REFUND, NC_REFUND], ids=lambda text: text[2:9]
)
def test_requests_are_read_exactly_as_the_published_schemas_allow(request_: str) -> None:
    root = element(request_)
    name = etree.QName(root)

    assert fits(root)
    wrong = []
    for mutation in mutations(request_):
        try:
            checks.read(etree.tostring(mutation), name.namespace or "", name.localname, "/path")
            read = True
        except Refused:
            read = False
        if read != fits(mutation):
            wrong.append(etree.tostring(mutation))
    assert wrong == []


@pytest.mark.parametrize(
    ("destination", "allowed"),
    [
        (inner("united-states", inner("zip-code", "10001-1234")), True),
        (inner("united-states", inner("zip-code", "1000")), False),
        (inner("international", inner("country-code", "PT")), True),
        (inner("international", inner("country-code", "PRT")), False),
        (inner("domestic", inner("postal-code", "v6b1a1")), False),
        (
            inner("domestic", inner("postal-code", "V6B1A1")) + inner("international", inner("country-code", "PT")),
            False,
        ),
        ("", False),
    ],
)
async def test_destination_is_one_of_three(call: Call, destination: str, allowed: bool) -> None:
    asked = changed(changed(RATE, services=None), _destination=destination)
    told = await call("POST", "/rs/ship/price", asked)

    assert fits(element(asked)) is allowed
    assert told.status == (200 if allowed else 500)


async def test_a_group_or_the_word_to_transmit_must_stand_and_not_both(call: Call) -> None:
    at_once = changed(SHIPMENT, group_id=None).replace("<quickship", "<transmit-shipment/><quickship")
    both = SHIPMENT.replace("<quickship", "<transmit-shipment>true</transmit-shipment><quickship")
    neither = changed(SHIPMENT, group_id=None)

    for asked, status in ((at_once, 200), (both, 500), (neither, 500)):
        assert fits(element(asked)) is (status == 200)
        assert (await call("POST", f"{HOME}/shipment", asked)).status == status


async def test_provide_pricing_info_is_true_or_absent(call: Call) -> None:
    told = await call("POST", f"{HOME}/shipment", changed(SHIPMENT, provide_pricing_info="false"))
    without = await ship(call, changed(SHIPMENT, provide_pricing_info=None))

    assert told.message == (500, "Server")
    assert without.text("shipment-price") is None


async def test_schema_error_has_status_and_code_of_the_throttle_but_names_the_element(call: Call) -> None:
    told = await call("POST", "/rs/ship/price", changed(RATE, origin_postal_code="k2b 8j6"))

    assert told.message == (500, "Server")
    assert "cvc-simple-type" in (told.text("message/description") or "")
    assert "origin-postal-code" in (told.text("message/description") or "")


@pytest.mark.parametrize("body", ["", "<mailing", '<!DOCTYPE x [<!ENTITY e "e">]>' + RATE.strip(), SHIPMENT])
async def test_what_is_not_the_request_is_a_schema_error(call: Call, body: str) -> None:
    assert (await call("POST", "/rs/ship/price", body)).message == (500, "Server")


# Keys, accounts, media types


@pytest.mark.parametrize("key", ["", "Bearer x", "Basic ###", "Basic aW52YWxpZDppbnZhbGlk", "Basic dXNlcg=="])
async def test_bad_key_is_refused(call: Call, key: str) -> None:
    told = await call("POST", "/rs/ship/price", RATE, Authorization=key)

    assert told.message == (401, "E002")
    assert told.text("message/description") == "AAA Authentication Failure"


@pytest.mark.parametrize("code", ["AA001", "AA002", "AA003", "AA004", "AA005", "AA006"])
async def test_account_out_of_order_is_refused_in_every_service(sandbox: Sandbox, call: Call, code: str) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"account_error": code}})

    assert (await call("POST", "/rs/ship/price", RATE)).message == (403, code)
    assert (await call("GET", f"/vis/track/pin/{DELIVERED}/summary")).message == (403, code)


@pytest.mark.parametrize("accept", ["*/*", "application/xml", "application/vnd.cpc.ship.rate-v3+xml"])
async def test_any_but_the_exact_accept_is_refused(call: Call, accept: str) -> None:
    assert (await call("POST", "/rs/ship/price", RATE, Accept=accept)).message == (406, None)


async def test_any_but_the_exact_content_type_is_refused(call: Call) -> None:
    assert (await call("POST", "/rs/ship/price", RATE, Content_Type="application/xml")).message == (415, None)


async def test_customer_number_that_is_none_is_refused(call: Call) -> None:
    assert (await call("GET", "/rs/12x/12x/shipment?requestId=A-1")).message == (400, "9152")


# Rating


async def test_price_is_the_sum_of_its_parts(call: Call) -> None:
    told = await call("POST", "/rs/ship/price", RATE)
    quote = told.root[0] if told.root is not None else None

    assert told.media_type == MEDIA["/rs/ship/"]
    assert told.texts("service-code") == ["DOM.EP", "DOM.XP"]
    assert quote is not None
    price = quote.find("{*}price-details")
    assert price is not None
    names = ("base", "taxes/{*}gst", "taxes/{*}pst", "taxes/{*}hst")
    parts = [Decimal(price.findtext(f"{{*}}{name}") or "") for name in names]
    parts += [Decimal(found.text or "") for found in price.iter("{*}option-price", "{*}adjustment-cost")]
    assert sum(parts) == Decimal(told.text("price-quote/price-details/due") or "")
    assert told.text("price-quote/service-standard/expected-transit-time") == "6"  # working days, from Friday
    assert told.text("price-quote/service-standard/expected-delivery-date") == "2026-10-12"


async def test_without_services_all_that_take_the_parcel_are_quoted(call: Call) -> None:
    home = await call("POST", "/rs/ship/price", changed(RATE, services=None))
    abroad = changed(RATE, services=None, _destination=inner("international", inner("country-code", "PT")))
    light = await call("POST", "/rs/ship/price", abroad)
    heavy = await call("POST", "/rs/ship/price", changed(abroad, weight="2.5"))

    assert home.texts("service-code") == ["DOM.RP", "DOM.EP", "DOM.XP", "DOM.PC"]
    assert light.texts("service-code") == ["INT.XP", "INT.IP.AIR", "INT.IP.SURF", "INT.TP", "INT.SP.AIR"]
    assert heavy.texts("service-code") == ["INT.XP", "INT.IP.AIR", "INT.IP.SURF"]
    assert len(light.texts("expected-delivery-date")) == 3  # by surface and in small packets nothing is promised


async def test_names_are_french_when_asked(call: Call) -> None:
    told = await call("POST", "/rs/ship/price", RATE, Accept_language="fr-CA")

    assert told.text("price-quote/service-name") == "Colis accélérés"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer_number": None}, "9113"),
        ({"quote_type": "counter"}, "9114"),
        ({"expected_mailing_date": "2026-09-30"}, "1622"),
        ({"weight": "31"}, "9111"),
        ({"services": inner("service-code", "USA.XP")}, "9111"),
        ({"services": None, "_destination": inner("international", inner("country-code", "XX"))}, "10033"),
    ],
)
async def test_scenario_that_cannot_be_priced_is_refused(call: Call, changes: dict[str, Any], code: str) -> None:
    assert (await call("POST", "/rs/ship/price", changed(RATE, **changes))).message == (400, code)


async def test_counter_price_needs_no_customer(call: Call) -> None:
    asked = changed(RATE, quote_type="counter", customer_number=None, contract_id=None)

    assert (await call("POST", "/rs/ship/price", asked)).status == 200


async def test_contracts_may_be_limited(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"contracts": ["0040662505"]}})

    assert (await call("POST", "/rs/ship/price", RATE)).message == (400, "2550")
    assert (await call("POST", f"{HOME}/shipment", SHIPMENT)).message == (400, "2550")
    assert (await call("POST", "/rs/ship/price", changed(RATE, contract_id="40662505"))).status == 200


async def test_services_and_options_are_discovered_by_their_links(call: Call) -> None:
    services = await call("GET", "/rs/ship/service?country=CA")
    service = await call("GET", services.link("service"))
    option = await call("GET", service.link("option"))

    assert services.texts("service-code") == ["DOM.RP", "DOM.EP", "DOM.XP", "DOM.PC"]
    assert service.text("service-code") == "DOM.RP"
    assert option.text("option-code") == "DC"
    assert service.root is not None
    assert next(service.root.iter("{*}weight-restriction")).get("max") == "30000"  # grams
    assert (await call("GET", "/rs/ship/service/DOM.NO")).message == (404, None)
    assert (await call("GET", "/rs/ship/option/NO")).message == (404, None)
    assert len((await call("GET", "/rs/ship/service")).texts("service-code")) == 13


# Contract shipments


async def test_shipment_is_created_with_its_links_and_is_one_effect(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    effects = await sandbox.effects("canada_post")

    assert made.media_type == MEDIA["/rs/"]
    assert made.text("shipment-status") == "created"
    assert made.text("customer-request-id") == "A-1"
    assert made.rels() == ["self", "details", "price", "group", "label", "returnLabel"]
    assert made.text("shipment-price/service-standard/expected-transmit-time") == "6"
    assert [(one["kind"], one["reference"], one["id"], one["amount"]) for one in effects] == [
        ("shipment", "A-1", made.text("tracking-pin"), f"{made.text('shipment-price/due-amount')} CAD")
    ]


async def test_links_lead_to_what_they_say(call: Call) -> None:
    made = await ship(call, changed(SHIPMENT, provide_pricing_info=None))
    info = await call("GET", made.link("self"))
    details = await call("GET", made.link("details"))
    price = await call("GET", made.link("price"))

    assert info.text("shipment-id") == made.text("shipment-id")
    assert info.text("shipment-price/due-amount") == price.text("due-amount")
    assert details.text("shipment-detail/delivery-spec/destination/name") == "Jo Buyer"
    assert details.text("final-shipping-point") == "K2B8J6"


async def test_links_may_name_the_vendors_own_host(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"links": "vendor"}})
    made = await ship(call)

    assert made.link("self").startswith(f"https://soa-gw.canadapost.ca{HOME}/shipment/")


async def test_label_is_fetched_with_its_own_media_type(call: Call) -> None:
    made = await ship(call)
    label = await call("GET", made.link("label"), Accept="application/pdf")

    assert (label.status, label.media_type, label.body[:5]) == (200, "application/pdf", b"%PDF-")
    assert (await call("GET", made.link("label"))).message == (406, None)
    assert (await call("GET", made.link("label"), Accept="application/pdf", Authorization="")).message[0] == 401


async def test_zpl_label_is_for_four_by_six_only(call: Call) -> None:
    made = await ship(call, changed(SHIPMENT, encoding="ZPL"))
    label = await call("GET", made.link("label"), Accept="application/zpl")
    refused = await call("POST", f"{HOME}/shipment", changed(SHIPMENT, encoding="ZPL", output_format="8.5x11"))

    assert label.body.startswith(b"^XA")
    assert refused.message == (400, "9191")


async def test_label_that_is_not_ready_is_202_and_its_link_lives_ninety_days(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"artifact_seconds": 5}})
    link = (await ship(call)).link("label")
    early = await call("GET", link, Accept="application/pdf")
    sandbox.clock.move(5)
    ready = await call("GET", link, Accept="application/pdf")
    sandbox.clock.move(90 * 86_400)
    late = await call("GET", link, Accept="application/pdf")

    assert (early.status, early.body) == (202, b"")
    assert ready.status == 200
    assert late.message == (404, None)


async def test_shipment_is_found_by_the_customers_own_id(call: Call) -> None:
    made = await ship(call)
    links = await call("GET", f"{HOME}/shipment?requestId=A-1")
    whole = await call("GET", f"{HOME}/shipment?requestId=A-1&provideShipmentInfo=true")
    none = await call("GET", f"{HOME}/shipment?requestId=A-2")
    by_pin = await call("GET", f"{HOME}/shipment?trackingPIN={made.text('tracking-pin')}")

    assert links.link("shipment") == by_pin.link("shipment") == made.link("self")
    assert whole.text("shipment-info/tracking-pin") == made.text("tracking-pin")
    assert (none.status, none.rels()) == (200, [])


async def test_repeated_request_id_makes_a_second_shipment(sandbox: Sandbox, call: Call) -> None:
    first, second = await ship(call), await ship(call)

    assert first.text("shipment-id") != second.text("shipment-id")
    assert len((await call("GET", f"{HOME}/shipment?requestId=A-1")).rels()) == 2
    assert len(await sandbox.effects("canada_post")) == 2


async def test_shipments_are_the_customers_own(call: Call) -> None:
    link = (await ship(call)).link("self")

    assert (await call("GET", link.replace("1111111/shipment", "2222222/shipment"))).message == (404, None)
    assert (await call("GET", link.replace("0001111111/0001111111", "1111111/1111111"))).status == 200


async def test_search_needs_something_to_search_by(call: Call) -> None:
    assert (await call("GET", f"{HOME}/shipment")).message == (400, "9105")
    assert (await call("GET", f"{HOME}/shipment?noManifest=true")).message == (400, "9105")
    assert (await call("GET", f"{HOME}/shipment?noManifest=true&date=today")).message == (400, "99007")


async def test_shipments_transmitted_at_once_stand_on_no_manifest(call: Call) -> None:
    at_once = changed(SHIPMENT, group_id=None, expected_mailing_date="2026-10-01")
    at_once = at_once.replace("<quickship", "<transmit-shipment/><quickship")
    made = [await ship(call, at_once) for _ in range(3)]
    found = await call("GET", f"{HOME}/shipment?noManifest=true&date=20261001&limit=2")

    assert made[0].text("shipment-status") == "transmitted"
    assert made[0].text("po-number")
    assert "refund" in made[0].rels()
    assert "group" not in made[0].rels()
    assert len(found.rels()) == 2
    assert (await call("GET", f"{HOME}/shipment?noManifest=true&date=20261002")).rels() == []


@pytest.mark.parametrize(
    ("body", "changes", "code"),
    [
        (SHIPMENT, {"service_code": "DOM.NO"}, "10028"),
        (SHIPMENT, {"service_code": "USA.XP"}, "3000"),
        (SHIPMENT, {"weight": "30.5"}, "99004"),
        (SHIPMENT, {"contract_id": None}, "2506"),
        (SHIPMENT, {"intended_method_of_payment": "Cash"}, "1711"),
        (SHIPMENT, {"expected_mailing_date": "2026-09-30"}, "1622"),
        (ABROAD, {"options": None}, "8718"),
        (ABROAD, {"customs": None}, "99005"),
        (ABROAD, {"weight": "0.5"}, "2700"),
        (ABROAD, {"_address_details": None}, None),
    ],
)
async def test_shipment_that_cannot_be_sent_is_refused_and_no_effect(
    sandbox: Sandbox, call: Call, body: str, changes: dict[str, Any], code: str | None
) -> None:
    told = await call("POST", f"{HOME}/shipment", changed(body, **changes))

    assert told.message == ((400, code) if code else (500, "Server"))
    assert await sandbox.effects("canada_post") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"address-line-1": None}, "1156"),
        ({"city": None}, "1157"),
        ({"prov-state": None}, "1159"),
        ({"postal-zip-code": "10001"}, "99006"),
        ({"country-code": "XX"}, "10033"),
    ],
)
async def test_destination_must_hold_what_its_country_needs(
    call: Call, changes: dict[str, str | None], code: str
) -> None:
    root = element(SHIPMENT)
    address = next(root.iter("{*}destination")).find("{*}address-details")
    assert address is not None
    for name, value in changes.items():
        found = address.find(f"{{*}}{name}")
        assert found is not None
        found.text = value
        if value is None:
            address.remove(found)
    told = await call("POST", f"{HOME}/shipment", etree.tostring(root).decode())

    assert told.message == (400, code)


async def test_both_shipping_points_are_one_too_many(call: Call) -> None:
    both = SHIPMENT.replace("<expected-mailing", "<shipping-point-id>0192</shipping-point-id><expected-mailing")

    assert (await call("POST", f"{HOME}/shipment", both)).message == (400, "9186")


async def test_parcel_abroad_has_an_invoice_and_no_tax(call: Call) -> None:
    made = await ship(call, ABROAD)
    invoice = await call("GET", made.link("commercialInvoice"), Accept="application/pdf")

    assert invoice.status == 200
    assert [made.text(f"shipment-price/{tax}-amount") for tax in ("gst", "pst", "hst")] == ["0.00"] * 3


async def test_development_knows_one_pin_only(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"development": True}})
    pins = [(await ship(call)).text("tracking-pin") for _ in range(2)]

    assert pins == ["123456789012"] * 2


# Voids, refunds, manifests


async def test_void_answers_nothing_and_the_shipment_is_gone(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    void = await call("DELETE", made.link("self"))
    again = await call("DELETE", made.link("self"))

    assert (void.status, void.body) == (204, b"")
    assert again.message == (404, None)
    assert (await call("GET", f"{HOME}/shipment?requestId=A-1")).rels() == []
    assert [one["kind"] for one in await sandbox.effects("canada_post")] == ["shipment", "void"]


async def test_transmitted_shipment_is_refunded_not_voided(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call, changed(SHIPMENT, group_id=None).replace("<quickship", "<transmit-shipment/><quickship"))
    void = await call("DELETE", made.link("self"))
    ticket = await call("POST", made.link("refund"), REFUND)
    again = await call("POST", made.link("refund"), REFUND)

    assert void.message == (400, "8064")
    assert ticket.text("service-ticket-date") == "2026-10-01"
    assert ticket.text("service-ticket-id")
    assert again.message == (409, "7292")
    assert (await call("GET", made.link("self"))).text("shipment-status") == "transmitted"
    assert (await call("GET", made.link("details"))).texts("service-ticket-id") == [ticket.text("service-ticket-id")]
    assert [one["kind"] for one in await sandbox.effects("canada_post")] == ["shipment", "void"]


async def test_refund_of_what_was_not_transmitted_is_refused(call: Call) -> None:
    made = await ship(call)

    assert (await call("POST", f"{made.link('self')}/refund", REFUND)).message == (400, "99002")
    assert (await call("POST", f"{made.link('self')}/refund", NC_REFUND)).message == (500, "Server")


async def test_manifest_transmits_a_group(sandbox: Sandbox, call: Call) -> None:
    first, second = await ship(call), await ship(call, changed(SHIPMENT, customer_request_id="A-2"))
    left = f"<excluded-shipments><shipment-id>{second.text('shipment-id')}</shipment-id></excluded-shipments>"
    sent = await call("POST", f"{HOME}/manifest", TRANSMIT.replace("</transmit-set>", f"{left}</transmit-set>"))
    manifest = await call("GET", sent.link("manifest"))
    details = await call("GET", f"{sent.link('manifest')}/details")
    members = await call("GET", manifest.link("manifestShipments"), Accept=MEDIA["/rs/"])
    paper = await call("GET", manifest.link("artifact"), Accept="application/pdf")
    info = await call("GET", first.link("self"))

    assert sent.status == 200
    assert paper.body.startswith(b"%PDF-")
    assert [link.get("href") for link in (members.root if members.root is not None else ())] == [first.link("self")]
    assert (info.text("shipment-status"), info.text("po-number")) == ("transmitted", manifest.text("po-number"))
    assert (await call("GET", second.link("self"))).text("shipment-status") == "created"
    assert details.text("manifest-pricing-info/total-due-cpc") == first.text("shipment-price/due-amount")
    effects = await sandbox.effects("canada_post")
    assert [(one["kind"], one["reference"]) for one in effects][2:] == [("order", "run-1")]
    assert effects[2]["id"] == manifest.text("po-number")


async def test_groups_are_those_with_shipments_not_yet_transmitted(call: Call) -> None:
    await ship(call)
    before = await call("GET", f"{HOME}/group")
    waiting = await call("GET", before.link("group"))
    await call("POST", f"{HOME}/manifest", TRANSMIT)
    after = await call("GET", f"{HOME}/group")

    assert "monday" in before.texts("group-id")
    assert waiting.status == 200
    assert "monday" not in after.texts("group-id")
    assert (await call("POST", f"{HOME}/manifest", TRANSMIT)).message == (400, "99003")


async def test_group_whose_shipments_are_all_excluded_is_refused(call: Call) -> None:
    number = (await ship(call)).text("shipment-id")
    left = f"<excluded-shipments><shipment-id>{number}</shipment-id></excluded-shipments></transmit-set>"

    told = await call("POST", f"{HOME}/manifest", TRANSMIT.replace("</transmit-set>", left))

    assert told.message == (400, "9122")


async def test_manifests_are_listed_by_day_and_may_take_their_time(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"transmit_seconds": 30}})
    await ship(call)
    link = (await call("POST", f"{HOME}/manifest", TRANSMIT)).link("manifest")
    early = await call("GET", link)
    sandbox.clock.move(30)

    assert early.message == (202, "9153")
    assert (await call("GET", link)).status == 200
    assert (await call("GET", f"{HOME}/manifest?start=20261001")).link("manifest") == link
    assert (await call("GET", f"{HOME}/manifest?start=20261002&end=20261003")).rels() == []
    assert (await call("GET", f"{HOME}/manifest/1")).message == (404, None)


async def test_shipment_paid_by_card_has_a_receipt(call: Call) -> None:
    asked = changed(SHIPMENT, group_id=None, intended_method_of_payment="CreditCard")
    made = await ship(call, asked.replace("<quickship", "<transmit-shipment/><quickship"))
    receipt = await call("GET", made.link("receipt"))
    other = await ship(call)

    assert receipt.text("cc-receipt-details/charge-amount") == made.text("shipment-price/due-amount")
    assert (await call("GET", f"{other.link('self')}/receipt")).message == (404, None)


# Shipments without a contract


async def test_shipment_without_a_contract_has_no_own_id_and_is_found_by_minute(sandbox: Sandbox, call: Call) -> None:
    made = await call("POST", "/rs/1111111/ncshipment", NCSHIPMENT)
    found = await call("GET", "/rs/1111111/ncshipment?from=202610010800&to=202610010800")  # 12:00 UTC is 08:00 there
    by_pin = await call("GET", f"/rs/1111111/ncshipment?trackingPIN={made.text('tracking-pin')}")
    receipt = await call("GET", made.link("receipt"))

    assert made.status == 200
    assert made.text("shipment-status") is None
    assert found.link("shipment") == by_pin.link("shipment") == made.link("self")
    assert (await call("GET", "/rs/1111111/ncshipment?from=202610010801")).rels() == []
    assert (await call("GET", "/rs/1111111/ncshipment")).message == (400, "9105")
    assert (await call("GET", "/rs/1111111/ncshipment?from=202610010801&trackingPIN=1")).message == (400, "9196")
    assert receipt.text("service-standard/expected-transit-time") == "5"
    assert (await call("GET", made.link("details"))).text("delivery-spec/service-code") == "INT.XP"
    assert (await call("GET", made.link("self"))).text("shipment-id") == made.text("shipment-id")
    assert [(one["kind"], one["reference"]) for one in await sandbox.effects("canada_post")] == [("shipment", "A-1")]


async def test_shipment_without_a_contract_is_refunded_once_and_never_voided(sandbox: Sandbox, call: Call) -> None:
    made = await call("POST", "/rs/1111111/ncshipment", NCSHIPMENT)
    async with sandbox.client.delete(made.link("self"), headers={"Authorization": KEY}) as void:
        assert void.status in (404, 405)
    ticket = await call("POST", made.link("refund"), NC_REFUND)

    assert ticket.text("service-ticket-id")
    assert (await call("POST", made.link("refund"), NC_REFUND)).message == (409, "7292")
    assert (await call("GET", "/rs/2222222/ncshipment/1")).message == (404, None)


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"card": "missing"}, "9174"), ({"card": "declined"}, "1162"), ({"commercial": True}, "9173")],
)
async def test_card_or_agreement_may_stand_against_it(
    sandbox: Sandbox, call: Call, settings: dict[str, Any], code: str
) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": settings})

    assert (await call("POST", "/rs/1111111/ncshipment", NCSHIPMENT)).message == (400, code)
    assert await sandbox.effects("canada_post") == []


# Tracking


@pytest.mark.parametrize(
    ("pin", "events"),
    [
        (TRANSMITTED, ["3000"]),
        (IN_TRANSIT, ["0100", "2300", "3000"]),
        (OUT, ["0174", "0100", "0100", "2300", "3000"]),
        (DELIVERED, ["1496", "0174", "0100", "0100", "2300", "3000"]),
        (CARDED, ["1701", "1479", "0174", "0100", "0100", "2300", "3000"]),
        (REFUSED, ["1415", "0174", "0100", "0100", "2300", "3000"]),
    ],
)
async def test_samples_stand_in_each_state(call: Call, pin: str, events: list[str]) -> None:
    told = await call("GET", f"/vis/track/pin/{pin}/detail")

    assert told.texts("event-identifier") == events
    assert told.text("service-name") == "Expedited Parcel"


async def test_delivered_summary_names_its_day(call: Call) -> None:
    delivered = await call("GET", f"/vis/track/pin/{DELIVERED}/summary")
    on_its_way = await call("GET", f"/vis/track/pin/{OUT}/summary", Accept_language="fr-CA")

    assert delivered.text("pin-summary/event-type") == "DELIVERED"
    assert delivered.text("pin-summary/actual-delivery-date") == "2026-09-30"
    assert on_its_way.text("pin-summary/actual-delivery-date") == ""
    assert on_its_way.text("pin-summary/event-description") == "Article sorti pour livraison"


async def test_pin_has_no_history_before_it_is_transmitted(sandbox: Sandbox, call: Call) -> None:
    pin = (await ship(call)).text("tracking-pin")
    before = await call("GET", f"/vis/track/pin/{pin}/detail")
    await call("POST", f"{HOME}/manifest", TRANSMIT)
    after = await call("GET", f"/vis/track/pin/{pin}/detail")
    sandbox.clock.move(4 * 86_400)
    later = await call("GET", f"/vis/track/pin/{pin}/detail")

    assert before.message == (404, "004")
    assert (await call("GET", f"/vis/track/pin/{CREATED}/summary")).message == (404, "004")
    assert after.texts("event-identifier") == ["3000"]
    assert later.texts("event-identifier") == ["0100", "2300", "3000"]
    assert (later.texts("event-date")[0], later.texts("event-time-zone")[0]) == ("2026-10-03", "EDT")


async def test_reference_finds_pins_mailed_between_two_days(call: Call) -> None:
    await ship(call, changed(SHIPMENT, group_id=None).replace("<quickship", "<transmit-shipment/><quickship"))
    path = "/vis/track/ref/summary?referenceNumber=A-1&customerNumber=1111111"
    found = await call("GET", f"{path}&mailingDateFrom=2026-10-01&mailingDateTo=2026-10-03")

    assert len(found.texts("pin")) == 1
    missed = await call("GET", f"{path}&mailingDateFrom=2026-10-03&mailingDateTo=2026-10-04")
    assert missed.message == (404, "004")
    assert (await call("GET", f"{path}&mailingDateFrom=2026-10-03")).message == (400, "9105")
    assert (
        await call(
            "GET", "/vis/track/ref/summary?referenceNumber=A-1&mailingDateFrom=2026-10-01&mailingDateTo=2026-10-03"
        )
    ).message == (400, "9105")


async def test_trackings_errors_may_stand_in_its_own_namespace(sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"tracking_namespace": True}})
    headers = {"Authorization": KEY, "Accept": MEDIA["/vis/"]}
    async with sandbox.client.get(f"{sandbox.url}/canada_post/vis/track/pin/1/detail", headers=headers) as answer:
        root = etree.fromstring(await answer.read())

    assert root.tag == "{http://www.canadapost.ca/ws/track}messages"
    assert root.findtext("{*}message/{*}code") == "004"


# Limits and faults


async def test_tracking_is_limited_to_twenty_a_minute_and_rating_is_not(sandbox: Sandbox, call: Call) -> None:
    track = f"/vis/track/pin/{DELIVERED}/summary"
    statuses = [(await call("GET", track)).status for _ in range(20)]
    refused = await call("GET", track)
    rated = await call("POST", "/rs/ship/price", RATE)
    other = await call("GET", track, Authorization="Basic dXNlcjpwYXNz")
    sandbox.clock.move(60)

    assert statuses == [200] * 20
    assert refused.message == (500, "Server")
    assert refused.text("message/description") == "Rejected by SLM Monitor"
    assert (rated.status, other.status) == (200, 200)
    assert (await call("GET", track)).status == 200


async def test_throttles_status_is_not_published_so_it_can_be_set(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"canada_post": {"throttle_status": 503, "quotas": [["rating", 1, 60]]}})
    await call("POST", "/rs/ship/price", RATE)

    assert (await call("POST", "/rs/ship/price", RATE)).message == (503, "Server")


@pytest.mark.parametrize(("status", "code"), [(503, "Server"), (500, None), (412, None)])
async def test_outage_speaks_like_the_throttle(sandbox: Sandbox, call: Call, status: int, code: str | None) -> None:
    await sandbox.fault("canada_post", f"status:{status}")

    assert (await call("POST", "/rs/ship/price", RATE)).message == (status, code)


async def test_broken_answer_breaks_the_schema(sandbox: Sandbox) -> None:
    await sandbox.fault("canada_post", "schema")
    headers = {"Authorization": KEY, "Accept": MEDIA["/rs/ship/"], "Content-Type": MEDIA["/rs/ship/"]}
    url = f"{sandbox.url}/canada_post/rs/ship/price"
    async with sandbox.client.post(url, data=RATE.strip(), headers=headers) as answer:
        root = etree.fromstring(await answer.read())

    assert answer.status == 200
    assert not fits(root)
    assert root.findtext("{*}price-quote/{*}price-details/{*}due") == "not a number"


async def test_operations_are_named_in_the_ledger(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    await call("GET", made.link("label"), Accept="application/pdf")
    await call("GET", f"{HOME}/shipment?requestId=A-1")
    await call("DELETE", made.link("self"))
    await call("GET", f"/vis/track/pin/{DELIVERED}/summary")

    assert [one["operation"] for one in await sandbox.requests("canada_post")] == [
        "create_shipment",
        "get_label",
        "look_up",
        "cancel_shipment",
        "track_shipment",
    ]
