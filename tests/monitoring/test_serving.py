"""The web process as it is run: it says where it is, answers, and ends when it is told to."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import httpx
import pytest

from db.engine import Database
from monitoring.options import WebOptions
from monitoring.web import YOUNG_OBJECTS, serve_web
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.waiting import until


@pytest.fixture
def _collected_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("_collected_as_before")
async def test_it_says_where_it_is_answers_and_leaves_what_stands_out_of_every_collection(database: Database) -> None:
    said: list[str] = []
    frozen = gc.get_freeze_count()
    serving = asyncio.create_task(
        serve_web(database, WebOptions(port=0), vendor_facts(), sync_facts(), say=said.append)
    )

    async def is_up() -> bool:
        return bool(said)

    await until(is_up)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{said[0].split()[-1]}/healthz")
    kept, thresholds = gc.get_freeze_count(), gc.get_threshold()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

    assert answer.status_code == 200
    assert kept > frozen + 10_000
    assert thresholds[0] == YOUNG_OBJECTS
