"""A vendor's month, counted by hand: what is theirs, ours, held back and set apart; and what the figures lack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from db import audit
from db.agreed import Agreed, agree, agree_on_nothing, agreed_with
from db.engine import Database
from db.schema import circuit_transitions, incidents
from db.statements import write_rows
from db.stretches import floor
from db.sums import ADD_BINS, ADD_ERRORS, ADD_ROLLUPS, DAY, HOUR, SIX_HOURS
from monitoring.pages.agreeing import number, stretches_of
from monitoring.pages.report_parts import share, when
from monitoring.report import Report, cut, merged, month_of, report_of
from monitoring.report_csv import report_csv

START = datetime(2026, 2, 1, tzinfo=UTC)
END = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 2, day, hour, tzinfo=UTC)


async def hour(
    db: Database, start: datetime, *, good: int = 0, refused: int = 0, p95: float = 0.5, **failed: int
) -> None:
    """Add an hour of calls of one attempt each, in every width a report reads; ``failed`` counts by fault."""
    bad = sum(failed.values())
    sums = (good + bad + refused, bad, refused, good + bad, bad, 0, 0.0, float(good + bad))
    for width in (300, HOUR, SIX_HOURS, DAY):
        key = (width, floor(start, width), "fedex", "")
        made_at_the_end = (0.1, p95, 1.0, None) if width <= HOUR else (None,) * 4
        kinds = [
            ("rate_limited" if fault == "theirs" else f"{fault}_error", fault, n, n) for fault, n in failed.items()
        ]
        async with db.write() as connection:
            await write_rows(connection, ADD_ROLLUPS, [(*key, *sums, *made_at_the_end)])
            await write_rows(connection, ADD_ERRORS, [(*key, *kind) for kind in kinds])
            if width <= HOUR:
                await write_rows(connection, ADD_BINS, [(*key, 100, good + bad)])


async def made(db: Database, **values: Any) -> Report:
    asked: dict[str, Any] = {"since": START, "until": END, "now": NOW, "five_minutes_kept": 35.0} | values
    return await report_of(db, "fedex", **asked)


async def test_only_what_the_vendor_or_the_network_failed_counts_against_it(database: Database) -> None:
    await hour(database, at(1), good=90, theirs=6, network=2, ours=1, configuration=1)
    await hour(database, at(3, 5), good=100, refused=10)

    report = await made(database)

    assert (report.calls, report.failed, report.failed_ours, report.refused) == (200, 8, 2, 10)
    assert report.availability == pytest.approx(0.96)
    assert report.rate_limited == 6
    assert report.attempts == 200
    assert [(day.start, day.calls) for day in report.days if day.calls] == [(at(1), 100), (at(3), 100)]
    assert len(report.days) == 28


@pytest.mark.parametrize("kept", [35.0, 7.0], ids=["by five minutes", "by the hour"])
async def test_announced_maintenance_and_a_circuit_held_open_are_set_apart(database: Database, kept: float) -> None:
    await hour(database, at(1), good=100)
    await hour(database, at(2, 2), good=10, theirs=40)
    await hour(database, at(4, 6), good=10, theirs=30)
    target = Agreed(
        availability=0.999, p95=1.0, maintenance=[(at(2, 2), at(2, 4)), (at(27, 22), END + timedelta(days=1))]
    )
    await agree(database, "fedex", target, by="ada", reason="Contract of 2026", now=NOW)
    async with database.write() as connection:
        for when_, old, new in ((at(4, 5), "closed", "forced_open"), (at(4, 8), "forced_open", "closed")):
            await connection.execute(
                insert(circuit_transitions).values(
                    id=new, at=when_, name="fedex", vendor="fedex", from_state=old, to_state=new, reason="x", by="ada"
                )
            )

    report = await made(database, five_minutes_kept=kept)

    assert report.width == (300 if kept == 35.0 else 3600)
    assert (report.calls, report.failed, report.availability) == (100, 0, 1.0)
    assert [day.apart for day in report.days if day.apart] == [50, 40]
    assert report.apart == [(at(2, 2), at(2, 4)), (at(4, 5), at(4, 8)), (at(27, 22), END)]
    assert report.met()["availability"] is True


async def test_incidents_count_with_the_part_that_lies_in_the_time(database: Database) -> None:
    async with database.write() as connection:
        for id, subject, begin, end, severity in (
            ("a", "fedex", START - timedelta(hours=2), at(1, 1), "page"),
            ("b", "fedex/track", at(1), at(1, 3), "page"),
            ("c", "fedex", at(5), at(5, 1), "ticket"),
            ("d", "ups", at(6), at(6, 1), "page"),
            ("e", "fedex", END - timedelta(hours=1), None, "page"),
            ("f", "fedex", START - timedelta(hours=3), START - timedelta(hours=2), "page"),
        ):
            await connection.execute(
                insert(incidents).values(
                    id=id,
                    rule="circuit_open",
                    subject=subject,
                    state="resolved" if end else "firing",
                    severity=severity,
                    title="The circuit of FedEx is open",
                    facts={},
                    started_at=begin,
                    fired_at=begin,
                    resolved_at=end,
                    changed_at=begin,
                    version=1,
                )
            )

    report = await made(database)

    assert [one.id for one in report.incidents] == ["a", "b", "c", "e"]
    assert report.incident_seconds == 3 * 3600 + 3600


@pytest.mark.parametrize(
    ("until", "first", "said"),
    [
        (END, None, ["Nothing is recorded of this time.", "The vendor was not called in this time."]),
        (END, at(9, 7), ["Recording began on 9 February 2026 at 07:00 UTC: what was before is not in the figures."]),
        (NOW + timedelta(days=3), at(1), ["This time is not over: the figures end now."]),
        (END, at(1), []),
    ],
)
async def test_a_report_says_what_its_figures_lack(
    database: Database, until: datetime, first: datetime | None, said: list[str]
) -> None:
    if first is not None:
        await hour(database, first, good=1)

    assert list((await made(database, until=until)).partial) == said


async def test_what_is_agreed_is_kept_noted_and_taken_back(database: Database) -> None:
    await agree(database, "fedex", Agreed(availability=0.99), by="ada", reason="First", now=NOW)
    await agree(database, "fedex", Agreed(p95=2.0, maintenance=[(START, END)]), by="bob", reason="Second", now=NOW)
    found = await agreed_with(database, "fedex")
    gone = await agree_on_nothing(database, "fedex", by="bob", reason="Ended", now=NOW)
    acts = await audit.list_acts(database, subject="fedex")

    assert (found.availability, found.p95, list(found.maintenance), found.by) == (None, 2.0, [(START, END)], "bob")
    assert gone
    assert await agreed_with(database, "fedex") == Agreed()
    assert sorted(act.act for act in acts) == ["sla.changed", "sla.changed", "sla.removed"]


async def test_the_csv_holds_figures_days_errors_and_incidents(database: Database) -> None:
    await hour(database, at(1), good=90, theirs=10)
    lines = report_csv(await made(database), "FedEx").splitlines()

    assert 'figure,"availability, share of calls",0.9' in lines
    assert any(line.startswith("day,2026-02-01,100,10,0,0,0,0.9") for line in lines)
    assert "error,rate_limited,theirs,10,10" in lines


def test_stretches_are_cut_and_merged() -> None:
    assert merged([(at(2), at(4)), (at(1), at(3)), (at(6), at(7))]) == [(at(1), at(4)), (at(6), at(7))]
    assert cut([(at(1), at(5)), (at(8), at(9))], at(2), at(4)) == [(at(2), at(4))]


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100 %"), (0.99999, "99.999 %"), (0.9999999, "99.999 %"), (0.5, "50.00 %")]
)
def test_an_availability_is_never_rounded_up_to_whole(value: float, text: str) -> None:
    assert share(value) == text.replace(" ", "\u202f")


def test_months_and_lines_of_maintenance_are_read_and_refused_in_words() -> None:
    assert month_of("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="write it as 2026-10"):
        month_of("October")
    assert stretches_of("2026-02-03 02:00 to 2026-02-03 04:00\n\n", NOW) == ([(at(3, 2), at(3, 4))], None)
    assert "it ends before it starts" in str(stretches_of("2026-02-03 04:00 to 2026-02-03 02:00", NOW)[1])
    assert "write it as" in str(stretches_of("next Tuesday", NOW)[1])
    assert number("", 50, 100, "%") == (None, None)
    assert number(12, 50, 100, "%")[1] == "Give 50 to 100 %, or leave it empty."


async def test_a_month_is_called_by_its_name(database: Database) -> None:
    assert when(await made(database)) == "February 2026"


@pytest.mark.parametrize(("target", "used"), [(0.96, 1.0), (0.92, 0.5), (1.0, None), (None, None)])
async def test_failures_are_set_against_those_that_may_happen(
    database: Database, target: float | None, used: float | None
) -> None:
    await hour(database, at(1), good=96, theirs=4)
    if target is not None:
        await agree(database, "fedex", Agreed(availability=target), by="ada", reason="contract", now=NOW)

    report = await made(database)

    assert report.budget_used == (None if used is None else pytest.approx(used))
