"""The scheduler's options, from the settings of a process: what the file leaves open follows from what can be called."""

from __future__ import annotations

from integrations.commands import ready_for
from integrations.options import built
from integrations.settings import Settings, known_vendors
from scheduler.options import KINDS, SchedulerOptions

# Syncs over several vendors -> what they ask each of them.
ASKS = {"payments": "list_transactions", "shipments": "track_shipment", "spend": "daily_spend"}
STORES = ("inventory", "orders")  # syncs that a store may take part in, when it is named


def scheduler_options(settings: Settings) -> SchedulerOptions:
    """Return the options of the scheduler. Raise BadSetting naming the key."""
    table = dict(settings.tables["syncs"])
    ready = {name: ready_for(operation, settings.integrations) for name, operation in ASKS.items()}
    for name, vendors in ready.items():
        chosen = dict(table.get(name, {}))
        chosen["vendors"] = tuple(known_vendors(f"syncs.{name}", chosen.get("vendors", vendors)))
        table[name] = chosen
    for name in STORES:
        if "stores" in table.get(name, {}):
            table[name] = {**table[name], "stores": known_vendors(f"syncs.{name}", table[name]["stores"], "store")}
    if settings.demo:  # a first look should not wait two seconds after each hundred of three thousand
        table["inventory"] = {"pause": 0.2, **table.get("inventory", {})}
    parts = {name: built(kind, f"syncs.{name}", table.pop(name, {})) for name, kind in KINDS.items()}
    options: SchedulerOptions = built(SchedulerOptions, "syncs", {**table, **parts})
    return options
