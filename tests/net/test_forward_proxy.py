"""Which proxy the environment names for which upstream, read as curl reads it."""

from __future__ import annotations

import base64
import itertools

import pytest

from tornado_stream.net.forward_proxy import ForwardProxies
from tornado_stream.net.http_client import origin_of

P = "http://proxy.example:3128"


def found(environ: dict[str, str], url: str = "https://api.example/v1") -> str:
    proxy = ForwardProxies(environ).find(origin_of(url))
    return f"{proxy.variable} {proxy.host}:{proxy.port}" if proxy else ""


@pytest.mark.parametrize(
    ("environ", "of_http", "of_https"),
    [
        ({}, "", ""),
        ({"https_proxy": P}, "", "https_proxy proxy.example:3128"),
        ({"HTTPS_PROXY": P}, "", "HTTPS_PROXY proxy.example:3128"),
        ({"http_proxy": P}, "http_proxy proxy.example:3128", ""),
        ({"HTTP_PROXY": P}, "HTTP_PROXY proxy.example:3128", ""),
        ({"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, "", ""),
        ({"ALL_PROXY": P}, *["ALL_PROXY proxy.example:3128"] * 2),
        ({"all_proxy": "p:1", "ALL_PROXY": P}, *["all_proxy p:1"] * 2),
        ({"all_proxy": P, "HTTPS_PROXY": "p:1"}, "all_proxy proxy.example:3128", "HTTPS_PROXY p:1"),
        ({"https_proxy": "small:1", "HTTPS_PROXY": "large:2"}, "", "https_proxy small:1"),
        ({"https_proxy": "", "ALL_PROXY": P}, "ALL_PROXY proxy.example:3128", ""),
        ({"https_proxy": "proxy.example"}, "", "https_proxy proxy.example:1080"),
        ({"https_proxy": "http://[2001:db8::1]:8080/"}, "", "https_proxy 2001:db8::1:8080"),
        ({"https_proxy": P, "NO_PROXY": "*"}, "", ""),
    ],
)
def test_which_variable_counts(environ, of_http, of_https):
    assert found(environ, "http://api.example/v1") == of_http
    assert found(environ, "https://api.example/v1") == of_https


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "127.1"]
    + ["[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "2130706433", "0x7f000001"],
)
def test_this_machine_needs_no_proxy(host):
    for scheme, name in itertools.product(("http", "https"), ("ALL_PROXY", "http_proxy")):
        assert found({name: P}, f"{scheme}://{host}:8000/v1") == "", host


@pytest.mark.parametrize(
    ("exempt", "direct", "proxied"),
    [
        ("example.org", ["example.org", "a.b.example.org", "EXAMPLE.ORG."], ["badexample.org"]),
        (".example.org", ["example.org", "a.example.org"], ["example.org.evil"]),
        ("a.example, b.example", ["a.example", "b.example"], ["c.example"]),
        ("a.example b.example", ["a.example", "b.example"], ["c.example"]),
        (" ,, .,", [], ["a.example"]),
        ("*.example", ["a.example"], ["aexample.org"]),
        ("a*,*a,*", [], ["a.example"]),  # as in curl, only a lone * has a meaning
        (
            "a.example:443,B.example:8443",
            ["a.example", "b.example:8443"],
            ["b.example", "a.example:1"],
        ),
        ("10.1.2.3:8000", ["10.1.2.3:8000"], ["10.1.2.3"]),
        (
            "[fd00::1]:8000,[FD00::2]",
            ["[fd00::1]:8000", "[fd00::2]:9"],
            ["[fd00::1]", "[fd00::8000]"],
        ),
        ("a.example:,:443,a.example:99999999", [], ["a.example"]),
        ("*,a.example", ["a.example"], ["b.example"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.30", "10.1.2.4"]),
        ("10.0.0.0/8,192.168.1.7/24", ["10.255.0.1", "192.168.1.200"], ["11.0.0.1"]),
        ("2001:db8::/32,[fd00::1]", ["[2001:db8::5]", "[fd00::1]"], ["[fd00::2]"]),
        ("2.3", [], ["10.1.2.3"]),  # a name does not cover an address
        ("10.0.0.0/99", [], ["10.0.0.1"]),
    ],
)
def test_which_hosts_need_no_proxy(exempt, direct, proxied):
    for name, host in itertools.product(("NO_PROXY", "no_proxy"), direct):
        assert found({"https_proxy": P, name: exempt}, f"https://{host}/") == "", host
    for host in proxied:
        assert found({"https_proxy": P, "NO_PROXY": exempt}, f"https://{host}/"), host


def test_a_login_is_sent_and_shown_nowhere():
    proxies = ForwardProxies({"https_proxy": "http://us%40er:p%3Ass%20w@proxy.example:1"})
    proxy = proxies.find(origin_of("https://api.example"))
    assert proxy.authorization == "Basic " + base64.b64encode(b"us@er:p:ss w").decode()
    assert proxies.secrets == ("p:ss w",)
    for shown in (str(proxy), repr(proxy)):
        assert "ss" not in shown.replace("https", "") and "er:p" not in shown, shown


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("socks5://u:secret@proxy.example:1080", "spoken to in socks5"),
        ("https://proxy.example", "spoken to in https"),
        ("http://", "like http://proxy:3128"),
        ("http://proxy.example:99999", "like http://proxy:3128"),
        ("http://proxy.example:0", "like http://proxy:3128"),
        ("http://u:secret@proxy .example", "like http://proxy:3128"),
        ("http://[::1", "like http://proxy:3128"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(url, says):
    with pytest.raises(ValueError, match=says) as refused:
        found({"ALL_PROXY": url})
    assert str(refused.value).startswith("ALL_PROXY ") and "secret" not in str(refused.value)
    assert found({"ALL_PROXY": url}, "http://127.0.0.1:1/") == "", "it is not needed there"
