"""What a vendor's support needs to look into a failure, as one ZIP that needs no access to us.

It holds when it was, what was counted before, during and after, the vendor's own request ids, sample requests as curl
lines, and what we did about it: retries, limits, circuits. Whatever names our people, users or keys stays out, and each
text is looked through once more for secrets and personal data.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from db import rollups
from db.calls import AttemptRow
from db.circuits import Transition, transitions
from db.engine import Database
from db.failed_attempts import FailedAttempts, Narrowed, failed_attempts
from db.rollups import ErrorCount, Totals
from monitoring import units
from monitoring.csv_text import csv_text
from monitoring.curl import as_curl
from monitoring.facts import VendorFacts
from monitoring.scrub import scrubbed
from monitoring.timerange import stamp

LONGEST = timedelta(days=31)
LISTED = 1000  # failed attempts with their ids
SAMPLED = 12  # of them as curl lines, with the answers
_LONGEST_BODY = 2000  # characters of an answer shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a vendor's failure; ``before`` and ``after`` are as long as the time itself."""

    facts: VendorFacts
    since: datetime
    until: datetime
    made_at: datetime
    before: Totals
    during: Totals
    after: Totals | None
    errors: Sequence[ErrorCount]
    failed: FailedAttempts
    turns: Sequence[Transition]
    narrowed: Narrowed


async def gather(
    db: Database, facts: VendorFacts, *, since: datetime, until: datetime, now: datetime, narrowed: Narrowed
) -> Evidence:
    """Read what is known; ``narrowed`` says which of the failed attempts are listed, what is counted stays the whole.

    Raise ValueError for a time that is empty, not begun or over 31 days long.
    """
    if since >= until or since >= now:
        raise ValueError("The time must have begun, and end after it starts.")
    if until - since > LONGEST:
        raise ValueError(f"The time is longer than {LONGEST.days} days; choose the part that hurt.")
    long, name = until - since, facts.name
    return Evidence(
        facts=facts,
        since=since,
        until=until,
        made_at=now,
        before=await rollups.totals(db, since=since - long, until=since, vendor=name),
        during=await rollups.totals(db, since=since, until=until, vendor=name),
        after=await rollups.totals(db, since=until, until=until + long, vendor=name) if until < now else None,
        errors=await rollups.errors(db, name, since=since, until=until),
        failed=await failed_attempts(
            db, name, since=since, until=until, limit=LISTED, with_bodies=SAMPLED, narrowed=narrowed
        ),
        turns=(await transitions(db, name, since, until))[::-1],
        narrowed=narrowed,
    )


def pack(evidence: Evidence) -> bytes:
    """Return the ZIP: a page to read, the request ids as CSV, the samples as text."""
    out = io.BytesIO()
    at = evidence.made_at.timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("read-me-first.html", page(evidence)),
            ("request-ids.csv", request_ids(evidence)),
            ("samples.txt", samples(evidence)),
        ):
            archive.writestr(zipfile.ZipInfo(name, at), scrubbed(text))
    return out.getvalue()


def request_ids(evidence: Evidence) -> str:
    """Return the failed attempts with the vendor's ids for them, newest first."""
    rows = [
        (
            attempt.started_at.isoformat(),
            attempt.vendor_request_id,
            attempt.method,
            attempt.path,
            attempt.status,
            attempt.error_type,
            attempt.duration,
            attempt.number,
            attempt.id,
        )
        for attempt in evidence.failed.attempts
    ]
    names = ("at", "your request id", "method", "path", "status", "class", "seconds", "attempt", "our id")
    return csv_text(names, rows)


def samples(evidence: Evidence) -> str:
    """Return some of the failed requests as curl lines with the answers, the newest first."""
    blocks = [
        f"Sample requests to {evidence.facts.label} that failed, the newest first.\n"
        "Values we do not keep read [hidden]; how we sign in stands as a variable.\n"
    ]
    blocks += [_sample(attempt, evidence.facts) for attempt in evidence.failed.attempts[:SAMPLED]]
    return "\n".join(blocks)


def _sample(attempt: AttemptRow, facts: VendorFacts) -> str:
    answer = attempt.response or "(no answer, or not kept any more)"
    if len(answer) > _LONGEST_BODY:
        answer = answer[: _LONGEST_BODY - 1] + "…"
    return (
        f"--- {attempt.started_at.isoformat()} · {attempt.operation} · attempt {attempt.number} · our id {attempt.id}\n"
        f"your request id: {attempt.vendor_request_id or 'none seen'}\n"
        f"after {units.duration(attempt.duration)}: {attempt.status or 'no status'}, {attempt.error_type}\n\n"
        f"{as_curl(attempt, facts.base_url)}\n\nanswer:\n{answer}\n"
    )


def page(evidence: Evidence) -> str:
    """Return the page to read first: self-contained HTML without scripts, pictures or links to us."""
    label = escape(evidence.facts.label)
    spans = [("before", evidence.before), ("during", evidence.during)]
    if evidence.after is not None:
        spans.append(("after", evidence.after))
    counted = _table(
        ("", "calls", "failed", "attempts", "failed attempts", "retries", "P50", "P95"),
        [(name, *_counted(totals)) for name, totals in spans],
    )
    errors = _table(
        ("class", "whose", "calls", "attempts"),
        [(one.error_type, one.fault, one.calls, one.attempts) for one in evidence.errors if one.fault != "refused"],
    )
    circuits = _table(
        ("at (UTC)", "from", "to", "why"),
        [
            (stamp(turn.at), turn.from_state, turn.to_state, "by hand" if turn.by else turn.reason)
            for turn in evidence.turns
        ],
    )
    ids = sum(attempt.vendor_request_id is not None for attempt in evidence.failed.attempts)
    return _PAGE.format(
        label=label,
        since=stamp(evidence.since),
        until=stamp(evidence.until),
        made=stamp(evidence.made_at),
        long=escape(units.span((evidence.until - evidence.since).total_seconds())),
        counted=counted,
        errors=errors,
        listed=len(evidence.failed.attempts),
        ids=ids,
        sampled=min(SAMPLED, len(evidence.failed.attempts)),
        only=escape(_only(evidence.narrowed)),
        retries=escape(_retries(evidence)),
        limits="".join(f"<li>{escape(line)}</li>" for line in _limits(evidence.facts)) or "<li>none are known</li>",
        circuits=circuits if evidence.turns else "<p>We did not stop calling in this time.</p>",
    )


def _only(narrowed: Narrowed) -> str:
    given = [f"{name.replace('_', ' ')} {value}" for name, value in narrowed.given().items()]
    return f" Listed is only: {', '.join(given)}." if given else ""


def _counted(totals: Totals) -> tuple[object, ...]:
    reached = totals.calls - totals.calls_refused
    return (
        reached,
        totals.calls_failed,
        totals.attempts,
        totals.attempts_failed,
        totals.retries,
        units.duration(totals.p50),
        units.duration(totals.p95),
    )


def _retries(evidence: Evidence) -> str:
    during = evidence.during
    if not during.attempts:
        return "Nothing was sent in this time."
    return (
        f"Of {during.attempts:,} attempts {during.retries:,} were retries; no call was tried more than "
        f"{evidence.failed.most_attempts} times. Retries wait longer each time, with a random part, and obey Retry-After. "
        f"{units.plural(during.calls_refused, 'call')} never left us, because our circuit was open or our own limit reached."
    )


def _limits(facts: VendorFacts) -> list[str]:
    return [
        f"{quota.name}: at most {quota.limit:g} in {units.span(quota.seconds)}"
        + (f", for {', '.join(quota.operations)}" if quota.operations else "")
        for quota in facts.quotas
    ]


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(f'{cell:,}' if isinstance(cell, int) else str(cell))}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{label}: failed requests {since} to {until}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #17202a; }}
table {{ border-collapse: collapse; margin: 0.5em 0; }}
th, td {{ text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid #ccd3da; }}
</style>
</head>
<body>
<h1>{label}: failed requests</h1>
<p>From <strong>{since}</strong> to <strong>{until}</strong> ({long}, all times UTC). Made {made} from our record of every
request we sent you.</p>
<h2>What was counted</h2>
<p>Calls are what we wanted of you, retries included; an attempt is one request on the wire. Percentiles are of attempts.
Before and after are as long as the time itself.</p>
{counted}
<h2>What failed</h2>
{errors}
<h2>Your request ids</h2>
<p>request-ids.csv lists the latest {listed} failed attempts, {ids} of them with the id you gave them. samples.txt holds
{sampled} of them as curl lines with your answers.{only}</p>
<h2>What we did</h2>
<p>{retries}</p>
<p>Limits we keep to:</p>
<ul>{limits}</ul>
<h2>When we stopped calling</h2>
{circuits}
</body>
</html>
"""
