"""Which links a vendor gives us are followed: those that stay with the vendor.

A label or a report may lie in a storage of the vendor's and be fetched by a link with a signature in it. A link is
data, and data may be wrong or forged: followed anywhere, it would let an answer choose whom this machine talks to.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def stays_with_vendor(link: str, base_url: str, file_hosts: Sequence[str]) -> bool:
    """Return True for a link to where the base URL leads, or by https to one of the hosts or a name below it."""
    try:
        there, home = urlsplit(link), urlsplit(base_url)
        port, home_port = there.port or _PORTS.get(there.scheme), home.port or _PORTS.get(home.scheme)
    except ValueError:
        return False
    if there.username is not None or not there.hostname:
        return False
    if (there.scheme, there.hostname, port) == (home.scheme, home.hostname, home_port):
        return True
    named = any(there.hostname == host or there.hostname.endswith(f".{host}") for host in file_hosts)
    return named and there.scheme == "https" and port == _PORTS["https"]
