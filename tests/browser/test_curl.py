"""A call's request as a curl line, copied with the keyboard and without the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_call_is_copied_as_curl_by_keyboard_and_without_the_server(visit: Visit, web: Web, width: int) -> None:
    visitor = await visit(width=width, alone=True)
    await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await visitor.open(f"/calls?range=24h&call={web.day.failed_correlation}/{web.day.failed_call}")
    drawer = page.get_by_role("dialog")
    attempt = drawer.locator("details.q-attempt").first
    await expect(attempt).to_be_visible()
    if not await attempt.evaluate("node => node.open"):
        await attempt.locator("summary").first.click()
    button = attempt.get_by_role("button", name="Copy attempt 1 as cURL")
    visitor.expected = lambda problem: "Failed to load" in problem or "did not respond" in problem
    await visitor.context.set_offline(True)
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(attempt.get_by_role("status")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    await visitor.context.set_offline(False)
    await attempt.get_by_text("Show the line").click()
    shown = await attempt.locator(".q-curl").text_content()

    assert copied == shown
    assert copied.startswith("curl -X ")
    assert "[hidden]" in copied
    await expect(drawer.locator(".q-next")).not_to_be_empty()
    assert await violations(page) == []


async def test_a_browser_without_a_clipboard_copies_the_old_way(visit: Visit, web: Web) -> None:
    visitor = await visit(alone=True)
    await visitor.context.add_init_script(
        "Object.defineProperty(window, 'isSecureContext', {get: () => false});"
        "document.execCommand = name => {"
        "  window.copiedBy = name + ' ' + String(document.activeElement.value || ''); return true;"
        "};"
    )
    page = await visitor.open(f"/calls?range=24h&call={web.day.failed_correlation}/{web.day.failed_call}")
    attempt = page.get_by_role("dialog").locator("details.q-attempt").first
    await expect(attempt).to_be_visible()
    if not await attempt.evaluate("node => node.open"):
        await attempt.locator("summary").first.click()
    await attempt.get_by_role("button", name="Copy attempt 1 as cURL").click()
    await expect(attempt.get_by_role("status")).to_have_text("Copied")

    assert (await page.evaluate("window.copiedBy")).startswith("copy curl -X ")
