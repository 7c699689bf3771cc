"""Dead letters of the order sync, for tests that look at them."""

from __future__ import annotations

from db import dead_letters
from tests.browser.conftest import Web


async def bury(web: Web, *items: str) -> None:
    """Bury orders as a run would that gave them up."""
    for item in items:
        async with web.db.write() as connection:
            await dead_letters.bury(
                connection,
                run_id="r1",
                sync="orders",
                item=item,
                error_type="timeout",
                reason="Acumatica did not answer.",
                now=web.day.now,
            )
