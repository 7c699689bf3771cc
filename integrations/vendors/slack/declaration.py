"""The facts of Slack: operations with their examples, quotas, credentials, and what may stand in a record.

Sources: docs.slack.dev/apis/web-api/rate-limits and the methods' own pages.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.types.messages import ChatMessage, ChatUpdate, PostedMessage, TokenCheck, TokenQuery

VENDOR = Vendor(
    name="slack",
    label="Slack",
    kind="messages",
    base_url="https://slack.com",
    docs_url="https://docs.slack.dev/apis/web-api/",
    operations=(
        Operation(
            name="post_message",
            input=ChatMessage,
            result=PostedMessage,
            example={
                "channel": "C0123456789",
                "text": "Quayside can post here.",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Quayside* can post here."}}],
                "alert_key": "example-1",
            },
            idempotency=Idempotency.OURS,
            reference="alert_key",
        ),
        Operation(
            name="update_message",
            input=ChatUpdate,
            result=PostedMessage,
            example={"channel": "C0WELCOME01", "message_id": "1767312000.000200", "text": "Resolved."},
            idempotency=Idempotency.NATURAL,
        ),
        Operation(
            name="check_token",
            input=TokenQuery,
            result=TokenCheck,
            example={},
            idempotency=Idempotency.READ,
        ),
    ),
    check="check_token",
    credentials=(
        Credential(name="BOT_TOKEN", sandbox="xoxb-sandbox-0123456789"),
        Credential(name="CHANNEL", sandbox="C0123456789", required=False, secret=False),
    ),
    # Each method has its own count. Posting: one a second for a channel, short bursts tolerated; changing a message and
    # reading a channel: 50 a minute each (tier 3). Checking the token: hundreds a minute, so nothing holds it back.
    quotas=(
        QuotaPolicy(name="posts", limit=1, seconds=1.0, operations=("post_message",)),
        QuotaPolicy(name="edits", limit=50, seconds=60.0, paced=False, operations=("update_message",)),
        QuotaPolicy(name="history", limit=50, seconds=60.0, paced=False, operations=("look_up",)),
    ),
    kept_fields=frozenset(
        {
            "ok",
            "error",
            "warning",
            "needed",
            "provided",
            "channel",
            "ts",
            "thread_ts",
            "type",
            "event_type",
            "alert_key",
        }
        | {"has_more", "limit", "oldest", "include_all_metadata", "unfurl_links", "unfurl_media", "team_id", "bot_id"}
    ),
    request_id_header="x-slack-req-id",
)
