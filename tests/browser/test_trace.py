"""A trace as somebody on call walks it: from the headline to the call, narrowed, on a phone, while it goes on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from db.columns import to_micros
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.monitoring.seed import Day
from tests.records import Fact, call_ended, call_facts, ended, started, store

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
BIG = "big-trace"


BAD = {"status": 503, "error_type": "http_503", "fault": "theirs", "message": "FedEx is down."}
VENDORS = (("stripe", "create_payment"), ("fedex", "quote_rates"), ("aramex", "quote_rates"))


def many(id: str, number: int) -> list[Fact]:
    """Return a trace of so many calls to three vendors: some retried, some failed, an idle half hour between."""
    start = to_micros(datetime.now(UTC) - timedelta(hours=2))
    facts: list[Fact] = []
    for place in range(number):
        at = start + place * 150_000 + (1_800_000_000 if place > number / 2 else 0)
        vendor, operation = VENDORS[place % 3]
        call = call_facts(
            at, correlation_id=id, vendor=vendor, operation=operation, trigger="api", user_name="token:shop"
        )
        first = started(call, throttle_wait=0.04, started_at=at + 50_000)
        if place % 20 != 7:
            facts += [ended(first, duration=0.25), call_ended(call, duration=0.32, throttle_wait=0.04)]
            continue
        second = started(call, number=2, started_at=at + 900_000)
        lost = place % 40 == 7
        how = {"outcome": "error", **{name: BAD[name] for name in ("error_type", "fault", "message")}} if lost else {}
        facts += [
            ended(first, duration=0.12, **BAD),
            ended(second, duration=0.2, **(BAD if lost else {})),
            call_ended(call, duration=1.2, attempts=2, throttle_wait=0.04, **how),
        ]
    return facts


@pytest.fixture(scope="module")
async def walked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    db = await open_empty(tmp_path_factory.mktemp("trace") / "quayside.db")
    await store(db, many(BIG, 130))
    nothing = Day(
        now=datetime.now(UTC), calls=0, failed_call="", failed_correlation="", retried_correlation="", running_run=""
    )
    secret = await sign_in(db, "mira", "operator")
    async with serving(db) as port:
        yield Web(url=f"http://127.0.0.1:{port}", db=db, day=nothing, sessions={"operator": secret})
    await db.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_a_long_trace_says_where_the_time_went_and_fits_the_screen(
    visit: Visit, walked: Web, width: int, scheme: str
) -> None:
    visitor = await visit(width=width, scheme=scheme, on=walked)
    page = await visitor.open(f"/traces/{BIG}")
    await visitor.picture(f"trace-long-{width}-{scheme}")
    overflow = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    assert not overflow
    await expect(page.locator("#page .q-sentence")).to_contain_text("calls of 130 failed")
    await expect(page.locator(".q-wf-shares")).to_contain_text("at vendors")
    await expect(page.locator("#page")).to_contain_text("from left to right")
    assert await violations(page) == []


async def test_the_list_is_narrowed_paged_and_a_call_opens_by_keyboard(visit: Visit, walked: Web) -> None:
    visitor = await visit(on=walked)
    page = await visitor.open(f"/traces/{BIG}")
    await page.get_by_role("link", name="Next").click()
    await expect(page.locator("#page")).to_contain_text("51 to 100 of 130")
    await page.get_by_role("navigation", name="Show").get_by_role("link", name=re.compile("^failed")).click()
    await expect(page).to_have_url(re.compile("show=failed"))
    await expect(page.locator("#page")).not_to_contain_text("51 to 100 of 130")  # the list before
    rows = page.locator(".q-waterfall tbody tr th a")
    await expect(rows.first).to_be_visible()
    await rows.first.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("FedEx is down.")
    await expect(page).to_have_url(re.compile("call="))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page).not_to_have_url(re.compile("call="))


async def test_a_trace_that_goes_on_grows_by_itself(visit: Visit, walked: Web) -> None:
    call = call_facts(
        to_micros(datetime.now(UTC)), correlation_id="live-trace", vendor="stripe", operation="create_payment"
    )
    await store(walked.db, [ended(started(call), **BAD)])
    visitor = await visit(on=walked)
    page = await visitor.open("/traces/live-trace")
    await expect(page.locator("#page .q-sentence")).to_contain_text("Under way: Stripe · create payment.")
    await store(walked.db, [ended(started(call, number=2)), call_ended(call, attempts=2)])
    await expect(page.locator("#page .q-sentence")).to_have_text("Every call succeeded.")


async def test_an_unknown_id_says_what_may_be_the_reason(visit: Visit) -> None:
    visitor = await visit(width=390)
    page = await visitor.open("/traces/0123456789abcdef0123456789abcdef")

    await expect(page.locator("#page .q-state")).to_contain_text("Calls are kept for 30")
