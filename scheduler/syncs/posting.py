"""Our stock changes to the ERP: differences, a hundred to a document, each document once whatever dies.

A batch is stored in the cursor, lines and reference, before it is posted. Whoever goes on after a kill finds it there
and posts it again under the same reference and idempotency key, and the gateway looks it up before it sends.

The ERP takes a document whole or not at all. When it refuses one, the lines it names become dead letters and the rest
is posted again; when it names none, the batch is halved until the bad lines stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from db import dead_letters, plan_rows, stock_readings
from db.runs import Counts
from db.stock import StockRow
from db.stock_readings import item_of
from integrations.errors import AlreadyHappened, CallFailed, InvalidInput, KeyReused, QuaysideError, is_final
from integrations.types.erp import PostedDocument, StockAdjustment, StockDifference
from scheduler.calls import Calls
from scheduler.options import InventoryOptions
from scheduler.syncs.run import Run, RunFailed, Step

ERP = "acumatica"
# A batch nobody could find out about for so long is for a person; its SKUs are held back, all others go on.
UNSETTLED_FOR = timedelta(minutes=30)
REFUSED_AT_MOST = 20  # lines, before the first document is taken: then the ERP refuses everything
_NAMED_LINE = re.compile(r"\bDetails\[(\d+)\]")

Line = list[Any]  # sku, warehouse, difference, quantity afterwards, our version: as JSON keeps them


class Posting:
    """The batches of one run. ``plan``: only what stands in that plan is posted, and noted there."""

    def __init__(self, run: Run, calls: Calls, options: InventoryOptions) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.plan: str | None = None

    async def settle(self) -> None:
        """Bring a batch of an earlier run to its end. Raise what keeps it open, for the first half hour."""
        pending = self.run.cursor.get("pending")
        if pending is None:
            return
        try:
            await self._post(pending)
        except (CallFailed, InvalidInput) as error:
            refused = _is_refusal(error)  # then nothing was taken, and its lines are found again below
            if not refused and self.run.now() - datetime.fromisoformat(pending["at"]) < UNSETTLED_FOR:
                raise
            async with self.run.step() as step:
                if not refused:
                    known = isinstance(error, AlreadyHappened)
                    how = "went through, but its answer is lost" if known else "has an unknown outcome"
                    reason = f"Adjustment {pending['reference']} {how}; look in the ERP. {error.message}"
                    await self._bury(step, pending["lines"], error.error_type, reason)
                step.cursor["pending"] = None
        await self.run.pause(self.options.pause)

    async def post_all(self) -> int:
        """Post every difference; return how many lines the ERP took."""
        while True:
            pending = self.run.cursor.get("pending") or await self._next_batch()
            if pending is None:
                return int(self.run.cursor.get("posted", 0))
            try:
                await self._post(pending)
            except QuaysideError as error:
                if not _is_refusal(error):
                    raise
                await self._part(pending["lines"], error)
            await self.run.pause(self.options.pause)

    async def _next_batch(self) -> dict[str, Any] | None:
        parts: list[list[Line]] = list(self.run.cursor.get("parts", ()))
        key = self.run.cursor["key"]
        if parts:
            lines = parts.pop(0)
        else:
            rows = await stock_readings.to_post(
                self.run.db, after=(key[0], key[1]), limit=self.options.page_size, plan=self.plan
            )
            if not rows:
                return None
            lines = [_line(row) for row in rows]
            key = [rows[-1].sku, rows[-1].warehouse]
        number = int(self.run.cursor.get("batch", 0)) + 1
        pending = {
            "reference": f"qs-{self.run.row.id[:12]}-{number:05d}",
            "lines": lines,
            "at": self.run.now().isoformat(),
        }
        async with self.run.step() as step:
            step.cursor |= {"pending": pending, "batch": number, "parts": parts, "key": key}
        return pending

    async def _post(self, pending: dict[str, Any]) -> None:
        lines: list[Line] = pending["lines"]
        reference: str = pending["reference"]
        adjustment = StockAdjustment(
            reference=reference,
            lines=tuple(StockDifference(sku=line[0], warehouse=line[1], difference=Decimal(line[2])) for line in lines),
            reason="Quayside stock sync",
        )

        async def post() -> PostedDocument:
            async with self.calls.session(ERP):
                result = await self.calls.call(ERP, "adjust_stock", adjustment, idempotency_key=f"stock-{reference}")
            document: PostedDocument = result.value
            return document

        document = await self.run.patiently(post)
        if not document.released:
            raise RunFailed(
                f"Acumatica holds adjustment {document.number} ({reference}) but has not released it; release it there.",
                error_type="not_released",
            )
        async with self.run.step() as step:
            await stock_readings.agree(
                step.connection, [(line[0], line[1], Decimal(line[3]), int(line[4])) for line in lines]
            )
            await self._note(step, lines, "applied")
            step.counts = Counts(pages=1, written=len(lines))
            step.cursor |= {"pending": None, "posted": int(step.cursor.get("posted", 0)) + len(lines)}

    async def _part(self, lines: Sequence[Line], error: QuaysideError) -> None:
        named = {int(found) for found in _NAMED_LINE.findall(error.message)}
        bad = [line for index, line in enumerate(lines) if index in named] if len(lines) > 1 else list(lines)
        good = [line for line in lines if line not in bad]
        if bad:
            parts = [good] if good else []
        else:
            middle = len(lines) // 2
            parts = [list(lines[:middle]), list(lines[middle:])]
        refused = int(self.run.cursor.get("refused", 0)) + len(bad)
        async with self.run.step() as step:
            await self._bury(step, bad, error.error_type, error.message)
            step.cursor |= {
                "pending": None,
                "parts": parts + list(step.cursor.get("parts", ())),
                "refused": refused,
            }
        if refused >= REFUSED_AT_MOST and not self.run.cursor.get("posted"):
            raise RunFailed(
                f"Acumatica refused {refused} stock changes and took none; the last time it said: {error.message}",
                error_type=error.error_type,
            )

    async def _bury(self, step: Step, lines: Sequence[Line], error_type: str, reason: str) -> None:
        for line in lines:
            await dead_letters.bury(
                step.connection,
                run_id=self.run.row.id,
                sync="inventory",
                item=item_of(line[0], line[1]),
                error_type=error_type,
                reason=reason,
                now=self.run.now(),
            )
        await self._note(step, lines, "refused")
        step.counts = Counts(failed=len(lines))

    async def _note(self, step: Step, lines: Sequence[Line], state: str) -> None:
        if self.plan is not None:
            entities = [item_of(line[0], line[1]) for line in lines]
            await plan_rows.mark_entities(step.connection, self.plan, entities, state, target="erp")


def _line(row: StockRow) -> Line:
    difference = row.quantity - (row.base_quantity or Decimal(0))
    return [row.sku, row.warehouse, format(difference, "f"), format(row.quantity, "f"), row.version]


def _is_refusal(error: QuaysideError) -> bool:
    """Return True when the ERP, or we, said a lasting no to the document itself, and nothing was taken."""
    if isinstance(error, (AlreadyHappened, KeyReused)):
        return False
    return isinstance(error, InvalidInput) or is_final(error)
