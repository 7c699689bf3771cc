"""Incidents and their notices, users, sessions, tokens, audit, edited settings, saved views."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from db.columns import UtcTime
from db.schema.base import metadata

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(48), nullable=False),
    Column("subject", String(64), nullable=False),  # vendor, sync or process
    Column("open_key", String(128), unique=True),  # rule and subject while it is not resolved, then NULL
    Column("state", String(8), nullable=False),  # pending | firing | resolved
    Column("severity", String(8), nullable=False),  # page | ticket
    Column("title", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("fired_at", UtcTime),
    Column("resolved_at", UtcTime),
    Column("changed_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_at", UtcTime),
    Column("calm_since", UtcTime),  # the condition has not held since then; resolves after the rule's calm time
    Column("inhibited_by", String(32)),  # the incident that is its cause: no message of its own while that is open
    Column("silenced_until", UtcTime),  # no message until then; NULL with silenced_by: until it is resolved
    Column("silenced_by", String(64)),
    Column("silenced_reason", Text),
    Column("resolved_by", String(64)),  # who, when resolved by hand; NULL: its rule found it over
    Column("resolved_reason", Text),
    Column("kept_open_by", String(64)),  # reopened by hand: its rule does not end it, a person does
    Index(None, "started_at"),
)

incident_events = Table(  # what happened with an incident, in order: the timeline people read
    "incident_events",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident_id", String(32), ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", String(64)),
    Column("text", Text, nullable=False),
    Index(None, "incident_id", "at"),
)

notices = Table(  # one message per incident and channel, edited in place; what is still to be sent is a row, not memory
    "notices",
    metadata,
    Column("incident_id", String(32), ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("message_id", String(64)),  # Slack's ts, as text
    Column("sent_version", Integer, nullable=False),  # version of the incident the message shows; 0 = not posted
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("error", Text),
    Column("draft", JSON),  # what the first post says; kept until it is out, so that a retry sends the same
    Column("draft_version", Integer),
    Column("remind_at", UtcTime),  # when people are told again, by a message of its own; NULL: not
    Column("reminders", Integer, nullable=False, server_default="0"),  # how often they were told again
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(12), nullable=False),  # viewer | operator | admin
    Column("may_trigger", Boolean),  # start runs and replays: given or taken by an admin; NULL is as the role has it
    Column("password_hash", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("failed_logins", Integer, nullable=False, default=0),
    Column("locked_until", UtcTime),
    Column("time_zone", String(64)),  # IANA name the pages show times in; NULL is the browser's own
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie's secret
    Column("user_name", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("agent", String(200)),
    Column("method", String(8), nullable=False, server_default="password"),  # password | proxy
)

login_links = Table(  # one-time links: the one printed at the first start, and those an admin makes for a new password
    "login_links",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the link's secret
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("user_name", String(64)),  # whose password it sets; NULL makes the first user
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the token
    Column("name", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("requests_per_minute", Integer),  # NULL is what web.requests_per_minute says
    Column("last_used_at", UtcTime),  # to the minute
    Column("made_by", String(64)),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("user_name", String(64), nullable=False),
    Column("act", String(48), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("reason", Text),
    Column("facts", JSON, nullable=False),
    Column("origin", String(64)),  # page 10.0.0.7 | api 10.0.0.7; NULL is a process of ours
    Index(None, "at"),
    Index(None, "user_name", "at"),
    Index(None, "subject", "at"),
    Index(None, "act", "at"),
)

overrides = Table(  # a setting edited in the browser; it wins over the file and can go back to it
    "overrides",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("by", String(64), nullable=False),
    Column("reason", Text),
    Column("at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # the file holds again from then on
)

saved_views = Table(  # an address of a page kept under a name
    "saved_views",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("name", String(60), nullable=False),
    Column("name_key", String(120), nullable=False),  # the name as names are compared: case folded
    Column("address", Text, nullable=False),  # path and query, from the first slash
    Column("shared", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("owner", "name_key"),
    Index(None, "shared"),
)
