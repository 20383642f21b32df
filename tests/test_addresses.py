"""Which servers nobody else can stand in for."""

import pytest

from hedgerow.addresses import check_url, is_loopback
from hedgerow.errors import ConfigError


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a.example:8443/base",
        "http://localhost:8000",
        "http://127.0.0.1:1",
        "http://[::1]:1",
    ],
)
def test_servers_that_can_be_trusted(url):
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "http://a.example",
        "http://192.168.0.1",
        "http://localhost.evil.example",
        "https://user:word@a.example",
        "https://a.example:99999",
        "https://[::1",
        "file:///etc/passwd",
        "https://",
    ],
)
def test_servers_that_cannot(url):
    with pytest.raises(ConfigError):
        check_url(url)


def test_which_hosts_are_this_computer():
    assert [is_loopback(h) for h in ("127.8.9.1", "::1", "localhost")] == [True] * 3
    assert not any(is_loopback(h) for h in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""))
