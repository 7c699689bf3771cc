"""From a journal's records to the database; a record the database will never take is set aside, not in the way."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import orjson

from db.batches import Batch, RowRefused, store_batch
from db.engine import Database
from integrations.rows import Entry, fill_batch

log = logging.getLogger(__name__)


async def store_entries(
    db: Database, directory: Path, journal: str, entries: Sequence[Entry], *, start: int, now: int
) -> int:
    """Store entries that follow the position ``start`` of a journal, and return the position they end at.

    When the database refuses a row for what it is, halves are tried, down to the one at fault; that one is kept in
    ``<journal>.rejected`` for a person to look at. Raise PositionMoved and StoreUnavailable as ``store_batch`` does.
    """
    batch = Batch()
    end = start
    for end, record in entries:  # noqa: B007 - the last end is the new position
        fill_batch(batch, record)
    try:
        await store_batch(db, batch, journal=journal, start=start, end=end, now=now)
    except RowRefused as error:
        if len(entries) == 1:
            log.exception("record.set_aside")
            _set_aside(directory / f"{journal}.rejected", entries[0], error)
            await store_batch(db, Batch(), journal=journal, start=start, end=end, now=now)
            return end
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            start = await store_entries(db, directory, journal, half, start=start, now=now)
    return end


def _set_aside(path: Path, entry: Entry, error: RowRefused) -> None:
    with path.open("ab") as file:
        file.write(orjson.dumps([type(error.__cause__).__name__, *entry[1]]) + b"\n")
