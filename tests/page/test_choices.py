"""What a browser has chosen: the cookie, and the page that follows it."""

from __future__ import annotations

import pytest

from tornado_stream.page.choices import read_choices, to_cookie


@pytest.mark.parametrize(
    ("cookie", "choices"),
    [
        ("", {}),
        ("theme.dark", {"theme": "dark"}),
        (
            "text.150:theme.light:enter.newline",
            {"text": "150", "theme": "light", "enter": "newline"},
        ),
        ("language.de:notify.on", {"language": "de", "notify": "on"}),
        ("theme.pink:text.1000:language.xx:other.1", {}),
        ('theme."><script>:text', {}),
        ("theme.dark:theme.pink:theme:.:theme.", {"theme": "dark"}),
        (":" * 150 + "theme.dark", {"theme": "dark"}),
        (":" * 200 + "theme.dark", {}),
    ],
)
def test_only_known_values_count(cookie, choices):
    assert read_choices(cookie, {"en", "de"}) == choices
    assert read_choices(to_cookie(choices), {"en", "de"}) == choices


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/", "/usage", "/nothing-here"])
async def test_every_page_looks_as_the_browser_has_chosen(chat, path):
    cookie = "ts_choices=theme.dark:text.120:language.de:enter.newline"
    headers = {"Cookie": cookie, "Accept-Language": "zh", "Accept": "text/html"}
    page = (await chat.request("GET", path, headers=headers)).body.decode()
    root = page[page.index("<html") : page.index("<head>")]
    assert 'lang="de"' in root and 'data-theme="dark"' in root and 'data-text="120"' in root
    assert 'name="color-scheme" content="dark"' in page
    assert '"#14181b" media="all"' in page and '"#fcfcfa" media="not all"' in page


@pytest.mark.gen_test
async def test_the_server_keeps_the_choices_alive(chat):
    """Some browsers keep cookies that a script has set for a few days only."""
    headers = {"Cookie": "ts_choices=theme.dark:text.5000"}
    kept = (await chat.request("GET", "/", headers=headers)).headers["set-cookie"]
    assert "ts_choices=theme.dark;" in kept and "Max-Age=31536000" in kept and "Path=/" in kept
    assert "set-cookie" not in (await chat.request("GET", "/")).headers


@pytest.mark.gen_test
async def test_without_a_choice_the_page_follows_the_browser(chat):
    page = (await chat.request("GET", "/", headers={"Accept-Language": "zh"})).body.decode()
    assert '<html lang="zh" dir="ltr">' in page
    assert '"#14181b" media="(prefers-color-scheme: dark)"' in page
