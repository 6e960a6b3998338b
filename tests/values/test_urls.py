"""Base URLs as people write them."""

from __future__ import annotations

import pytest

from tornado_stream.values.urls import clean_base_url, url_secrets


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        (" http://x/v1 ", "http://x/v1"),
        ("\t\u00a0http://x/v1\n", "http://x/v1"),
        ("http://x/my models/v1", "http://x/my%20models/v1"),
        ("http://x/v1 /", "http://x/v1%20"),
        ("http://x/modèle/日本", "http://x/mod%C3%A8le/%E6%97%A5%E6%9C%AC"),
        ("http://x/a%20b/%zz/100%", "http://x/a%20b/%25zz/100%25"),
        ("http://x/{a}|b\\c", "http://x/%7Ba%7D%7Cb%5Cc"),
        ("http://x/a;b=c,d/@e:f!g", "http://x/a;b=c,d/@e:f!g"),
        ("HTTP://X/V1", "http://X/V1"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://BÜCHER.example:8443/v1", "https://xn--bcher-kva.example:8443/v1"),
        ("https://日本語。jp", "https://xn--wgv71a119e.jp"),
        ("https://u:p ß@müsli.example", "https://u:p%20%C3%9F@xn--msli-0ra.example"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://my_host-1.local/v1", "http://my_host-1.local/v1"),
        ("https://x/openai?api-version=2024-10-21", "https://x/openai?api-version=2024-10-21"),
        ("https://x/openai/?q=ä b&r=%41", "https://x/openai?q=%C3%A4%20b&r=%41"),
        ("https://x?a=b", "https://x?a=b"),
        ("https://x/v1?", "https://x/v1"),
        ("https://x/v1#", "https://x/v1"),
        ("https://x/v1/chat/completions", "https://x/v1"),
        ("https://x/v1/chat/completions/", "https://x/v1"),
        ("https://x/v1//completions", "https://x/v1"),
        ("https://x/v1/responses?a=b", "https://x/v1?a=b"),
        ("https://x/chat/completions", "https://x"),
        ("https://x/v1/chat", "https://x/v1/chat"),
        ("https://x/v1/mycompletions", "https://x/v1/mycompletions"),
    ],
)
def test_what_can_be_sent_is_encoded(given, clean):
    assert clean_base_url(given) == clean
    assert clean_base_url(clean) == clean
    assert clean.isascii()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "it must be a URL like"),
        ("localhost:11434/v1", "it must be a URL like"),
        ("ftp://x/v1", "it must be a URL like"),
        ("http:///v1", "it must be a URL like"),
        ("http://x:99999/v1", "it must be a URL like"),
        ("http://x:0/v1", "it must be a URL like"),
        ("http://[::1/v1", "it must be a URL like"),
        ("http://x/v\n1", r"an invisible character \(U\+000A\)"),
        ("http://x\u200b/v1", r"an invisible character \(U\+200B\)"),
        ("\ufeffhttp://x/v1", r"an invisible character \(U\+FEFF\)"),
        ("http://x/v1#top", "it must have no fragment"),
        ("http://my host/v1", "'my host' is not the name of a host"),
        ("https://{resource}.example", "is not the name of a host"),
        ("http://a\\b/v1", "is not the name of a host"),
        ("http://a..b/v1", "is not the name of a host"),
        ("http://" + "a" * 64 + ".example/v1", "is not the name of a host"),
        ("http://[v1.a:b]/v1", "."),
        ("https://straße.example/v1", r"write the host straße.example in ASCII"),
        ("https://" + "ä" * 80 + ".example", "in ASCII"),
    ],
)
def test_what_cannot_be_a_base_url_is_refused_with_the_reason(given, says):
    with pytest.raises(ValueError, match=says):
        clean_base_url(given)


def test_secrets_of_a_url():
    assert url_secrets("https://x/v1?api-version=1") == ()
    assert url_secrets("https://u@x/v1") == ("u",)
    assert url_secrets("https://u:p%40ss@x/v1?api_key=k%201&v=2&sig=s") == ("p@ss", "k 1", "s")
    assert url_secrets("") == ()
