"""What the web process and the alert rules may be told before they start."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How the web process behaves.

    ``host`` and ``port`` are where it listens (port 0 takes a free one). ``public_url`` is how people reach it, for
    links in Slack and for the Secure flag of cookies; empty means ``http://host:port``. ``session_idle`` and
    ``session_life`` end a session, in seconds. ``body_limit`` is in bytes, ``body_timeout`` in seconds.
    ``requests_per_minute`` holds for each token, ``guesses_per_minute`` for sign-ins from one address.
    ``metrics_public`` lets anybody read /metrics; only on a loopback host. ``scheduler_silence`` is the age in seconds
    of the scheduler's heartbeat from which /readyz says no. ``stop_timeout`` seconds are given to open requests.

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
