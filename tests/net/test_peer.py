"""The address of the client, with and without proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tornado_stream.net.peer import client_address, is_trusted

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # not from a proxy: not believed
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        (
            "10.0.0.1",
            "203.0.113.5, 198.51.100.7",
            "198.51.100.7",
        ),  # the proxy wrote only the last one
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:443, [2001:db8::2]:443", "2001:db8::2"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2:80, [::1]", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:", "10.0.0.1"),
        ("10.0.0.1", "[198.51.100.7", "10.0.0.1"),
        ("::1", "2001:db8::0001", "2001:db8::1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(peer, forwarded, address):
    assert client_address(peer, forwarded, PROXIES) == address


def test_without_trusted_proxies_no_header_is_believed():
    assert not is_trusted("127.0.0.1", ())
    assert client_address("127.0.0.1", "198.51.100.7", ()) == "127.0.0.1"
