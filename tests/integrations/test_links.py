"""Which links of a vendor's are followed."""

from __future__ import annotations

import pytest

from integrations.links import stays_with_vendor

BASE = "https://api.vendor.example/v1"
HOSTS = ("files.example",)


@pytest.mark.parametrize(
    "link",
    [
        "https://api.vendor.example/elsewhere?a=b",
        "https://api.vendor.example:443/x",
        "https://files.example/label.pdf?Signature=a%2Fb",
        "https://eu.files.example/label.pdf",
        "https://FILES.example/label.pdf",
    ],
)
def test_a_link_to_the_vendor_is_followed(link: str) -> None:
    assert stays_with_vendor(link, BASE, HOSTS)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/label.pdf",
        "http://files.example/label.pdf",
        "http://api.vendor.example/v1",
        "https://files.example:8443/label.pdf",
        "https://api.vendor.example:8443/v1",
        "https://notfiles.example/label.pdf",
        "https://files.example.evil.example/label.pdf",
        "https://files.example@evil.example/label.pdf",
        "https://user:word@files.example/label.pdf",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://[files.example/",
        "https://files.example:port/",
    ],
)
def test_a_link_that_leads_away_is_not(link: str) -> None:
    assert not stays_with_vendor(link, BASE, HOSTS)


def test_a_base_url_of_somebodys_own_is_home_too() -> None:
    assert stays_with_vendor("http://127.0.0.1:8060/vendor/file", "http://127.0.0.1:8060/vendor", ())
    assert not stays_with_vendor("http://127.0.0.1:8061/vendor/file", "http://127.0.0.1:8060/vendor", ())
