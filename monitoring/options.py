"""What the web process and the alert rules may be told before they start."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from db.users import ROLES

_HEADER = re.compile(r"[A-Za-z0-9-]{0,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How the web process behaves.

    ``host`` and ``port`` are where it listens (port 0 takes a free one). ``public_url`` is how people reach it, for
    links in Slack and for the Secure flag of cookies; empty means ``http://host:port``. ``session_idle`` and
    ``session_life`` end a session, in seconds. ``body_limit`` is in bytes, ``body_timeout`` in seconds.
    ``requests_per_minute`` holds for each token that has no rate of its own, ``guesses_per_minute`` for sign-ins from
    one address.
    ``metrics_public`` lets anybody read /metrics; only on a loopback host. ``scheduler_silence`` is the age in seconds
    of the scheduler's heartbeat from which /readyz says no. ``stop_timeout`` seconds are given to open requests.

    ``proxies`` are the addresses or networks of reverse proxies in front of us; only from them X-Forwarded-For and
    X-Forwarded-Proto count. ``proxy_user_header`` names the header in which they say who has signed in with them; empty
    means that nobody is let in so. Whoever they name for the first time gets ``proxy_role``, "" lets in only whom an
    admin has added. ``proxy_groups_header`` names the header with the person's groups, separated by commas, and
    ``proxy_groups`` gives a group a role: the highest counts, at each sign-in.

    Raises ValueError, saying the remedy, when a value is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 8050
    public_url: str = ""
    session_idle: float = 12 * 3600.0
    session_life: float = 7 * 86400.0
    body_limit: int = 1_000_000
    body_timeout: float = 30.0
    requests_per_minute: int = 600
    guesses_per_minute: int = 30
    metrics_public: bool = False
    scheduler_silence: float = 60.0
    stop_timeout: float = 5.0
    proxies: Sequence[str] = ()
    proxy_user_header: str = ""
    proxy_groups_header: str = ""
    proxy_groups: Mapping[str, str] = field(default_factory=dict)
    proxy_role: str = "viewer"

    def __post_init__(self) -> None:
        """Refuse nonsense while the person who set it is still there to read why."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"QUAYSIDE_PORT is {self.port}; give a port from 0 (any free one) to 65535")
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise ValueError(f'web.public_url is "{self.public_url}"; write it as https://quayside.example.com')
        if self.metrics_public and not self.on_loopback:
            raise ValueError(
                f"web.metrics_public is on while QUAYSIDE_HOST is {self.host}; "
                "listen on 127.0.0.1 or give the scraper a token: token add NAME --scope read"
            )
        for name in (
            "session_idle",
            "session_life",
            "body_limit",
            "body_timeout",
            "requests_per_minute",
            "guesses_per_minute",
            "scheduler_silence",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"web.{name} is {getattr(self, name)}; give a number above 0")
        self._check_proxies()

    def _check_proxies(self) -> None:
        if isinstance(self.proxies, str):
            raise ValueError(f'web.proxies is "{self.proxies}"; write a list: ["{self.proxies}"]')
        for network in self.proxies:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    f'web.proxies has "{network}"; write an address or a network, such as 10.0.0.5 or 10.0.0.0/24'
                ) from None
        for name in ("proxy_user_header", "proxy_groups_header"):
            if not _HEADER.fullmatch(getattr(self, name)):
                raise ValueError(f'web.{name} is "{getattr(self, name)}"; write a header name such as X-Forwarded-User')
        if self.proxy_user_header and not self.proxies:
            raise ValueError(
                "web.proxy_user_header is set without web.proxies: anybody could say who they are; "
                'name the proxy\'s address: proxies = ["127.0.0.1"]'
            )
        if self.proxy_role not in ("", *ROLES):
            raise ValueError(f'web.proxy_role is "{self.proxy_role}"; choose one of {", ".join(ROLES)}, or "" for none')
        for group, role in self.proxy_groups.items():
            if role not in ROLES:
                raise ValueError(f'web.proxy_groups.{group} is "{role}"; choose one of {", ".join(ROLES)}')
        if self.proxy_groups and not self.proxy_groups_header:
            raise ValueError(
                'web.proxy_groups is set without web.proxy_groups_header; name the header, such as "X-Forwarded-Groups"'
            )

    def is_proxy(self, address: str) -> bool:
        """Whether a connection from this address is one of our proxies."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in ipaddress.ip_network(network) for network in self.proxies)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the host."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """How people reach the pages, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOptions:
    """When people are told, and where.

    ``channels`` are Slack channel ids; none means that incidents stand on the page only. ``public_url`` starts the
    links in messages. The error rate of a vendor is judged over ``window`` seconds with at least ``minimum_calls``:
    the lower end of its 95 % interval must reach ``error_rate_threshold``; it is over when the plain rate is below half
    of that. ``unknown_after`` is the age in seconds from which an unknown outcome is told. ``late_after`` gives each
    sync the seconds without a success after which it is late; ``late_otherwise`` holds for the rest.
    ``process_silence`` is how long a process may go without a heartbeat. ``edit_every`` spaces edits that only bring
    newer numbers. ``remind_every`` tells people again, by a message of its own, of what pages and nobody has taken up;
    0 never does. All in seconds.

    Raises ValueError, saying the remedy, when a value is out of range.
    """

    channels: Sequence[str] = ()
    public_url: str = "http://127.0.0.1:8050"
    window: float = 300.0
    minimum_calls: int = 10
    error_rate_threshold: float = 0.1
    unknown_after: float = 900.0
    late_after: Mapping[str, float] = field(
        default_factory=lambda: {"inventory": 45 * 60.0, "currency": 13 * 3600.0, "orders": 10 * 60.0}
    )
    late_otherwise: float = 86400.0
    process_silence: float = 60.0
    edit_every: float = 300.0
    remind_every: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse nonsense while the person who set it is still there to read why."""
        if not 0 < self.error_rate_threshold < 1:
            raise ValueError(
                f"alerts.error_rate_threshold is {self.error_rate_threshold}; give a share between 0 and 1, such as 0.1"
            )
        for name in ("window", "minimum_calls", "unknown_after", "late_otherwise", "process_silence"):
            if getattr(self, name) <= 0:
                raise ValueError(f"alerts.{name} is {getattr(self, name)}; give a number above 0")
        if self.remind_every and self.remind_every < 60:
            raise ValueError(f"alerts.remind_every is {self.remind_every}; give at least 60, or 0 for never")
        if self.window < 60:
            raise ValueError(f"alerts.window is {self.window}; calls are summed by the minute, give at least 60")
        if isinstance(self.channels, str):
            raise ValueError(f'alerts.channels is "{self.channels}"; write a list: ["{self.channels}"]')
        for sync, seconds in self.late_after.items():
            if seconds <= 0:
                raise ValueError(f"alerts.late_after.{sync} is {seconds}; give a number above 0")
