"""Slack's errors by name: is it worth another try, whose fault is it, and what should the person on call do?

Sources: the error lists of chat.postMessage, chat.update, conversations.history and auth.test at docs.slack.dev, and
docs.slack.dev/apis/web-api/rate-limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from integrations.classify import rate_limited, retry_after
from integrations.errors import Fault
from integrations.outcome import Response, Verdict

SHORTEST_WAIT = 1.0  # seconds; rate_limited at status 200 comes without a Retry-After

# Slack refuses the blocks, not the message: its plain text is sent once instead.
BLOCK_ERRORS = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "block_mismatch",
        "attachment_payload_limit_exceeded",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    fault: Fault
    message: str
    retryable: bool = False
    untouched: bool = True
    counts: bool = False


_TOKEN = _Kind(fault="configuration", message="refuses our token; set a valid QUAYSIDE_SLACK_BOT_TOKEN.")
_SCOPE = _Kind(
    fault="configuration", message="does not let our app do this; grant the scope it names and install the app again."
)
_CHANNEL = _Kind(
    fault="configuration",
    message="does not let us write in this channel; check the channel's id and invite the app into it.",
)
_PLAN = _Kind(
    fault="configuration", message="holds the message back because of the workspace's settings or plan; ask its owner."
)
_CONTENT = _Kind(fault="ours", message="does not accept the message as we wrote it; sending it again will not help.")
_MESSAGE = _Kind(fault="ours", message="will not let us change this message; post a new one instead.")
_REQUEST = _Kind(fault="ours", message="does not understand our request; the adapter needs mending.")
_LATER = _Kind(
    fault="theirs",
    message="has trouble on its side; the message may have been posted.",
    retryable=True,
    untouched=False,
    counts=True,
)
_AGAIN = _Kind(fault="theirs", message="could not finish; we try again.", retryable=True, untouched=False, counts=True)
_NETWORK = _Kind(
    fault="network", message="received only part of our request.", retryable=True, untouched=False, counts=True
)
_UNKNOWN = _Kind(
    fault="theirs",
    message="reports an error we do not know; its page on the method may explain it.",
    untouched=False,
    counts=True,
)


def _names(kind: _Kind, names: str) -> Iterable[tuple[str, _Kind]]:
    return ((name, kind) for name in names.split())


ERRORS: Mapping[str, _Kind] = dict(
    (
        *_names(
            _TOKEN,
            "not_authed invalid_auth account_inactive token_revoked token_expired not_allowed_token_type "
            "org_login_required ekm_access_denied two_factor_setup_required access_denied user_is_bot",
        ),
        *_names(_SCOPE, "missing_scope no_permission as_user_not_supported metadata_must_be_sent_from_app"),
        *_names(
            _CHANNEL,
            "channel_not_found not_in_channel is_archived is_inactive restricted_action "
            "restricted_action_non_threadable_channel restricted_action_read_only_channel "
            "restricted_action_thread_locked restricted_action_thread_only_channel messages_tab_disabled "
            "posting_to_channel_denied team_not_found channel_is_limited_access external_channel_migrating "
            "duplicate_channel_not_found team_access_not_granted",
        ),
        *_names(
            _PLAN,
            "message_limit_exceeded slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked "
            "slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked "
            "slack_connect_file_upload_sharing_blocked slack_connect_lists_sharing_blocked blocked_file_type "
            "unable_to_share_files",
        ),
        *_names(
            _CONTENT,
            "msg_too_long no_text invalid_blocks invalid_blocks_format msg_blocks_too_long block_mismatch "
            "too_many_attachments invalid_attachments attachment_payload_limit_exceeded metadata_too_large "
            "invalid_metadata_format invalid_metadata_schema markdown_text_conflict too_many_contact_cards "
            "missing_file_data file_deleted file_is_deleted file_not_found file_share_limit_reached "
            "max_file_sharing_exceeded draft_already_deleted draft_already_sent draft_has_conflict draft_not_found "
            "duplicate_message_not_found cannot_reply_to_message cant_broadcast_message "
            "no_dual_broadcast_content_update",
        ),
        *_names(_MESSAGE, "message_not_found cant_update_message edit_window_closed streaming_state_conflict"),
        *_names(
            _REQUEST,
            "invalid_arg_name invalid_array_arg invalid_arguments invalid_charset invalid_form_data invalid_post_type "
            "missing_post_type missing_argument invalid_json json_not_object upgrade_required deprecated_endpoint "
            "method_deprecated unknown_method invalid_cursor invalid_limit invalid_metadata_filter_keys "
            "invalid_ts_latest invalid_ts_oldest thread_not_found",
        ),
        *_names(_LATER, "internal_error fatal_error"),
        *_names(_AGAIN, "service_unavailable update_failed team_added_to_org"),
        *_names(_NETWORK, "request_timeout"),
    )
)


def judged(name: str, response: Response) -> Verdict:
    """Return the verdict of an ``ok: false`` answer. A name we do not know keeps the error type low in cardinality."""
    business = response.status < 300
    if name in ("ratelimited", "rate_limited") or response.status == 429:
        wait = max(SHORTEST_WAIT, retry_after(response) or 0.0)
        return replace(rate_limited("Slack says we post too fast; we wait and go on.", wait), business=business)
    kind = ERRORS.get(name, _UNKNOWN)
    return Verdict(
        error_type=name if name in ERRORS else "slack_error",
        fault=kind.fault,
        message=f"Slack {kind.message}" + (f" ({name})" if name in ERRORS else ""),
        retryable=kind.retryable or response.status in (500, 502, 503, 504),
        retry_after=retry_after(response),
        counts=kind.counts,
        untouched=kind.untouched,
        business=business,
    )
