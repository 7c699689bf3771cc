"""Settling unknown outcomes as people do: by mouse and by keyboard, on a phone, and not at all without the right."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from db import audit, keys, outcomes
from db.engine import StoreUnavailable
from db.keys import KeyRow
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from monitoring.outcome_id import id_of
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.monitoring.evidence import unknown_write

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
REASON = "Asked the carrier by phone"


async def lost(web: Web, reference: str, minutes: float = 600) -> None:
    """Add a shipment whose answer was lost."""
    await unknown_write(
        web.db,
        "fedex",
        web.day.now - timedelta(minutes=minutes),
        operation="create_shipment",
        key=f"create_shipment-{reference}",
        reference=reference,
        look_up_error="http_500",
        look_up_said="FedEx failed inside (HTTP 500).",
        note="FedEx did not answer within 15 s. Whether create_shipment happened is unknown; the look-up failed too.",
        correlation_id=web.day.failed_correlation,
    )


async def stored(web: Web, reference: str) -> KeyRow:
    row = await keys.find(web.db, "fedex", "create_shipment", f"create_shipment-{reference}")
    assert row is not None
    return row


def row_of(page: Page, reference: str) -> Locator:
    return page.get_by_role("region", name="Unknown outcomes").locator("tbody tr", has_text=reference)


async def open_dialog(page: Page, reference: str) -> Locator:
    await page.get_by_role("button", name=f"Settle create_shipment {reference}").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"create_shipment-{reference}")
    return dialog


@pytest.mark.parametrize(
    ("choice", "found", "told"),
    [
        ("It happened", "happened", "it is never sent again"),
        ("It did not happen", "did_not_happen", "a retry under the same key will be sent"),
    ],
)
async def test_settling_says_what_it_means_and_moves_the_row_below(
    visit: Visit, web: Web, choice: str, found: str, told: str
) -> None:
    await lost(web, f"B-{found}")
    visitor = await visit()
    page = await visitor.open("/outcomes")
    await expect(row_of(page, f"B-{found}")).to_contain_text("FedEx failed inside (HTTP 500).")
    dialog = await open_dialog(page, f"B-{found}")
    await dialog.get_by_role("radio", name=choice, exact=True).check()
    await dialog.get_by_label("How do you know?").fill(f"  {REASON} ")
    await dialog.get_by_role("button", name="Settle it").click()
    await expect(page.get_by_text(told).last).to_be_visible()
    await expect(dialog).to_be_hidden()
    await expect(row_of(page, f"B-{found}")).to_have_count(0)
    below = page.get_by_role("region", name="Settled by hand").locator("tbody tr", has_text=f"B-{found}")
    await expect(below).to_contain_text(f"mira{REASON}")
    row = await stored(web, f"B-{found}")
    (act,) = await audit.list_acts(web.db, subject=f"fedex/create_shipment/create_shipment-B-{found}")

    assert (row.state, row.found, row.settled_by, row.reason) == ("settled", found, "mira", REASON)
    assert (act.act, act.user_name, act.reason, act.facts["found"]) == ("outcome.settled", "mira", REASON, found)


async def test_without_choice_and_reason_the_fields_say_so_and_nothing_changes(visit: Visit, web: Web) -> None:
    await lost(web, "B-incomplete")
    visitor = await visit()
    page = await visitor.open("/outcomes")
    dialog = await open_dialog(page, "B-incomplete")
    await dialog.get_by_role("button", name="Settle it").click()
    await expect(dialog).to_contain_text("Choose what you found.")
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_role("radio", name="It happened", exact=True).check()
    await dialog.get_by_label("How do you know?").fill("ok")
    await dialog.get_by_role("button", name="Settle it").click()
    await expect(dialog.get_by_text("Choose what you found.")).to_have_count(0)
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_role("button", name="Leave it unknown").click()
    await expect(dialog).to_be_hidden()
    await open_dialog(page, "B-incomplete")

    await expect(dialog.get_by_role("radio", name="It happened", exact=True)).not_to_be_checked()
    await expect(dialog.get_by_label("How do you know?")).to_have_value("")
    assert (await stored(web, "B-incomplete")).state == "unknown"


async def test_an_outcome_can_be_settled_by_keyboard_alone(visit: Visit, web: Web) -> None:
    await lost(web, "B-keys", minutes=5000)  # the oldest: its button is the first
    visitor = await visit()
    page = await visitor.open("/outcomes")
    await expect(page.get_by_role("region", name="Unknown outcomes").locator("tbody tr").first).to_contain_text(
        "B-keys"
    )
    button = page.get_by_role("button", name="Settle create_shipment B-keys")
    await button.focus()
    await lost(web, "B-more")
    await expect(row_of(page, "B-more")).to_be_visible()  # the table was drawn anew
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("create_shipment-B-keys")
    await dialog.get_by_role("radio", name="It happened", exact=True).focus()
    await page.keyboard.press("ArrowDown")
    await expect(dialog.get_by_role("radio", name="It did not happen", exact=True)).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.type("Seen in the portal")
    await page.keyboard.press("Tab")
    await expect(dialog.get_by_role("button", name="Leave it unknown")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(row_of(page, "B-keys")).to_have_count(0)

    assert (await stored(web, "B-keys")).found == "did_not_happen"


async def test_what_somebody_else_has_settled_meanwhile_is_said(visit: Visit, web: Web) -> None:
    await lost(web, "B-late")
    visitor = await visit()
    page = await visitor.open("/outcomes")
    dialog = await open_dialog(page, "B-late")
    await outcomes.settle(
        web.db,
        "fedex",
        "create_shipment",
        "create_shipment-B-late",
        found="happened",
        reason="It is there",
        by="noor",
        now=web.day.now,
    )
    await dialog.get_by_role("radio", name="It did not happen", exact=True).check()
    await dialog.get_by_label("How do you know?").fill(REASON)
    await dialog.get_by_role("button", name="Settle it").click()
    await expect(page.get_by_text("Nothing was changed: noor has settled it as happened.")).to_be_visible()

    assert (await stored(web, "B-late")).found == "happened"


async def test_a_viewer_sees_no_button_and_a_copied_request_settles_nothing(visit: Visit, web: Web) -> None:
    await lost(web, "B-mine")
    await lost(web, "B-theirs")
    operator = await visit()
    page = await operator.open("/outcomes")
    dialog = await open_dialog(page, "B-mine")
    await dialog.get_by_role("radio", name="It happened", exact=True).check()
    await dialog.get_by_label("How do you know?").fill(REASON)
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and '"settle-yes"' in (request.post_data or "")
    ) as caught:
        await dialog.get_by_role("button", name="Settle it").click()
    request = await caught.value
    await expect(row_of(page, "B-mine")).to_have_count(0)
    mine, theirs = id_of(await stored(web, "B-mine")), id_of(await stored(web, "B-theirs"))
    assert mine in (request.post_data or "")

    viewer = await visit("viewer")
    watched = await viewer.open("/outcomes")
    await expect(row_of(watched, "B-theirs")).to_be_visible()
    await expect(watched.get_by_role("button", name=re.compile("^Settle"))).to_have_count(0)
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        answer = await client.post(
            request.url,
            content=(request.post_data or "").replace(mine, theirs),
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )

    assert "Not allowed" in answer.text
    assert (await stored(web, "B-theirs")).state == "unknown"


async def test_a_vendor_narrows_the_list_and_the_trace_is_one_click_away(visit: Visit, web: Web) -> None:
    await lost(web, "B-narrow")
    visitor = await visit()
    page = await visitor.open("/outcomes?vendor=aramex")
    await expect(row_of(page, "SO1042")).to_contain_text("no look-up at this vendor")
    await expect(row_of(page, "B-narrow")).to_have_count(0)
    await page.get_by_role("navigation", name="Vendor").get_by_role("link", name="FedEx").click()
    await expect(page).to_have_url(re.compile("vendor=fedex"))
    await expect(row_of(page, "SO1042")).to_have_count(0)
    await row_of(page, "B-narrow").get_by_role("link", name="Trace").click()

    await expect(page).to_have_url(re.compile(f"/traces/{web.day.failed_correlation}"))


async def test_the_navigation_counts_what_is_unknown(visit: Visit, web: Web) -> None:
    await lost(web, "B-counted")
    visitor = await visit()
    page = await visitor.open("/")
    total = sum((await outcomes.counts(web.db, now=web.day.now)).values())

    await expect(page.locator("#nav-outcomes")).to_have_text(str(total))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_dialog_fits_the_screen(visit: Visit, web: Web, width: int, scheme: str) -> None:
    await lost(web, f"B-{width}-{scheme}")
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open("/outcomes?vendor=fedex")
    dialog = await open_dialog(page, f"B-{width}-{scheme}")
    await dialog.get_by_role("button", name="Settle it").click()
    await expect(dialog).to_contain_text("Choose what you found.")
    await visitor.picture(f"outcomes-dialog-{width}-{scheme}")
    box = await dialog.bounding_box()

    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


async def test_nothing_unknown_is_said_as_good_news(visit: Visit, web: Web, tmp_path: Path) -> None:
    db = await open_empty(tmp_path / "empty.db")
    sessions = {"operator": await sign_in(db, "mira", "operator")}
    async with serving(db) as port:
        empty = Web(url=f"http://127.0.0.1:{port}", db=db, day=web.day, sessions=sessions)
        visitor = await visit(on=empty)
        page = await visitor.open("/outcomes")
        await expect(page.get_by_text("Nothing is unknown.")).to_be_visible()
        await expect(page.locator("#nav-outcomes")).to_be_hidden()
        await visitor.picture("outcomes-empty-1440-light")
        await visitor.context.close()
    await db.close()


async def test_a_database_that_does_not_answer_is_said_and_the_page_recovers(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: object, **_options: object) -> None:
        raise StoreUnavailable("the database does not answer")

    visitor = await visit()
    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "listed", away)
        page = await visitor.open("/outcomes")
        await expect(page.locator("#outcomes-body").get_by_text("The database does not answer.")).to_be_visible()

    await expect(row_of(page, "SO1042")).to_be_visible()
