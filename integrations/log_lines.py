"""Log lines: a time, a level, a dotted event or sentence, and its fields as key=value."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("aiosqlite", "alembic", "apscheduler", "httpx", "procrastinate", "uvicorn", "websockets", "zeep", "asyncio")


class LineFormatter(logging.Formatter):
    """``2026-10-01T03:14:15Z WARNING circuit.opened circuit=fedex wait=60.0``"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        told = "".join(f" {key}={_quoted(value)}" for key, value in fields.items())
        line = f"{at} {record.levelname} {record.getMessage()}{told}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text


def set_up_logging(level: int = logging.INFO) -> None:
    """Log to standard error, our own lines from ``level``, the libraries' from WARNING."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(LineFormatter())
    logging.basicConfig(level=level, handlers=[stream], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
