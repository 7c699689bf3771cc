"""What the journal of a killed process says by itself, read without the code that takes it over."""

from __future__ import annotations

from pathlib import Path

import orjson

from db.batches import ATTEMPT_COLUMNS

_ID = ATTEMPT_COLUMNS.index("id")
_ERROR = ATTEMPT_COLUMNS.index("error_type")


def without_end(folder: Path) -> set[str]:
    """Return the ids of attempts that were started and not ended; an end that a later process made up is none."""
    started: set[str] = set()
    ended: set[str] = set()
    for path in folder.glob("*.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # torn by the kill
            record = orjson.loads(line[9:])
            if record[0] in ("S", "R"):
                started.add(record[1][_ID])
            elif record[0] == "E" and record[1][_ERROR] != "process_died":
                ended.add(record[1][_ID])
    return started - ended
