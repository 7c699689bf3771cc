"""Saved views as people use them: keep a page, come back to it, share it, change it, let an admin clear up."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect

from db import saved_views
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def opened(page: Page) -> Locator:
    """Open the list of views and return it."""
    await page.get_by_role("button", name="Views", exact=True).click()
    box = page.get_by_role("dialog").filter(has=page.get_by_label("Keep this page under a name"))
    await expect(box).to_be_visible()
    await expect(box.locator("[aria-busy=true]")).to_have_count(0)
    return box


@pytest.fixture
async def no_views(web: Web) -> None:
    for person in ("mira", "vik"):
        for view in await saved_views.seen_by(web.db, person):
            await saved_views.remove(web.db, view.id, by=view.owner, admin=True, now=web.day.now)


async def test_a_page_is_kept_opened_renamed_and_removed_with_the_keyboard(
    visit: Visit, web: Web, no_views: None
) -> None:
    visitor = await visit()
    page = await visitor.open("/calls?range=24h&vendor=aramex")
    button = page.get_by_role("button", name="Views", exact=True)
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Keep this page under a name")).to_be_focused()
    await page.keyboard.type("Aramex, a day", delay=15)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Kept: Aramex, a day")).to_be_visible()
    await expect(page.get_by_role("link", name="Aramex, a day")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Keep this page under a name")).to_be_hidden()

    await visitor.open("/syncs")
    await (await opened(page)).get_by_role("link", name="Aramex, a day").click()
    await expect(page).to_have_url(re.compile(r"/calls\?range=24h&vendor=aramex$"))
    await expect(page.get_by_label("Keep this page under a name")).to_be_hidden()

    await (await opened(page)).get_by_role("button", name="Change Aramex, a day").click()
    dialog = page.get_by_role("dialog", name="Change a view")
    await expect(dialog).to_contain_text("/calls?range=24h&vendor=aramex")
    await dialog.get_by_label("Name").fill("Aramex")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    assert [view.name for view in await saved_views.seen_by(web.db, "mira")] == ["Aramex"]

    await (await opened(page)).get_by_role("button", name="Change Aramex").click()
    await dialog.get_by_role("button", name="Remove this view").click()
    await expect(page.get_by_text("The page itself is as it was.")).to_be_visible()
    assert await saved_views.seen_by(web.db, "mira") == []


async def test_a_shared_view_is_seen_by_others_and_removed_by_an_admin_alone(
    visit: Visit, web: Web, no_views: None
) -> None:
    visitor = await visit()
    page = await visitor.open("/incidents?range=24h")
    box = await opened(page)
    await box.get_by_label("Keep this page under a name").fill("Night shift")
    await box.get_by_role("switch", name="Everybody sees it").check()
    await box.get_by_role("button", name="Keep it").click()
    await expect(box.get_by_role("link", name="Night shift")).to_be_visible()
    await box.get_by_label("Keep this page under a name").fill("night SHIFT")
    await box.get_by_role("button", name="Keep it").click()
    await expect(box).to_contain_text("You have a view of this name; choose another.")

    viewer = await visit("viewer")
    seen = await opened(await viewer.open("/"))
    await expect(seen.get_by_role("link", name="Night shift")).to_be_visible()
    await expect(seen).to_contain_text("by mira")
    await expect(seen.get_by_role("button", name=re.compile("Change"))).to_have_count(0)
    await expect(seen.get_by_role("switch", name="Everybody sees it")).to_be_disabled()

    web.sessions.setdefault("admin", await sign_in(web.db, "rosa-of-views", "admin"))
    admin = await visit("admin")
    desk = await admin.open("/")
    await (await opened(desk)).get_by_role("button", name="Change Night shift").click()
    dialog = desk.get_by_role("dialog", name="Change a view")
    await expect(dialog.get_by_label("Name")).to_be_disabled()
    await dialog.get_by_role("button", name="Remove this view").click()
    await expect(desk.get_by_text("The page itself is as it was.")).to_be_visible()

    assert await saved_views.seen_by(web.db, "mira") == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_the_list_fits_the_screen(visit: Visit, web: Web, no_views: None, width: int, scheme: str) -> None:
    for name, shared in (("Aramex, a day", False), ("Night shift", True)):
        await saved_views.save(
            web.db, owner="mira", name=name, address="/calls?vendor=aramex", shared=shared, now=web.day.now
        )
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open("/incidents")
    box = await opened(page)
    await expect(box.get_by_role("link")).to_have_text(["Aramex, a day", "Night shift"])
    await visitor.picture(f"views-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await violations(page) == []
