"""Setting circuits by hand as people on call do: with consequences, an end, a way back, and only with the right."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from db import audit, circuits
from db.circuit_acts import set_by_hand
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
REASON = "Announced maintenance"


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Circuits", exact=True).locator("tbody tr", has_text=name)


async def open_dialog(page: Page, name: str) -> Locator:
    await page.get_by_role("button", name=f"Set the circuit of {name}").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(name)
    return dialog


async def test_holding_a_circuit_open_says_who_is_hit_and_can_be_taken_back(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/circuits")
    await expect(row_of(page, "Aramex")).to_contain_text("A probe failed: http_503")
    dialog = await open_dialog(page, "Acumatica")
    hold = dialog.get_by_role("radio", name="Hold it open")
    await expect(dialog).to_contain_text("The Inventory sync and the Orders sync stop using Acumatica.")
    await expect(dialog).to_contain_text("18 orders wait.")
    await hold.check()
    await dialog.get_by_label("Why?").fill(f" {REASON} ")
    await dialog.get_by_role("button", name="Set it").click()
    await expect(page.get_by_text("Acumatica is held open until")).to_be_visible()
    await expect(row_of(page, "Acumatica")).to_contain_text("forced open")
    await expect(row_of(page, "Acumatica")).to_contain_text(f"{REASON} by mira")
    await expect(row_of(page, "Acumatica")).to_contain_text("automatic again at")
    row = await circuits.state(web.db, "acumatica")
    (act,) = await audit.list_acts(web.db, subject="acumatica")
    assert row is not None
    assert (row.state, row.by, row.reason) == ("forced_open", "mira", REASON)
    assert (act.act, act.user_name, act.reason) == ("circuit.forced_open", "mira", REASON)

    await page.get_by_role("button", name="Take back what was done to Acumatica").click()
    await expect(page.get_by_text("It is closed, as before.")).to_be_visible()
    await expect(row_of(page, "Acumatica").get_by_text("forced open", exact=True)).to_have_count(0)
    row = await circuits.state(web.db, "acumatica")

    assert row is not None
    assert (row.state, row.by) == ("closed", None)


async def test_without_choice_and_reason_the_fields_say_so_and_nothing_changes(visit: Visit, web: Web) -> None:
    before = await circuits.state(web.db, "slack")
    visitor = await visit()
    page = await visitor.open("/circuits")
    dialog = await open_dialog(page, "Slack")
    await dialog.get_by_role("button", name="Set it").click()
    await expect(dialog).to_contain_text("Choose what it is to do.")
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_role("button", name="Never mind").click()
    await expect(dialog).to_be_hidden()

    assert await circuits.state(web.db, "slack") == before


async def test_what_somebody_else_has_done_meanwhile_is_said(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/circuits")
    dialog = await open_dialog(page, "Stripe")
    await set_by_hand(
        web.db, "stripe", "stripe", "watch_only", reason="a look", by="noor", expires_at=None, now=web.day.now
    )
    await dialog.get_by_role("radio", name="Hold it open").check()
    await dialog.get_by_label("Why?").fill(REASON)
    await dialog.get_by_role("button", name="Set it").click()
    await expect(page.get_by_text("The circuit has changed since you looked.")).to_be_visible()
    row = await circuits.state(web.db, "stripe")

    assert row is not None
    assert (row.state, row.by) == ("watch_only", "noor")


async def test_a_viewer_sees_no_button_and_a_copied_request_sets_nothing(visit: Visit, web: Web) -> None:
    operator = await visit()
    page = await operator.open("/circuits")
    dialog = await open_dialog(page, "Open Exchange Rates")
    await dialog.get_by_role("radio", name="Watch only").check()
    await dialog.get_by_label("Why?").fill(REASON)
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and '"circuit-yes"' in (request.post_data or "")
    ) as caught:
        await dialog.get_by_role("button", name="Set it").click()
    request = await caught.value
    await expect(row_of(page, "Open Exchange Rates")).to_contain_text("watch only")
    viewer = await visit("viewer")
    watched = await viewer.open("/circuits")
    await expect(row_of(watched, "Slack")).to_be_visible()
    await expect(watched.get_by_role("button", name=re.compile("Set the|Take back"))).to_have_count(0)
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        answer = await client.post(
            request.url,
            content=(request.post_data or "").replace('"open_exchange_rates"', '"slack"'),
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )
    row = await circuits.state(web.db, "slack")

    assert "Not allowed" in answer.text
    assert row is not None
    assert row.state == "closed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_page_and_dialog_fit_the_screen(visit: Visit, width: int, scheme: str) -> None:
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open("/circuits")
    await visitor.picture(f"circuits-{width}-{scheme}")
    dialog = await open_dialog(page, "Aramex")
    await visitor.picture(f"circuits-dialog-{width}-{scheme}")
    box = await dialog.bounding_box()

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
