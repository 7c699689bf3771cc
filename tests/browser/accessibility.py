"""What axe-core finds on a page that would keep somebody out (https://github.com/dequelabs/axe-core)."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

KEEPS_OUT = frozenset({"serious", "critical"})


async def violations(page: Page) -> list[str]:
    """Return the serious and critical violations, each as its rule, what it says and the first nodes it holds for."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}; {len(rule['nodes'])} times, first "
        + " | ".join(
            str(node["html"])[:160] + " :: " + node["failureSummary"].split("\n")[1][:200] for node in rule["nodes"][:4]
        )
        for rule in found
        if rule["impact"] in KEEPS_OUT
    ]
