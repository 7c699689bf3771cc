"""Storing the journals of dead processes: what they had noted, and that what was under way has no known end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from db.batches import forget_journal, stored_position
from db.engine import Database
from integrations.journal import Journal, abandoned
from integrations.rows import HEADER, current, decode, encode
from integrations.storing import store_entries
from integrations.under_way import UnderWayAtDeath

log = logging.getLogger(__name__)

BATCH = 2000


async def take_over_abandoned(db: Database, directory: Path, now: Callable[[], int]) -> int:
    """Store every journal in the folder whose owner is dead, and return how many.

    1. Lock the journal: that it can be locked proves the owner dead.
    2. Write the missing ends into it, so that they have positions like everything else and count once.
    3. Store it from the position the database has, then remove it.

    Raise StoreUnavailable when the database is away, PositionMoved when the answer to a commit was lost; the journal
    then waits for the next time.
    """
    count = 0
    for journal in abandoned(directory, HEADER):
        finished = False
        try:
            await _store(db, journal, now)
            finished = True
        finally:
            journal.close(remove=finished)
        await forget_journal(db, journal.id)
        count += 1
    return count


async def _store(db: Database, journal: Journal, now: Callable[[], int]) -> None:
    position = await stored_position(db, journal.id)
    ends = await asyncio.to_thread(_write_missing_ends, journal)
    entries = (entry for entry in decode(journal.records(position)) if entry[0] > position)
    stored = 0
    while chunk := await asyncio.to_thread(lambda: list(islice(entries, BATCH))):
        position = await store_entries(db, journal.directory, journal.id, chunk, start=position, now=now())
        stored += len(chunk)
    log.info("journal.taken_over", extra={"journal": journal.id, "records": stored, "without_end": ends})


def _write_missing_ends(journal: Journal) -> int:
    under_way = UnderWayAtDeath()
    for _end, record in current(journal.records()):
        under_way.follow(record)
    ends = under_way.ends()
    for record in ends:
        journal.append(encode(record))
    if ends:
        journal.sync()
    return len(ends)
