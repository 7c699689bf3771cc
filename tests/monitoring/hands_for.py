"""The hands that are the product's own, over the sandbox's options: what ``app.py`` gives the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from db.engine import Database
from integrations.commands import vendor_listed
from integrations.limits import limit_problems
from integrations.settings import understand
from integrations.watch_report import watch_report
from monitoring.facts import VendorFacts, facts_of
from monitoring.hands import Hands
from scheduler.triggers import next_times
from tests.monitoring.cast import vendor_facts

OPTIONS = understand({}, {}, var=Path("unused")).integrations


def limited_facts() -> list[VendorFacts]:
    """Return the cast with the quotas and limits the vendors have in their files."""
    return [_real(facts, {}) for facts in vendor_facts()]


def hands_for(db: Database) -> Hands:
    """Return the hands that need no sandbox."""
    facts = {one.name: one for one in vendor_facts()}
    return Hands(
        next_times=next_times,
        judge_limits=partial(limit_problems, OPTIONS),
        facts_under=lambda name, edits: _real(facts[name], edits),
        watch_report=partial(watch_report, db, OPTIONS),
    )


def _real(facts: VendorFacts, edits: Mapping[str, float]) -> VendorFacts:
    found = facts_of(vendor_listed(facts.name, OPTIONS, edits))
    return replace(facts, quotas=found.quotas, limits=found.limits)
