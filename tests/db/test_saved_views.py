"""Views kept under a name: whose they are, who sees them, who may remove them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from db import audit, saved_views
from db.engine import Database
from tests.conftest import MovableClock


async def keep(db: Database, clock: MovableClock, owner: str, name: str, *, shared: bool = False) -> str:
    how: dict[str, Any] = {"address": "/calls?vendor=fedex", "shared": shared, "now": clock.now()}
    return await saved_views.save(db, owner=owner, name=name, **how)


async def ids(db: Database, person: str) -> dict[str, str]:
    return {view.name: view.id for view in await saved_views.seen_by(db, person)}


async def test_own_views_come_first_and_others_only_when_shared(database: Database, clock: MovableClock) -> None:
    await keep(database, clock, "ada", "zebra")
    await keep(database, clock, "ada", "Alpha", shared=True)
    await keep(database, clock, "bob", "beta", shared=True)
    await keep(database, clock, "bob", "private")
    seen = await saved_views.seen_by(database, "ada")

    assert [(view.owner, view.name) for view in seen] == [("ada", "Alpha"), ("ada", "zebra"), ("bob", "beta")]
    assert seen[0].address == "/calls?vendor=fedex"


async def test_a_name_is_taken_once_per_owner_however_it_is_spelt(database: Database, clock: MovableClock) -> None:
    at_once = await asyncio.gather(*(keep(database, clock, "ada", name) for name in ("Errors", "errors", "ERRORS")))
    other = await keep(database, clock, "bob", "errors")
    await keep(database, clock, "ada", "Late")
    found = await ids(database, "ada")
    how: dict[str, Any] = {"owner": "ada", "shared": False, "now": clock.now()}

    assert sorted(at_once) == ["done", "taken", "taken"]
    assert other == "done"
    assert await saved_views.change(database, found["Late"], name="errors", **how) == "taken"
    assert await saved_views.change(database, found["Late"], name="late", **how) == "done"


async def test_only_the_owner_changes_a_view_and_an_admin_removes_only_what_is_shared(
    database: Database, clock: MovableClock
) -> None:
    for name, shared in (("open", True), ("private", False)):
        await keep(database, clock, "ada", name, shared=shared)
    found = await ids(database, "ada")
    how: dict[str, Any] = {"by": "root", "now": clock.now()}

    assert (
        await saved_views.change(database, found["open"], owner="bob", name="x", shared=True, now=clock.now())
        == "missing"
    )
    assert not await saved_views.remove(database, found["open"], admin=False, **how)
    assert not await saved_views.remove(database, found["private"], admin=True, **how)
    assert await saved_views.remove(database, found["open"], admin=True, **how)
    assert not await saved_views.remove(database, found["open"], admin=True, **how)
    assert list(await ids(database, "ada")) == ["private"]


async def test_what_others_see_is_in_the_audit_and_what_is_private_is_not(
    database: Database, clock: MovableClock
) -> None:
    await keep(database, clock, "ada", "mine")
    found = await ids(database, "ada")
    for shared in (True, False):
        clock.move(1)
        await saved_views.change(database, found["mine"], owner="ada", name="mine", shared=shared, now=clock.now())
    await saved_views.remove(database, found["mine"], by="ada", admin=False, now=clock.now())
    acts = await audit.list_acts(database, subject="mine")

    assert [(act.act, act.user_name) for act in acts] == [("view.changed", "ada"), ("view.shared", "ada")]


async def test_an_owner_keeps_a_bounded_number(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    kept = [await keep(database, clock, "ada", name) for name in ("one", "two", "three")]

    assert kept == ["done", "done", "full"]
