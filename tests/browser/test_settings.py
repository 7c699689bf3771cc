"""Settings as an admin and as everybody else uses them: users, links, tokens, sessions, ages, one's own password."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from db import audit, tokens, users
from db.kept import retention_now
from db.retention import RetentionOptions
from monitoring.identity import digest
from monitoring.passwords import hash_password
from tests.browser.conftest import Visitor, Web, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


def row_of(page: Page, table: str, name: str) -> Locator:
    return page.get_by_role("region", name=table).locator("tbody tr", has_text=name)


async def test_an_admin_adds_a_user_whose_link_sets_the_password_once(visit: Visit, web: Web) -> None:
    visitor = await visit("admin")
    page = await visitor.open("/settings?part=users")
    await page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog", name="Add a user")
    await dialog.get_by_label("Name").fill("mira")
    await dialog.get_by_role("button", name="Add the user").click()
    await expect(dialog).to_contain_text("There is a user mira already.")
    await dialog.get_by_label("Name").fill("noor")
    await dialog.get_by_role("button", name="Add the user").click()
    secret = page.get_by_role("dialog", name="Take it now").locator("#secret-value")
    await expect(secret).to_contain_text("/login/password?link=")
    link = await secret.inner_text()
    await visitor.picture("settings-link-1440-light")
    await page.keyboard.press("Escape")
    await expect(row_of(page, "Users", "noor")).to_contain_text("no password yet")
    async with httpx.AsyncClient(base_url=web.url) as guest:
        at = web.url + link[link.index("/login") :]
        form = await guest.get(at)
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
        assert csrf is not None
        data = {"csrf_token": csrf[1], "link": at.partition("link=")[2], "password": "long enough 1"}
        done = await guest.post("/login/password", data={**data, "again": "long enough 1"})
        again = await guest.get(at)

    assert (done.status_code, again.status_code) == (303, 410)


async def test_a_viewer_is_given_the_right_to_start_runs_and_the_last_admin_stays(visit: Visit, web: Web) -> None:
    await sign_in(web.db, "tara", "viewer")
    visitor = await visit("admin")
    page = await visitor.open("/settings?part=users")
    await page.get_by_role("button", name="Change tara").click()
    dialog = page.get_by_role("dialog", name="Change tara")
    await dialog.get_by_role("textbox", name="Right to start runs and replays").click()
    await page.get_by_role("option", name="given").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Why?").fill("Night shift")
    await visitor.picture("settings-user-1440-light")
    await dialog.get_by_role("button", name="Save").click()
    await expect(row_of(page, "Users", "tara")).to_contain_text("yes, given")
    await page.get_by_role("button", name="Change ada").click()
    dialog = page.get_by_role("dialog", name="Change ada")
    await dialog.get_by_role("switch", name="May come in").click()
    await dialog.get_by_label("Why?").fill("By mistake")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("This is the last admin who can come in")).to_be_visible()
    (act,) = await audit.list_acts(web.db, subject="tara", act="user.trigger_changed")

    assert (act.user_name, act.reason) == ("ada", "Night shift")


async def test_a_token_is_shown_once_and_revoked(visit: Visit, web: Web) -> None:
    visitor = await visit("admin")
    page = await visitor.open("/settings?part=tokens")
    await page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog", name="Make a token")
    await dialog.get_by_label("Name").fill("wallboard")
    await dialog.get_by_role("button", name="Make the token").click()
    await expect(dialog).to_contain_text("missing scope")
    await dialog.get_by_label("read", exact=True).check()
    await dialog.get_by_label("Requests a minute").fill("30")
    await dialog.get_by_role("button", name="Make the token").click()
    secret = await page.get_by_role("dialog", name="Take it now").locator("#secret-value").inner_text()
    await page.keyboard.press("Escape")
    found = await tokens.find_token(web.db, digest(secret), now=datetime.now(UTC))
    assert found is not None
    assert (found.scopes, found.requests_per_minute, found.made_by) == (("read",), 30, "ada")
    await expect(row_of(page, "Tokens", "wallboard")).to_contain_text("30 a minute")
    await visitor.picture("settings-tokens-1440-light")
    await page.get_by_role("button", name="Revoke wallboard").click()
    dialog = page.get_by_role("dialog", name="Revoke a token?")
    await dialog.get_by_label("Why?").fill("Screen is gone")
    await dialog.get_by_role("button", name="Revoke it").click()
    await expect(row_of(page, "Tokens", "wallboard")).to_contain_text("revoked")

    assert await tokens.find_token(web.db, digest(secret), now=datetime.now(UTC)) is None


async def test_an_age_edited_here_wins_over_the_file_and_goes_back(visit: Visit, web: Web) -> None:
    visitor = await visit("admin")
    page = await visitor.open("/settings?part=kept")
    await page.get_by_role("button", name="Change bodies").click()
    dialog = page.get_by_role("dialog", name="Keep it for how long?")
    await dialog.get_by_label("Days").fill("40")
    await dialog.get_by_label("Why?").fill("An audit asks for it")
    await dialog.get_by_role("button", name="Keep it so long").click()
    await expect(dialog).to_contain_text("retention.calls is 30 and retention.bodies is 40")
    await dialog.get_by_label("Days").fill("5")
    await dialog.get_by_role("button", name="Keep it so long").click()
    row = row_of(page, "How long things are kept", "retention.bodies")
    await expect(row).to_contain_text("5 days3 daysada")
    assert (await retention_now(web.db, RetentionOptions()))[0].bodies == 5
    await page.get_by_role("button", name="Count what the next prune would delete").click()
    await expect(page.locator("#keep-counted")).not_to_be_empty()
    await visitor.picture("settings-kept-1440-light")
    await page.get_by_role("button", name="Change bodies").click()
    await dialog.get_by_label("Go back to what the file says").check()
    await dialog.get_by_label("Why?").fill("The audit is over")
    await dialog.get_by_role("button", name="Keep it so long").click()
    await expect(row).to_contain_text("as in the file")

    assert (await retention_now(web.db, RetentionOptions()))[0].bodies == 3


async def test_a_revoked_session_is_out_of_its_open_page_within_seconds(visit: Visit, web: Web) -> None:
    web.sessions["leaver"] = await sign_in(web.db, "leaver", "operator")
    leaver = await visit("leaver")
    leaver.expected = lambda problem: any(part in problem for part in ("401", "WebSocket", "body stream"))
    theirs = await leaver.open("/")
    await expect(theirs.locator("#live-word")).to_have_text("Live")
    visitor = await visit("admin")
    page = await visitor.open("/settings?part=sessions")
    await page.get_by_role("button", name=re.compile("End the session of leaver")).click()
    await expect(page.get_by_text("The session of leaver has ended")).to_be_visible()

    await expect(theirs).to_have_url(re.compile("/login"), timeout=20_000)


async def test_everybody_changes_their_own_password_and_nothing_else(visit: Visit, web: Web) -> None:
    web.sessions["own"] = await sign_in(web.db, "olga", "viewer")
    await users.renew_hash(web.db, "olga", old="-", new=await hash_password("the old password"))
    other = digest("another browser")
    later = datetime.now(UTC) + timedelta(hours=1)
    await users.open_session(
        web.db, session_id=other, user_name="olga", now=datetime.now(UTC), expires_at=later, agent="Firefox/140 Linux"
    )
    visitor = await visit("own")
    page = await visitor.open("/settings")
    await expect(page.get_by_text("You may look at everything.")).to_be_visible()
    await expect(page.get_by_role("region", name="Open sessions").locator("tbody tr")).to_have_count(2)
    await expect(page.get_by_role("navigation", name="Parts of the settings")).to_have_count(0)
    await page.get_by_label("Password now").fill("not this one")
    await page.get_by_label("New password").fill("the new password")
    await page.get_by_label("The same again").fill("the new passwort")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("Type the same password twice.")).to_be_visible()
    await page.get_by_label("The same again").fill("the new password")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("That is not your password")).to_be_visible()
    await page.get_by_label("Password now").fill("the old password")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("your other sessions have ended")).to_be_visible()
    await expect(page.get_by_role("region", name="Open sessions").locator("tbody tr")).to_have_count(1)
    await visitor.open("/settings?part=users")

    await expect(page.get_by_text("This part is for admins.")).to_be_visible()
