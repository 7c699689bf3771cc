"""Incidents as people on call use them: found, read as a story, taken up, silenced, ended; only with the right."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from db import audit, incident_acts, incidents
from db.incidents import Incident
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
Fire = Callable[[str, str], Awaitable[Incident]]


@pytest.fixture
async def fire(web: Web) -> AsyncIterator[Fire]:
    """Give a function that opens an incident of a test's own; what is still open afterwards is resolved."""
    opened: list[str] = []

    async def begin(subject: str, title: str) -> Incident:
        now = datetime.now(UTC)
        facts: dict[str, Any] = {"sentence": f"{title}, they say.", "fault": "theirs", "vendors": [subject]}
        assert await incidents.open_incident(
            web.db, rule="error_rate", subject=subject, state="firing", severity="page", title=title, facts=facts,
            started_at=now, inhibited_by=None, now=now,
        )  # fmt: skip
        (found,) = [one for one in await incidents.open_incidents(web.db) if one.title == title]
        opened.append(found.id)
        return found

    yield begin
    for id in opened:
        await incident_acts.resolve_by_hand(web.db, id, reason="the test is over", by="test", now=datetime.now(UTC))


async def as_stored(web: Web, incident: Incident) -> Incident:
    found = await incidents.find_incident(web.db, incident.id)
    assert found is not None
    return found


async def answer(page: Page, button: str, reason: str, yes: str) -> None:
    await page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").last.fill(reason)
    await dialog.get_by_role("button", name=yes).click()
    await expect(dialog).to_be_hidden()


async def test_an_incident_tells_its_story_with_links_to_what_is_behind(visit: Visit, web: Web) -> None:
    visitor = await visit("viewer")
    page = await visitor.open(f"/incidents/{web.day.incident}")
    story = page.locator(".q-timeline")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Aramex: circuit open")
    for words in ("Opened", "Aramex says a data centre is down.", "Circuit open", "A probe failed: http_503"):
        await expect(story).to_contain_text(words)
    await expect(story.get_by_role("link", name="Its trace").first).to_have_attribute("href", re.compile("^/traces/"))
    await expect(page.get_by_label("What it is")).to_contain_text("Aramex answers that it is unavailable (HTTP 503).")
    await expect(page.locator("#chart-incident .main-svg").first).to_be_visible()
    await page.get_by_role("button", name="Summary…").click()
    text = await page.get_by_role("dialog").get_by_label("Markdown").input_value()
    assert text.startswith("# Aramex: circuit open\n")
    assert "Aramex says a data centre is down." in text
    await expect(page.get_by_role("button", name=re.compile("Acknowledge|Silence|Resolve|Note"))).to_have_count(0)
    here = page.locator("#nav a[aria-current=page]")
    await expect(here).to_have_attribute("href", re.compile("^/incidents"))
    for path, goal in (("/conflicts", "/syncs"), ("/replays", "/calls"), ("/vendors/aramex", "/vendors/aramex")):
        await visitor.open(path)
        await expect(here).to_have_attribute("href", re.compile(f"^{goal}($|\\?)"))


async def test_somebody_takes_it_up_says_so_silences_it_and_ends_it(visit: Visit, web: Web, fire: Fire) -> None:
    incident = await fire("acumatica", "Calls to Acumatica fail")
    visitor = await visit()
    page = await visitor.open("/")
    await page.locator("#overview-incidents").get_by_role("link", name="Calls to Acumatica fail").click()
    await expect(page).to_have_url(re.compile(f"/incidents/{incident.id}"))
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.get_by_role("button", name="Hand back…")).to_be_visible()
    await answer(page, "Note…", "Called them; token Bearer abcdefghijklmnop", "Add it")
    await expect(page.locator(".q-timeline")).to_contain_text("Called them; token [hidden]")
    await answer(page, "Silence…", "Known until noon", "Silence it")
    await expect(page.get_by_role("button", name="End the silence")).to_be_visible()
    stored = await as_stored(web, incident)
    assert (stored.acknowledged_by, stored.silenced_by, stored.silenced_reason) == ("mira", "mira", "Known until noon")

    overview = await (await visit()).open("/")
    await expect(overview.locator("#overview-incidents")).to_contain_text("by mira: Known until noon")
    await answer(page, "Resolve…", "They say it is over", "Resolve it")
    await expect(page.get_by_role("button", name="Reopen…")).to_be_visible()
    await page.get_by_role("button", name=re.compile("Take back the note")).click()
    await expect(page.get_by_text("The note is gone;")).to_be_visible()
    await expect(page.locator(".q-timeline")).not_to_contain_text("Called them")
    stored = await as_stored(web, incident)
    acts = {act.act for act in await audit.list_acts(web.db, subject=incident.id)}

    assert (stored.state, stored.resolved_by) == ("resolved", "mira")
    assert acts == {f"incident.{did}" for did in ("acknowledged", "noted", "silenced", "resolved", "note_removed")}


async def test_an_act_on_what_is_over_shows_also_when_an_update_overtakes_it(
    visit: Visit, web: Web, fire: Fire
) -> None:
    incident = await fire("slack", "Calls to Slack fail")
    now = datetime.now(UTC)
    await incident_acts.resolve_by_hand(web.db, incident.id, reason="it is over", by="mira", now=now)
    visitor = await visit()
    page = await visitor.open(f"/incidents/{incident.id}")
    overtaken = asyncio.Event()

    async def hold_back(route: Route) -> None:
        body: Any = route.request.post_data_json
        if "incident-head" in body["output"] and "acted.data" in body["changedPropIds"]:
            await overtaken.wait()
        elif "incident-head" in body["output"]:
            overtaken.set()
        await route.continue_()

    await page.route(re.compile("_dash-update-component"), hold_back)
    await answer(page, "Note…", "Their status page was right", "Add it")

    await expect(page.locator(".q-timeline")).to_contain_text("Their status page was right")
    assert overtaken.is_set()


async def test_without_a_reason_the_field_says_so_and_nothing_changes(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open(f"/incidents/{web.day.incident}")
    await page.get_by_role("button", name="Resolve…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("It opens again")
    await dialog.get_by_role("button", name="Resolve it").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_role("button", name="Never mind").click()
    stored = await incidents.find_incident(web.db, web.day.incident)

    assert stored is not None
    assert stored.state == "firing"


async def test_the_filters_stand_in_the_address_and_narrow_the_lists(visit: Visit, web: Web) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/incidents?range=24h&subject=fedex")
    await expect(page.locator("#incidents-body")).to_contain_text("FedEx: circuit open")
    await expect(page.locator("#incidents-body")).not_to_contain_text("Aramex")
    await page.get_by_label("State").first.click()
    await page.get_by_role("option", name="resolved").click()
    await expect(page).to_have_url(re.compile("state=resolved"))
    await expect(page.locator("#incidents-body")).not_to_contain_text("error rate 6 %")
    href = await page.get_by_role("link", name="All as CSV").get_attribute("href") or ""
    answered = await visitor.context.request.get(web.url + href)

    assert answered.ok
    assert [line.split(",")[5] for line in (await answered.text()).splitlines()[1:]] == ["resolved"]


async def test_a_viewer_cannot_act_by_a_copied_request(visit: Visit, web: Web, fire: Fire) -> None:
    incident = await fire("shopify", "Calls to Shopify fail")
    operator = await visit()
    page = await operator.open(f"/incidents/{incident.id}")
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and '"incident-now"' in (request.post_data or "")
    ) as caught:
        await page.get_by_role("button", name="Acknowledge").click()
    request = await caught.value
    other = await fire("signifyd", "Calls to Signifyd fail")
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        refused = await client.post(
            request.url,
            content=(request.post_data or "").replace(incident.id, other.id),
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )

    assert "Not allowed" in refused.text
    assert (await as_stored(web, other)).acknowledged_by is None
